"""A file's bytes are read within bounds, and from nothing but a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa_service.corpus import file_bytes
from qa_service.errors import UnreadableFileError


def test_bounds_hold_for_files_that_grow(tmp_path: Path) -> None:
    """What is read is counted, not only what was there at first."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert file_bytes.read_bytes(path, 5) == b"12345"
    with pytest.raises(UnreadableFileError, match="too large"):
        file_bytes.read_bytes(path, 4)


def test_a_file_of_any_name_is_read(tmp_path: Path) -> None:
    """Up to the last byte that is allowed."""
    path = tmp_path / "مقال 文章 บทความ.txt"
    path.write_bytes(b"12345")
    with file_bytes.open_regular(path, 5) as stream:
        assert stream.read() == b"12345"


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "it is empty. Fill"), (b"123456", "too large: .*Split it")]
)
def test_size_is_told_with_what_to_do(tmp_path: Path, content: bytes, told: str) -> None:
    """Nothing in it, or more than this format is read up to."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=told):
        file_bytes.read_bytes(path, 5)


def test_what_is_no_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Nothing at all, a name that no file can have, a folder, a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "مجلد").mkdir()
    for name, told in (
        ("مجلد", "not a regular file. Replace it"),
        ("pipe", "not a regular file. Replace it"),
        ("nowhere", "no longer there. Index again"),
        ("nul\x00", "cannot be opened: .*Check access"),
        ("长" * 300, "cannot be opened: .*Check access"),
    ):
        with pytest.raises(UnreadableFileError, match=told):
            file_bytes.read_bytes(tmp_path / name, 5)
