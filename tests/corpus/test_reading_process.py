"""The process that reads files: stopped, replaced and told of when it must be."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from pdf_files import PdfFile
from valid_files import VALID

from qa_service.corpus import reading_process
from qa_service.corpus.reading_process import FileToRead, ReadingProcess, TimeLimit
from qa_service.errors import ReadingStoppedError, UnreadableFileError


def test_a_reader_that_takes_too_long_is_stopped_and_the_next_file_is_read(tmp_path: Path) -> None:
    """The child process is ended at the time limit, and a new one serves on."""
    path = tmp_path / "a.html"
    path.write_bytes(VALID[".html"])
    process = ReadingProcess()
    try:
        with pytest.raises(UnreadableFileError, match=r"longer than 0\.001 seconds"):
            process.read(FileToRead(".html", path, "a"), limit=TimeLimit(0.001))
        assert process.read(FileToRead(".html", path, "a"), limit=TimeLimit(120)).articles
    finally:
        process.close()


def test_a_reader_that_takes_too_much_memory_is_stopped(tmp_path: Path) -> None:
    """A stream that unpacks to more than the child may have ends in a message."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()
    file = PdfFile()
    content = file.add(
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    )
    page = file.add(
        b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 9 9] /Contents %d 0 R >>" % content
    )
    tree = file.add(b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % page)
    catalog = file.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    path = tmp_path / "a.pdf"
    path.write_bytes(file.bytes(b"/Root %d 0 R" % catalog))
    process = ReadingProcess(max_memory_bytes=600 * 2**20)
    try:
        with pytest.raises(UnreadableFileError, match="memory"):
            process.read(FileToRead(".pdf", path, "a"), limit=TimeLimit(120))
        path.write_bytes(VALID[".pdf"])
        assert process.read(FileToRead(".pdf", path, "a"), limit=TimeLimit(120)).articles
    finally:
        process.close()


def test_a_child_that_was_killed_is_replaced(tmp_path: Path) -> None:
    """The system may end the reading process for want of memory; the file is read by another."""
    path = tmp_path / "a.txt"
    path.write_bytes(VALID[".txt"])
    process = ReadingProcess()
    file = FileToRead(".txt", path, "a")
    try:
        assert process.read(file, limit=TimeLimit(60)).articles
        child = process._child
        assert child is not None
        child.kill()
        assert process.read(file, limit=TimeLimit(60)).articles
        assert process._child is not child
    finally:
        process.close()


def test_a_child_that_breaks_down_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is tried by a fresh child once, and then named."""
    path = tmp_path / "a.html"
    path.write_bytes(VALID[".html"])
    started = []

    def broken(module: str, arguments: Sequence[str]) -> list[str]:
        started.append(module)
        return [sys.executable, "-I", "-c", "input()"]

    monkeypatch.setattr(reading_process, "python_command", broken)
    process = ReadingProcess()
    try:
        with pytest.raises(ReadingStoppedError, match="broke down"):
            process.read(FileToRead(".html", path, "a"), limit=TimeLimit(60))
    finally:
        process.close()
    assert len(started) == 1
