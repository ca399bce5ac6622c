"""Files that must last: their checksums, and that they are forced to the disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from qa_service.durable_files import sha256_of, sync_file, sync_folder


@pytest.mark.parametrize("content", [b"", "نص 文 ไทย हिन्दी".encode(), bytes(range(256)) * 5000])
def test_checksum_is_of_the_whole_content(tmp_path: Path, content: bytes) -> None:
    """Nothing, any script, more than is read at once."""
    path = tmp_path / "ملف"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """As the system tells it, for those to word who know what it means."""
    for use in (sha256_of, sync_file, sync_folder):
        with pytest.raises(FileNotFoundError):
            use(tmp_path / "nowhere")


def test_files_and_folders_are_synced_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, by a descriptor that is closed even where the disk fails."""
    path = tmp_path / "长城.txt"
    path.write_bytes(b"1")
    synced: list[int] = []
    sync = os.fsync

    def failing(descriptor: int) -> None:
        synced.append(descriptor)
        sync(descriptor)
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    for use, place in ((sync_file, path), (sync_folder, tmp_path)):
        with pytest.raises(OSError, match="input/output"):
            use(place)
        with pytest.raises(OSError, match=r"[Bb]ad file descriptor"):
            os.fstat(synced[-1])
    assert len(synced) == 2
