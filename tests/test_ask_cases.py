"""Questions as people put them: what was once answered right is never lost again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.measuring.cases import ARTICLES, Outcome, outcomes, read_cases
from qa_service.config import load_settings
from qa_service.service import Service

CASES = Path(__file__).parent / "cases" / "ask"
KEPT = [
    line for line in (CASES / "kept.txt").read_text(encoding="utf-8").splitlines() if line.strip()
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """Ask every question of the real service; return what became of each."""
    settings = load_settings(
        index=tmp_path_factory.mktemp("cases") / "index", articles=CASES / ARTICLES
    )
    with closing(Service(settings)) as service:
        service.index()
        return {one.case.question: one for one in outcomes(service.ask, list(read_cases(CASES)))}


def test_cases_are_whole() -> None:
    """Each answer stands in a relevant article, and what is kept is one of the questions."""
    cases = list(read_cases(CASES))
    texts = {path.name: path.read_text("utf-8") for path in (CASES / ARTICLES).iterdir()}
    assert {name for case in cases for name in case.relevant} <= texts.keys()
    assert set(KEPT) <= {case.question for case in cases}
    assert len(KEPT) == len(set(KEPT)) > 80


@pytest.mark.parametrize("question", KEPT)
def test_nothing_is_lost(found: Mapping[str, Outcome], question: str) -> None:
    """The sentence quoted holds the answer; what no article answers is refused."""
    outcome = found[question]
    if outcome.case.is_answerable:
        assert outcome.is_right
    else:
        assert not outcome.is_answered
