"""Small files are read whole or refused at once, whatever lies under their name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa_service.store.small_files import NotAFileError, open_file, read_small


def test_content_is_returned_whole(tmp_path: Path) -> None:
    """Up to the last byte that is allowed."""
    path = tmp_path / "حالي 现在"
    path.write_bytes(b"x" * 100)
    assert read_small(path, most_bytes=100) == b"x" * 100


def test_what_is_longer_is_refused(tmp_path: Path) -> None:
    """The message says how long it may be; a sparse file of any size is not read through."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="longer than the 65536 bytes"):
        read_small(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_something_else_is_refused_at_once(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    """A folder, a pipe that nobody writes to, and a device that never ends."""
    make(tmp_path / "CURRENT")
    with pytest.raises(NotAFileError, match="no plain file"):
        open_file(tmp_path / "CURRENT")


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Whoever asks can tell that there is nothing."""
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "nowhere")
