"""The measuring of other libraries, as far as it goes without them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

PEERS = Path(__file__).parent.parent / "benchmarks" / "peers"


@pytest.fixture(autouse=True)
def scripts_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts be imported as they import each other."""
    monkeypatch.setattr(sys, "path", [str(PEERS), *sys.path])


def test_every_peer_is_pinned() -> None:
    """The version that a result names is the one that the requirements pin."""
    import engines

    requirements = (PEERS / "requirements-peers.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE))
    assert {peer.distribution for peer in engines.PEERS.values()} <= pinned


def test_both_environments_hold_the_same_model_libraries() -> None:
    """Peers are measured on the versions that qa-service itself runs on."""
    ours = set((PEERS.parent.parent / "constraints.txt").read_text(encoding="utf-8").split())
    theirs = set((PEERS / "requirements-peers.txt").read_text(encoding="utf-8").split())
    for library in ("torch", "transformers", "sentence-transformers", "tokenizers", "faiss-cpu"):
        pins = {pin for pin in ours | theirs if pin.startswith(f"{library}==")}
        assert len(pins) == 1, pins
        assert pins <= ours & theirs


@pytest.mark.parametrize(
    ("values", "expected"), [([5.0], 5.0), ([3.0, 1.0, 2.0], 3.0), (list(range(1, 101)), 95)]
)
def test_percentile(values: list[float], expected: float) -> None:
    """The 95th percentile is one of the values measured, whatever their order."""
    import run

    assert run.percentile(values, 95) == expected


def test_texts_are_read(tmp_path: Path) -> None:
    """Passages and questions keep their order and their exact text."""
    import engines
    import run

    texts = tmp_path / "texts.json"
    texts.write_text(
        '{"passages": [{"id": "b", "text": "نص  عربي", "language": "ar"},'
        ' {"id": "a", "text": "ข้อความ", "language": "th"}], "queries": []}',
        encoding="utf-8",
    )
    passages = run.read_texts(texts, "passages")
    assert passages == [engines.Text("b", "نص  عربي"), engines.Text("a", "ข้อความ")]
    assert run.read_texts(texts, "queries") == []


def test_same_questions_are_drawn_in_each_language(tmp_path: Path) -> None:
    """A sample holds the same questions, by their numbers, whatever the language."""
    import xquad

    samples = []
    for code, word in (("ar", "سؤال"), ("zh", "问题")):
        path = tmp_path / f"xquad.{code}.json"
        paragraphs = [
            {"context": f"{word} {p}", "qas": [{"question": f"{word} {p}.{q}"} for q in range(5)]}
            for p in range(4)
        ]
        xquad.write_json(path, {"data": [{"paragraphs": paragraphs}]})
        language = xquad.read_language(path, 6)
        assert language.code == code
        assert len(language.paragraphs) == 4
        samples.append([(text.removeprefix(word), place) for text, place in language.questions])
    assert samples[0] == samples[1]
    assert len(samples[0]) == 6


def test_pool_is_scored_over_all_versions_of_the_paragraph() -> None:
    """Any language's version counts as found, and precision falls with each wrong one before it."""
    import xquad

    languages = [xquad.Language(code, ("0", "1"), (("question", 1),)) for code in ("ar", "en")]
    found = {"ar-0": ["en-1", "ar-0", "ar-1"], "en-0": ["en-0", "en-1"]}
    assert xquad.pool_scores(found, languages) == {
        "pool R@1": 0.5,
        "pool mAP": pytest.approx(((1 + 2 / 3) / 2 + (1 / 2) / 2) / 2),
    }
    assert xquad.recall_at_1(found, languages[0], "en") == 1.0
    assert xquad.recall_at_1(found, languages[1], "en") == 0.0


def test_a_name_is_not_taken_for_a_model_folder(tmp_path: Path) -> None:
    """A folder without a model is refused before any library tries to fetch it from a hub."""
    import argparse

    import run

    with pytest.raises(argparse.ArgumentTypeError, match="no sentence-transformers model"):
        run.model_folder(str(tmp_path))
    (tmp_path / "modules.json").write_text("[]")
    assert run.model_folder(str(tmp_path)) == tmp_path
