"""Thousands of articles that claim one id are read in time that grows with their number."""

from __future__ import annotations

import json
import time
from pathlib import Path

from corpus_files import source_file
from index_parts import make_indexer, make_parts

from qa_service.corpus.reading import ArticleLoader, read_file
from qa_service.types import FileState

MANY = 50_000
# Counting up from two for every line takes an hour; whoever tests may have a slow machine.
PATIENCE_S = 120.0


def write_lines(path: Path, lines: int, word: str = "خبر") -> None:
    """Write articles of one id, each with a text of its own."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            text = f"खबर {number}, 新闻 {number}, {word} {number}"
            file.write(json.dumps({"id": "x", "text": text, "title": "t"}) + "\n")


def test_lines_of_one_id_are_numbered_in_order(tmp_path: Path) -> None:
    """Each goes by a number of its own, in seconds, and what is said of them is bounded."""
    path = tmp_path / "same.jsonl"
    write_lines(path, MANY)
    started = time.monotonic()
    read = read_file(source_file(path))
    assert time.monotonic() - started < PATIENCE_S
    ids = [article.id for article in read.articles]
    assert ids == ["x", *(f"x~{number}" for number in range(2, MANY + 1))]
    assert len(read.warnings) == 201
    assert read.warnings[-1] == f"… and {MANY - 1 - 200} more"


def test_numbers_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    """An id that looks like a numbered one is left to the article that claims it first."""
    path = tmp_path / "a.jsonl"
    ids = ["x~2", "x", "x", "x~3", "x", "x~3"]
    lines = (json.dumps({"id": name, "text": f"نص {at}"}) for at, name in enumerate(ids))
    path.write_text("\n".join(lines), encoding="utf-8")
    read = read_file(source_file(path))
    assert [one.id for one in read.articles] == ["x~2", "x", "x~3", "x~3~2", "x~4", "x~3~3"]


def test_an_id_claimed_by_two_files_over_and_over_is_indexed(tmp_path: Path) -> None:
    """Ids of a second file are numbered without going through those of the first again."""
    articles = tmp_path / "articles"
    articles.mkdir()
    write_lines(articles / "a.jsonl", 3000)
    write_lines(articles / "b.jsonl", 3000, "ข่าว")
    with (articles / "b.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": "b", "text": "another"}) + "\n")
    with ArticleLoader() as reader:
        parts = make_parts(loader=reader)  # type: ignore[arg-type]
        report = make_indexer(tmp_path / "index", parts).run([articles])
    assert [one.state for one in report.files] == [FileState.INDEXED] * 2
    assert report.articles == 6001
    assert len(report.files[1].reason or "") < 20_000
