"""The folder of articles: what is put in and taken out, and what may never happen to a file."""

from __future__ import annotations

import codecs
import errno
import os
import time
from pathlib import Path

import pytest

from qa_service.articles.folder import UPLOADS, ArticleFolder
from qa_service.corpus.discovery import discover
from qa_service.errors import (
    ArticleConflictError,
    IndexWriteError,
    TooLargeFileError,
    UnreadableFileError,
    UnsupportedFormatError,
)

MAX_BYTES = {".html": 2000, ".md": 2000, ".pdf": 3000, ".txt": 2000}
CONTENT = "قناة السويس 苏伊士运河 คลองสุเอซ स्वेज़ नहर".encode()


@pytest.fixture
def article_folder(tmp_path: Path) -> ArticleFolder:
    """One that does not exist yet."""
    return ArticleFolder(tmp_path / "articles", tmp_path / "index" / "removed", MAX_BYTES)


def files_below(folder: Path) -> list[str]:
    """List all files of a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "name", ["report.txt", "تقرير.md", "长城.txt", "คลอง.html", "नहर.txt", "a b.txt", "LOUD.TXT"]
)
def test_added_file_is_there_whole(
    article_folder: ArticleFolder, tmp_path: Path, name: str
) -> None:
    """A file is stored under its own name, in any script, and nothing else is left behind."""
    stored = article_folder.add(name, CONTENT)
    assert stored == tmp_path / "articles" / UPLOADS / name
    assert stored.read_bytes() == CONTENT
    assert files_below(tmp_path) == [f"articles/{UPLOADS}/{name}"]


def test_taken_name_gets_a_number(article_folder: ArticleFolder) -> None:
    """A second file of the same name stands beside the first; neither changes."""
    stored = [article_folder.add("تقرير.md", bytes([digit])) for digit in b"123"]
    assert [path.name for path in stored] == ["تقرير.md", "تقرير-2.md", "تقرير-3.md"]
    assert [path.read_bytes() for path in stored] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../escape.txt", "a/b.txt", "/etc/passwd", "folder/", "nul\0.txt", "../../x"],
)
def test_name_that_leads_elsewhere_is_refused(
    article_folder: ArticleFolder, tmp_path: Path, name: str
) -> None:
    """Only a plain name is taken; nothing is written for any other."""
    with pytest.raises(ArticleConflictError, match="plain name"):
        article_folder.add(name, CONTENT)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["noending", "virus.exe", "photo.JPG", "a.txt.zip", "نص.doc", ".txt"]
)
def test_what_no_reader_takes_is_refused(
    article_folder: ArticleFolder, tmp_path: Path, name: str
) -> None:
    """A file of another format is not stored; the message names those that are taken."""
    with pytest.raises(UnsupportedFormatError, match=r"\.html \.md \.pdf \.txt"):
        article_folder.add(name, CONTENT)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *[(name, b"") for name in ("a.txt", "a.pdf", "a.html")],
        ("a.txt", b" \r\n\t"),
        ("a.txt", b"\0\0\0"),
        ("a.md", codecs.BOM_UTF8),
        ("a.md", codecs.BOM_UTF8 + b"\n\n"),
        ("a.txt", codecs.BOM_UTF16_LE),
        ("a.txt", codecs.BOM_UTF16_BE + " \n".encode("utf-16-be")),
        ("a.txt", codecs.BOM_UTF32_LE + " \n".encode("utf-32-le")),
        ("a.txt", "\u3000\u00a0\u200b\u2028".encode()),
        ("a.txt", "…—!؟。".encode()),
    ],
)
def test_what_is_empty_is_refused(
    article_folder: ArticleFolder, tmp_path: Path, name: str, content: bytes
) -> None:
    """Nothing, blanks, marks of byte order and punctuation are no article, and are not stored."""
    with pytest.raises(UnreadableFileError, match="no text"):
        article_folder.add(name, content)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        "ﻻ".encode(),
        "\ufeffنعم".encode(),
        "是".encode("utf-16"),
        "да".encode("cp1251"),
        "نعم".encode("cp1256"),
        "はい".encode("shift_jis"),
        "คลอง".encode("tis-620"),
        b"1",
    ],
)
def test_a_word_is_enough(article_folder: ArticleFolder, content: bytes) -> None:
    """A text of one word is taken, in any script and encoding."""
    assert article_folder.add("a.txt", content).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "size", "is_stored"),
    [("a.txt", 2000, True), ("a.TXT", 2001, False), ("a.pdf", 2001, True), ("a.pdf", 3001, False)],
)
def test_what_its_format_is_not_read_at_is_not_stored(
    article_folder: ArticleFolder, tmp_path: Path, name: str, size: int, is_stored: bool
) -> None:
    """A file over the bound of its own format is refused before it lies there, unreadable."""
    content = b"a" * size
    if is_stored:
        assert article_folder.add(name, content).read_bytes() == content
        return
    with pytest.raises(TooLargeFileError, match=r"\.(txt|pdf) files are read up to [0-9.]+ MB"):
        article_folder.add(name, content)
    assert not files_below(tmp_path)


@pytest.mark.parametrize("step", ["fsync", "hardlink_to"])
def test_nothing_stays_of_a_file_that_could_not_be_stored(
    step: str, article_folder: ArticleFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full half-way, no part of the file is left."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(IndexWriteError, match="upload again"):
        article_folder.add("a.txt", CONTENT)
    assert files_below(tmp_path) == []


def test_leftovers_of_killed_processes_go(article_folder: ArticleFolder, tmp_path: Path) -> None:
    """What was being written when a process was killed is deleted, what is being written is not."""
    folder = tmp_path / "articles" / UPLOADS
    folder.mkdir(parents=True)
    for name, age_s in (("old", 7200), ("new", 5)):
        path = folder / f".{name}.partial"
        path.write_bytes(CONTENT)
        os.utime(path, (time.time() - age_s,) * 2)
    article_folder.add("a.txt", CONTENT)
    assert files_below(folder) == [".new.partial", "a.txt"]
    assert [file.id for file in discover([folder]).files] == ["a.txt"]


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder should be ends in a message that says how to mend it."""
    (tmp_path / "articles").write_text("no folder")
    with pytest.raises(IndexWriteError, match="cannot be written to"):
        ArticleFolder(tmp_path / "articles", tmp_path / "index" / "removed", MAX_BYTES).add(
            "a.txt", CONTENT
        )


