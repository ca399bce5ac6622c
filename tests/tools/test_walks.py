"""The walks through the code are what happens: every step is called, in the order told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest
import walks

from qa_service.config import load_settings
from qa_service.service import Service
from qa_service.web.app import create_app

TEXT = walks.PAGE.read_text(encoding="utf-8")
# These run in the reading process, which is not watched.
ELSEWHERE = {walks.Step("qa_service/corpus/reading.py", "read_file")}
# The two searches run at the same time.
SIDE_BY_SIDE = (
    walks.Step("qa_service/indexes/vector.py", "FaissIndex.search"),
    walks.Step("qa_service/text/terms.py", "Analyzer.question_terms"),
    walks.Step("qa_service/indexes/lexical.py", "TantivyIndex.search"),
)


def section(title: str) -> list[walks.Step]:
    """Return the steps under a heading."""
    return walks.steps(TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0])


@contextmanager
def watched(called: list[walks.Step]) -> Iterator[None]:
    """Note the functions of the product that are called meanwhile, each once, in order."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code not in seen:
            seen.add(code)
            if code.co_filename.startswith(str(walks.ROOT / "qa_service")):
                path = Path(code.co_filename).relative_to(walks.ROOT).as_posix()
                called.append(walks.Step(path, code.co_qualname))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[walks.Step], list[walks.Step]]:
    """Return what is called when a folder is indexed, and when a question is asked."""
    folder = tmp_path_factory.mktemp("walk")
    articles = folder / "articles"
    articles.mkdir()
    (articles / "canal.txt").write_text(
        "The Suez Canal\n\nThe canal is 193 kilometres long. It was opened in 1869.", "utf-8"
    )
    (articles / "قناة.txt").write_text(
        "قناة السويس\n\nيبلغ طول القناة 193 كيلومترا. افتتحت عام 1869.", "utf-8"
    )
    indexed: list[walks.Step] = []
    asked: list[walks.Step] = []
    settings = load_settings(index=folder / "index", articles=articles)
    with closing(Service(settings)) as service:
        with watched(indexed):
            service.index()
        client = create_app(service, settings).test_client()
        with watched(asked):
            reply = client.post("/ask", json={"question": "When was the Suez Canal opened?"})
        assert reply.status_code == 200
    return indexed, asked


def test_lines_are_those_of_today() -> None:
    """`make docs` mends them."""
    assert walks.with_current_lines(TEXT) == TEXT


def test_a_step_that_is_gone_is_told() -> None:
    """Renamed or moved, it cannot be linked."""
    with pytest.raises(KeyError, match="nowhere"):
        walks.with_current_lines("`qa_service/service.py` `Service.nowhere`")


def test_an_article_comes_through_these_steps(
    calls: tuple[list[walks.Step], list[walks.Step]],
) -> None:
    """As the page tells them."""
    told = [step for step in section("An article, step by step") if step not in ELSEWHERE]
    assert len(told) >= 15
    assert [step for step in told if step not in calls[0]] == []
    assert sorted(told, key=calls[0].index) == told


def test_a_question_comes_through_these_steps(
    calls: tuple[list[walks.Step], list[walks.Step]],
) -> None:
    """As the page tells them."""
    told = section("A question, step by step")
    assert len(told) >= 15
    assert [step for step in told if step not in calls[1]] == []
    in_turn = [step for step in told if step not in SIDE_BY_SIDE]
    assert sorted(in_turn, key=calls[1].index) == in_turn
