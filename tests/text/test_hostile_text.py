"""What is done to a file's text takes time that grows with its length, whatever it says.

Openers that nothing closes, marks by the thousand, one endless line: four times as much of it may
take four times as long, and a bit. What grows with the square takes sixteen times as long.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from qa_service.chunker import stream_passages
from qa_service.corpus.boilerplate.repetition import LineCounter, without_repeated_lines
from qa_service.corpus.decoding import decode
from qa_service.corpus.file_articles import Notes, articles_of
from qa_service.corpus.reading_child import reader_of
from qa_service.errors import UnreadableFileError
from qa_service.text.language import detect_language
from qa_service.text.sentences import split_sentences
from qa_service.text.terms import Analyzer
from qa_service.types import Article

SHORT, LONG = 8_000, 32_000
# Below this many seconds nobody waits, and the clock says little.
FLOOR_S = 0.3
MOST_GROWTH = 11.0
TRIES = 2

OPENERS = (
    *("<!--", "<![CDATA[", "<script", "<script>", "<style>", "<?", "<", "</", "<div>", "<table>"),
    *('<a href="', "<p>", "[", "![](", "[a](", "[^", "[a]: b\n", "**", "*a ", "~~", "_a ", "`"),
    *("` `` ", "{", '"', '{"a":', "(", "]", "&", "&#", "\\", "|", "|-", "|a|\n", "a,", "---\n"),
    *("> ", "- ", "- a\n", "1. ", "# ", "#a ", "=\n", "-a", "-", "- - "),
)
TEXTS = (
    *("1/1/1/1/", "1 ", "1.", "12:", "1 May ", "http://", "www.", "a@", "@", "a.jpg?", "a.jpg? "),
    *("+ ", "A ", ":", "a: ", "a - ", "> a ", "©", "!?", ". ", "a. ", "a.", "...", "a'", "“", "«"),
    *(" ", "\t", "a" + " " * 50, "\n", "a\n", " \t\n", "\v", "\u2028", "a", "\u200d", "\U0001f1e6"),
    *("\u0327\u0301", "e\u0301", "ب", "بّ", "ب. ", "中", "中。", "ก", "กก ", "ह", "है। ", "\u1780"),
    *("اب中นहx ", "٠", "א'", "İ"),
)


def count_words(texts: Sequence[str]) -> list[int]:
    """Count words, as if they were tokens."""
    return [max(1, len(text.split())) for text in texts]


def read(path: Path, content: str) -> None:
    """Read a file the way the reading process does."""
    path.write_text(content, encoding="utf-8")
    try:
        drafts = reader_of(path.suffix)(path)
        list(articles_of(drafts, "a", frozenset({"x"}), Notes()))
    except (UnreadableFileError, RecursionError):
        pass


def one_line(text: str) -> str:
    """Return a text without line ends."""
    return text.replace("\n", " ")


def stages(folder: Path) -> dict[str, Callable[[str], object]]:
    """Return what is done to a text, by name."""

    def article(text: str) -> Article:
        return Article(id="a", title="t", text=text, language="en")

    def repetition(text: str) -> None:
        counter = LineCounter()
        counter.add(text)
        without_repeated_lines(text, frozenset({"x"}))

    def legacy(text: str) -> None:
        try:
            decode(b"\xe9\xff " + text.encode())
        except UnreadableFileError:
            return

    return {
        "txt": lambda text: read(folder / "a.txt", f"word\n\n{text} b"),
        "head": lambda text: read(
            folder / "a.txt", f"---\ntitle: {one_line(text)}\n{one_line(text)}: 1\n---\n{text}"
        ),
        "md": lambda text: read(folder / "a.md", f"# a{one_line(text)}\n\n{text}\n\nb"),
        "html": lambda text: read(folder / "a.html", f"<title>{text}</title><p>word</p>{text}"),
        "csv": lambda text: read(folder / "a.csv", f'text,title\nb{text},"c{text}\n'),
        "jsonl": lambda text: read(
            folder / "a.jsonl", json.dumps({"text": f"w\n{text}", "title": text, "date": text})
        ),
        "raw jsonl": lambda text: read(folder / "a.jsonl", f'{{"text": "a"}}\n{text}'),
        "language": detect_language,
        "repetition": repetition,
        "legacy encoding": legacy,
        "sentences": lambda text: split_sentences(text, "en"),
        "passages": lambda text: tuple(stream_passages(article(text), count_words)),
        "terms": lambda text: Analyzer().terms(text, "en"),
    }


def seconds(stage: Callable[[str], object], text: str) -> float:
    """Measure the processor's time."""
    started = time.process_time()
    stage(text)
    return time.process_time() - started


def growth(stage: Callable[[str], object], seed: str) -> float:
    """Return how many times as long four times as much takes; 1 when that is next to nothing."""
    long = seconds(stage, seed * (LONG // len(seed)))
    if long < FLOOR_S:
        return 1.0
    # Only then it is worth measuring well: the least of several runs, each with its own luck.
    text = seed * (LONG // len(seed))
    long = min(long, *(seconds(stage, text) for _ in range(TRIES - 1)))
    short = min(seconds(stage, seed * (SHORT // len(seed))) for _ in range(TRIES))
    return long / max(short, FLOOR_S / MOST_GROWTH)


@pytest.mark.slow
@pytest.mark.parametrize("name", stages(Path()))
def test_time_grows_with_the_text(tmp_path: Path, name: str) -> None:
    """No reader, no rule and no splitter takes ever longer over any repeated opener or text."""
    stage = stages(tmp_path)[name]
    stage("warm up: everything is imported and loaded by now, 3 May 2020")
    grown = {seed: growth(stage, seed) for seed in (*OPENERS, *TEXTS)}
    for seed in [seed for seed, times in grown.items() if times > MOST_GROWTH]:
        # A machine that others use, too, can make one measurement look quadratic, not three.
        grown[seed] = min(grown[seed], growth(stage, seed), growth(stage, seed))
    assert {seed: round(times, 1) for seed, times in grown.items() if times > MOST_GROWTH} == {}


@pytest.mark.parametrize("text", ["@", "a@", "a.@", "@a", "a@a.", "www.", "_", "#"])
def test_language_of_a_question_is_told_at_once(text: str) -> None:
    """What looks like the beginning of an address holds nobody up."""
    detect_language("loads what it takes")
    started = time.process_time()
    detect_language(text * 1200)
    # It took thirteen seconds once.
    assert time.process_time() - started < 3.0
