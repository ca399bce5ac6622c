"""Writes that must survive a power cut, and the errors they end in."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from qa_service.durable_files import sync_file, sync_folder
from qa_service.errors import IndexWriteError

FaultPoint = Callable[[str], None]
"""Called with the name of each step of a write just before it; tests make it fail or kill there."""

# What SQLite says when a disk is full or may not be written to, as its messages begin.
_SQLITE_WRITE_FAILURES = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)


def no_fault(step: str) -> None:
    """Let every step pass."""


class Disk:
    """Puts files where they belong so that, after a crash, they are whole or absent."""

    def __init__(self, fault: FaultPoint = no_fault) -> None:
        self.fault = fault

    def sync_file(self, path: Path) -> None:
        """Return once the file's content is on the disk."""
        self.fault(f"sync {path}")
        sync_file(path)

    def sync_folder(self, folder: Path) -> None:
        """Return once the folder's entries are on the disk."""
        self.fault(f"sync {folder}")
        sync_folder(folder)

    def replace(self, source: Path, target: Path) -> None:
        """Give `source` the name `target`, in one step that a crash cannot split."""
        self.fault(f"replace {target}")
        source.replace(target)
        self.sync_folder(target.parent)

    def write_text(self, path: Path, text: str) -> None:
        """Put `text` into a file that holds, after a crash, either all of it or what it held."""
        new = path.with_name(f"{path.name}.new")
        self.fault(f"write {new}")
        # Whatever has the name: to open a pipe would wait for ever.
        new.unlink(missing_ok=True)
        new.write_text(text, encoding="utf-8")
        self.sync_file(new)
        self.replace(new, path)

    def link(self, source: Path, target: Path) -> None:
        """Make `target` the same file as `source`, or a copy where links are not possible."""
        self.fault(f"link {target}")
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EROFS, errno.ENOENT):
                raise
            # Some file systems know no hard links, and some allow only so many to one file.
            shutil.copyfile(source, target)

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file's content; file systems that can share blocks do."""
        self.fault(f"copy {target}")
        if hasattr(os, "copy_file_range"):
            with source.open("rb") as read, target.open("wb") as write:
                try:
                    while os.copy_file_range(read.fileno(), write.fileno(), 1 << 30):
                        pass
                except OSError as error:
                    if error.errno not in (
                        errno.EXDEV,
                        errno.EINVAL,
                        errno.ENOSYS,
                        errno.EOPNOTSUPP,
                    ):
                        raise
                else:
                    return
        shutil.copyfile(source, target)

    def remove_tree(self, folder: Path) -> None:
        """Delete a folder and all in it; what cannot be deleted now is left for the next time."""
        self.fault(f"remove {folder}")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the system says about a failed write under `path` into IndexWriteError."""
    try:
        yield
    except OSError as error:
        raise IndexWriteError(_write_message(path, error)) from error
    except sqlite3.OperationalError as error:
        # The low byte is the kind, the rest says more about it.
        if error.sqlite_errorcode & 0xFF not in _SQLITE_WRITE_FAILURES:
            raise
        raise IndexWriteError(
            f"{path} cannot be written: {error}. Free some space or mend the permissions of the "
            "folder, then index again; the index in service is untouched."
        ) from error


def _write_message(path: Path, error: OSError) -> str:
    where = error.filename or path
    untouched = "the index in service is untouched."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: the disk is full. Free some space and index again; {untouched}"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{where} cannot be written ({error.strerror}). Give qa-service write access to "
            f"{path}, or name another folder with --index; {untouched}"
        )
    return f"{where} cannot be written: {error.strerror or error}. Index again; {untouched}"
