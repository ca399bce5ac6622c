"""Leases: how readers keep a generation's folder from being deleted under them."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

from qa_service.store.small_files import NotAFileError, open_file

if sys.platform != "win32":
    import fcntl

    def _lock_shared(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def _lock_alone(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

else:
    # Windows does not delete files that are open, so opening them is lease enough.
    def _lock_shared(descriptor: int) -> None:
        """Need no lock."""

    def _lock_alone(descriptor: int) -> None:
        """Need no lock."""


class Lease:
    """Held on a file until closed, dropped, or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lease.

        Raises:
            OSError: the file is missing or none, or its folder is being deleted (BlockingIOError).
        """
        descriptor = open_file(path)
        try:
            _lock_shared(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._release = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        """Give the lease back."""
        self._release()


@contextlib.contextmanager
def unleased(path: Path) -> Iterator[bool]:
    """Tell whether nobody holds a lease on the file; while True is yielded nobody can take one."""
    try:
        descriptor = open_file(path)
    except (FileNotFoundError, NotAFileError):
        # Nothing that a reader can hold.
        yield True
        return
    try:
        try:
            _lock_alone(descriptor)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
