"""Writes that fail end in a message that says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer

from qa_service.errors import IndexWriteError
from qa_service.store import Store
from qa_service.store.disk import Disk, writing_to


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_read_only_folder(store: Store, articles: Path) -> None:
    """A folder that may not be written to can be read from, and says what to do."""
    store.path.chmod(0o500)
    try:
        store.open_current(RECIPE)
        with pytest.raises(IndexWriteError, match="write access"):
            make_indexer(store.path).run([articles])
    finally:
        store.path.chmod(0o700)


def test_text_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Whichever step a crash comes before, the file holds what it held or what was written."""
    path = tmp_path / "CURRENT"
    steps: list[str] = []
    Disk(steps.append).write_text(path, "قديم")
    assert len(steps) == 4
    for step in range(len(steps)):

        def crash(_: str, left: list[int] = [step]) -> None:  # noqa: B006 - counts down
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1

        with pytest.raises(KeyboardInterrupt):
            Disk(crash).write_text(path, "新的")
        assert path.read_text(encoding="utf-8") in ("قديم", "新的")
    Disk().write_text(path, "नया")
    assert path.read_text(encoding="utf-8") == "नया"
    assert [found.name for found in tmp_path.iterdir()] == ["CURRENT"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_where_links_are_not_possible_a_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A file system without links, or with no more of them, costs room, not the run."""

    def refuse(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "old").write_bytes(b"content")
    Disk().link(tmp_path / "old", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(tmp_path / "old")
    monkeypatch.setattr(os, "link", refuse)
    Disk().link(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert not (tmp_path / "new").samefile(tmp_path / "old")


def test_a_full_disk_is_not_filled_with_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where even a link has no room, a copy is not tried."""

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "old").write_bytes(b"content")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        Disk().link(tmp_path / "old", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_copies_are_files_of_their_own(tmp_path: Path, size: int) -> None:
    """What is written to the copy afterwards leaves the original as it is."""
    content = os.urandom(size)
    (tmp_path / "old").write_bytes(content)
    Disk().copy(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == content
    (tmp_path / "new").write_bytes(b"other")
    assert (tmp_path / "old").read_bytes() == content


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (errno.ENOSPC, "disk is full. Free some space"),
        (errno.EDQUOT, "disk is full. Free some space"),
        (errno.EROFS, "write access to"),
        (errno.EACCES, "write access to"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_errors_of_the_system_say_what_to_do(tmp_path: Path, code: int, told: str) -> None:
    """Each names the path, the mend, and that the index in service is untouched."""
    with pytest.raises(IndexWriteError) as raised, writing_to(tmp_path):
        raise OSError(code, os.strerror(code), str(tmp_path / "فهرس"))
    assert told in str(raised.value)
    assert str(tmp_path / "فهرس") in str(raised.value)
    assert "the index in service is untouched" in str(raised.value)


def test_mistakes_of_ours_are_no_failed_writes(tmp_path: Path) -> None:
    """A statement that SQLite does not understand is raised as what it is."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError), writing_to(tmp_path):
        connection.execute("SELECT nonsense")
    connection.close()