def test_name_longer_than_the_disk_takes_is_told(
    article_folder: ArticleFolder, tmp_path: Path
) -> None:
    """An impossible name is a message, and leaves no part of a file."""
    with pytest.raises(IndexWriteError):
        article_folder.add("ط" * 300 + ".txt", CONTENT)
    assert files_below(tmp_path) == []


def test_removed_file_is_kept_in_the_index_folder(
    article_folder: ArticleFolder, tmp_path: Path
) -> None:
    """What is removed leaves the articles and is not lost, even twice under the same name."""
    kept = [
        article_folder.remove(article_folder.add("长城.txt", content)) for content in (b"1", b"2")
    ]
    assert [path.read_bytes() for path in kept] == [b"1", b"2"]
    assert {path.parent for path in kept} == {tmp_path / "index" / "removed"}
    assert files_below(tmp_path / "articles") == []


def test_file_outside_is_left_alone(article_folder: ArticleFolder, tmp_path: Path) -> None:
    """Nothing that is not in the articles folder is moved, however the way to it is written."""
    outside = tmp_path / "outside.txt"
    outside.write_bytes(CONTENT)
    article_folder.add("a.txt", b"x")
    for path in (outside, tmp_path / "articles" / ".." / "outside.txt"):
        with pytest.raises(ArticleConflictError, match="not a file in"):
            article_folder.remove(path)
    assert outside.read_bytes() == CONTENT


def test_way_through_a_linked_folder_is_refused(
    article_folder: ArticleFolder, tmp_path: Path
) -> None:
    """A link to a folder elsewhere does not make its files part of the articles."""
    article_folder.add("a.txt", b"x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.txt").write_bytes(CONTENT)
    (tmp_path / "articles" / "link").symlink_to(elsewhere)
    with pytest.raises(ArticleConflictError):
        article_folder.remove(tmp_path / "articles" / "link" / "b.txt")
    assert (elsewhere / "b.txt").exists()


def test_linked_file_is_taken_away_but_not_what_it_leads_to(
    article_folder: ArticleFolder, tmp_path: Path
) -> None:
    """Of a link in the articles the link goes; the file behind it stays."""
    article_folder.add("a.txt", b"x")
    target = tmp_path / "target.txt"
    target.write_bytes(CONTENT)
    link = tmp_path / "articles" / "link.txt"
    link.symlink_to(target)
    article_folder.remove(link)
    assert not link.is_symlink()
    assert target.read_bytes() == CONTENT


def test_what_is_gone_or_a_folder_cannot_be_removed(
    article_folder: ArticleFolder, tmp_path: Path
) -> None:
    """A file that somebody deleted, and a folder, are conflicts."""
    stored = article_folder.add("a.txt", b"x")
    stored.unlink()
    for path in (stored, tmp_path / "articles" / UPLOADS):
        with pytest.raises(ArticleConflictError):
            article_folder.remove(path)
