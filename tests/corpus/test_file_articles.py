"""What a file's drafts become: each its article, under an id of its own, bounds kept."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from corpus_files import source_file
from index_parts import make_indexer, make_parts

from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_articles import Notes, articles_of
from qa_service.corpus.reading import ArticleLoader, read_file
from qa_service.errors import UnreadableFileError
from qa_service.types import Article, DroppedText, FileState

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


def made(
    drafts: list[Draft], file_id: str = "ملف.txt", *repeated: str
) -> tuple[list[Article], Notes]:
    """Return the articles of drafts, and what is said of them."""
    notes = Notes()
    found = articles_of(Drafts(tuple(drafts)), file_id, set(repeated), notes)
    return [article for article in found if article is not None], notes


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("أوقفت الشرطة تسعة أشخاص في يريفان.", "ar"),
        ("运河全长八十二公里，共有四座船闸。", "zh"),
        ("ตลาดน้ำเปิดทุกวันในตอนเช้า", "th"),
        ("नदी पहाड़ों से निकलती है।", "hi"),
    ],
)
def test_what_a_file_does_not_say_is_found_out(text: str, language: str) -> None:
    """The id is the file's, the language is detected, the title is the first sentence."""
    (article,), notes = made([Draft(text)])
    assert (article.id, article.language, article.text) == ("ملف.txt", language, text)
    assert article.title
    assert text.startswith(article.title.rstrip("…"))
    assert notes.all_warnings() == []


def test_what_a_file_says_wrongly_is_told_and_made_up_for() -> None:
    """A language that is none, a date that is none, an id that no page could link to."""
    draft = Draft("नदी पहाड़ों से निकलती है।", id="न" * 5000, language="हिन्दी", published="कल")
    (article,), notes = made([draft])
    assert article.language == "hi"
    assert article.published is None
    assert len(article.id) == 32
    told = "\n".join(notes.all_warnings())
    assert "'हिन्दी' is no ISO 639-1 code; detected instead" in told
    assert "'कल' is not understood; write it as 2020-11-16" in told
    assert "id of 5000 characters is too long" in told


def test_lines_without_text_are_left_out_and_named() -> None:
    """By their line; the others are read."""
    drafts = [
        Draft("…！؟", line=1),
        Draft("运河全长。", line=2),
        Draft("运河全长。", id="x", line=3),
    ]
    (first, second), notes = made(drafts)
    assert (first.text, second.id) == ("运河全长。", "x")
    assert notes.all_warnings() == ["line 1: it holds no article text; left out"]


def test_a_line_said_twice_is_told_once() -> None:
    """The same text under the same id is left out, with where it stood first."""
    drafts = [Draft("خبر عاجل اليوم", id="x", line=number) for number in (1, 5)]
    articles, notes = made(drafts)
    assert len(articles) == 1
    assert notes.all_warnings() == ["line 5: repeats line 1; left out"]


def test_a_file_without_any_text_is_unreadable() -> None:
    """No drafts, or none with a letter in it."""
    for drafts in ([], [Draft(" \n")], [Draft("？！"), Draft("🙂")]):
        with pytest.raises(UnreadableFileError, match=r"holds no article text. Fill or remove it"):
            made(drafts)


def test_what_is_dropped_is_bounded_and_counted() -> None:
    """A page of nothing but advertisements does not fill the report."""
    notes = Notes()
    notes.drop([DroppedText("إعلان", "advertisement")] * 10_003)
    assert len(notes.dropped) == 10_000
    assert notes.all_warnings() == ["3 more lines were left out than are listed"]
