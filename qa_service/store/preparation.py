"""Makes the index folder ready to be written: what is in the way is named, and it is marked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from qa_service.errors import IndexWriteError
from qa_service.store import layout

_FILES = (layout.LOCK, layout.CURRENT, f"{layout.CURRENT}.new", layout.WRITER)
_FOLDERS = (layout.GENERATIONS, layout.BUILDING, layout.CACHE, layout.REMOVED)
_MARK = "An index of qa-service; what lies here is never read as articles.\n"


def refuse_what_is_in_the_way(index: Path) -> None:
    """Raise IndexWriteError when something has a name under which the index keeps another thing.

    No run could mend that: whatever it is, it is not ours to delete.
    """
    for path in (index, *(index / name for name in _FOLDERS)):
        if os.path.lexists(path) and not path.is_dir():
            raise IndexWriteError(_message(path, "a folder"))
    for path in (index / name for name in _FILES):
        if path.is_dir() and not path.is_symlink():
            raise IndexWriteError(_message(path, "a file"))
    # Other files are replaced, whatever they are; the lock is opened.
    lock = index / layout.LOCK
    if os.path.lexists(lock) and not stat.S_ISREG(lock.lstat().st_mode):
        raise IndexWriteError(_message(lock, "a file"))


def mark(index: Path) -> None:
    """Leave a file by which the folder, and that of removed files, is known whatever is lost."""
    for folder in (index, index / layout.REMOVED):
        marker = folder / layout.MARKER
        if folder.is_dir() and not os.path.lexists(marker):
            marker.write_text(_MARK, encoding="utf-8")


def _message(path: Path, expected: str) -> str:
    return (
        f"{path} is {_kind(path)}, where the index keeps {expected}. Remove it or move it away, "
        "then index again; nothing was changed."
    )


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"a link to {path.readlink()}"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file" if stat.S_ISREG(mode) else "a pipe, a socket or a device"
