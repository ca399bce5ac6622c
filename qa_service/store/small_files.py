"""Small files that are read by their name: whole, never waited for, and never endless."""

from __future__ import annotations

import os
import stat
from pathlib import Path

NONBLOCKING = getattr(os, "O_NONBLOCK", 0)
SMALL_BYTES = 64 * 1024


class NotAFileError(OSError):
    """Under the name is a folder, a pipe, a socket or a device."""


def read_small(path: Path, most_bytes: int = SMALL_BYTES) -> bytes:
    """Return a file's content.

    Raises:
        OSError: it is missing, unreadable, longer than `most_bytes`, or something else than a
            file: to open a pipe or a device might never end.
    """
    descriptor = open_file(path)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(f"it is longer than the {most_bytes} bytes that it can have")
    return content


def open_file(path: Path) -> int:
    """Open a plain file for reading; OSError, at once, when it is missing or something else."""
    descriptor = os.open(path, os.O_RDONLY | NONBLOCKING | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError("it is no plain file")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
