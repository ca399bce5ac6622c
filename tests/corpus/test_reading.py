"""Reading as a whole: bounds, isolation, and no input that brings it down."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from corpus_files import ReadBytes, source_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valid_files import LARGE, VALID, lines_of

from qa_service.corpus.discovery import SUPPORTED_SUFFIXES
from qa_service.corpus.formats import plain_text
from qa_service.corpus.reading import ALLOWANCES, Allowance, ArticleLoader, read_file
from qa_service.corpus.reading_process import FileToRead, TimeLimit
from qa_service.errors import ReadingStoppedError, UnreadableFileError

STARTS = (b"", b"%PDF-1.7\n", b"PK\x03\x04", b"---\n", b'{"text":"', b"text,title\n", b"<html><p>")


def try_to_read(reader: ArticleLoader, suffix: str, content: bytes) -> None:
    """Read bytes as a file; anything but articles or a clear refusal fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(content)
        try:
            read = reader.read(source_file(path))
        except UnreadableFileError:
            return
    assert read.articles
    for article in read.articles:
        assert article.id
        assert article.title
        assert any(character.isalnum() for character in article.text)
        dataclasses.replace(article).text.encode()


@pytest.mark.parametrize("suffix", SUPPORTED_SUFFIXES)
def test_every_supported_suffix_is_read(read_bytes: ReadBytes, suffix: str) -> None:
    """What discovery lets through, reading reads, in capitals too."""
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        (article,) = read_bytes(name, VALID[suffix]).articles
        assert article.text


@pytest.mark.parametrize("suffix", SUPPORTED_SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=400))
def test_arbitrary_bytes_never_crash(
    file_reader: ArticleLoader, suffix: str, start: bytes, rest: bytes
) -> None:
    """Whatever a file holds, it is read or refused."""
    try_to_read(file_reader, suffix, start + rest)


@pytest.mark.parametrize("suffix", SUPPORTED_SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_crash(
    file_reader: ArticleLoader, suffix: str, data: st.DataObject
) -> None:
    """A valid file with bytes overwritten, or cut short, is read or refused."""
    content = bytearray(VALID[suffix])
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    try_to_read(file_reader, suffix, bytes(content[: data.draw(places) + 1]))


@pytest.mark.parametrize("suffix", [".txt", ".md", ".jsonl", ".csv"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_arbitrary_text_never_crashes(file_reader: ArticleLoader, suffix: str, text: str) -> None:
    """Any text in any script is read or refused."""
    try_to_read(file_reader, suffix, text.encode())


def test_the_same_bytes_give_the_same_articles(read_bytes: ReadBytes) -> None:
    """Reading is a function of the file."""
    for suffix, content in VALID.items():
        assert read_bytes(f"a{suffix}", content) == read_bytes(f"a{suffix}", content)


def test_one_file_can_be_read_alone(tmp_path: Path) -> None:
    """Without a reader of one's own, a child process serves the one file."""
    path = tmp_path / "a.html"
    path.write_bytes(VALID[".html"])
    assert read_file(source_file(path)).articles[0].language == "ar"


def test_repeated_lines_are_dropped_on_request(read_bytes: ReadBytes, tmp_path: Path) -> None:
    """Lines that a corpus repeats go when they are named."""
    path = tmp_path / "a.txt"
    path.write_text("Title here\n\nThe body of the article.\n\nDaily Post", encoding="utf-8")
    read = read_file(source_file(path), frozenset({"daily post"}))
    assert read.articles[0].text == "The body of the article."
    assert read.dropped[-1].reason == "repeated_across_corpus"


def test_a_removed_file_is_reported(tmp_path: Path) -> None:
    """A file that goes between discovery and reading is no crash."""
    path = tmp_path / "a.txt"
    path.write_text("text")
    file = source_file(path)
    path.unlink()
    with pytest.raises(UnreadableFileError, match="no longer there"):
        read_file(file)


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A file replaced by a pipe after discovery is refused, not opened for good."""
    path = tmp_path / "a.txt"
    path.write_text("text")
    file = source_file(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        read_file(file)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """The message names the size found and the size allowed."""
    path = tmp_path / "a.txt"
    with path.open("wb") as out:
        out.truncate(plain_text.MAX_BYTES + 1)  # sparse: takes no room
    with pytest.raises(UnreadableFileError, match=r"too large: 20\.0 MB.*up to 20\.0 MB"):
        read_file(source_file(path))


@pytest.mark.parametrize("suffix", sorted(LARGE))
def test_every_format_has_a_time_limit(tmp_path: Path, suffix: str) -> None:
    """A file that takes too long is refused, named, and the next one is read by a fresh child."""
    slow, next_one = tmp_path / f"slow{suffix}", tmp_path / f"next{suffix}"
    slow.write_bytes(LARGE[suffix])
    next_one.write_bytes(VALID[suffix])
    with ArticleLoader({suffix: Allowance(0.4)}) as reader:
        started = time.monotonic()
        with pytest.raises(ReadingStoppedError, match=rf"slow{suffix}.*longer than 0.4 seconds"):
            reader.read(source_file(slow))
        assert time.monotonic() - started < 20
    with ArticleLoader() as reader:
        reader.read(source_file(next_one))


def test_a_large_file_has_more_time() -> None:
    """What the limit is follows from the size; honest files are far from it."""
    assert ALLOWANCES[".jsonl"].limit(100 * 2**20).seconds == 1030
    assert ALLOWANCES[".txt"].limit(1000) == TimeLimit(30.0)
    assert set(ALLOWANCES) == set(SUPPORTED_SUFFIXES)


def test_many_articles_have_more_time_than_one(tmp_path: Path) -> None:
    """A file of many articles is not cut off as long as they keep coming."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(VALID[".jsonl"])
    shares: list[float] = []
    with ArticleLoader({".jsonl": Allowance(1.0, per_article_s=0.05)}) as reader:
        reader._process.read(FileToRead(".jsonl", path, "a"), limit=TimeLimit(60))
        path.write_bytes(lines_of(6000))
        assert len(reader.read(source_file(path), on_share=shares.append).articles) == 6000
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with ArticleLoader({".jsonl": Allowance(1.0)}) as reader, pytest.raises(ReadingStoppedError):
        reader.read(source_file(path))


def test_closing_ends_the_reading_that_is_under_way(tmp_path: Path) -> None:
    """Whoever gives a run up does not wait for the file that it is at."""
    path = tmp_path / "a.md"
    path.write_bytes(LARGE[".md"])
    reader = ArticleLoader()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, source_file(path))
        while reader._process._child is None:
            time.sleep(0.01)
        reader.close()
        with pytest.raises(UnreadableFileError):
            reading.result(timeout=30)


def test_threads_may_share_a_reader(file_reader: ArticleLoader, tmp_path: Path) -> None:
    """Files read at once come back each to its asker."""
    found = []
    for number in range(12):
        path = tmp_path / f"{number}.html"
        path.write_text(f"<p>This is page number {number}.</p>")
        found.append(source_file(path))
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(file_reader.read, found))
    assert [one.articles[0].text for one in read] == [
        f"This is page number {number}." for number in range(12)
    ]
