"""A file's bytes, within bounds, and never from anything but a regular file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from qa_service.errors import UnreadableFileError

# Opening a pipe would wait for its writer; the check that it is a regular file comes first so.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def open_regular(path: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """Open a regular file that is neither empty nor larger than `max_bytes`.

    Raises:
        UnreadableFileError: it is, or is no regular file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except FileNotFoundError as error:
        raise UnreadableFileError("it is no longer there. Index again.") from error
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"it cannot be opened: {detail}. Check access to it.") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise UnreadableFileError("it is not a regular file. Replace it with one.")
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size == 0:
            raise UnreadableFileError("it is empty. Fill or remove it.")
        if status.st_size > max_bytes:
            raise UnreadableFileError(
                f"it is too large: {_megabytes(status.st_size)}, and this format is read up to "
                f"{_megabytes(max_bytes)}. Split it."
            )
        yield stream


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Read a regular file that is neither empty nor larger than `max_bytes`.

    Raises:
        UnreadableFileError: it is, or cannot be read.
    """
    with open_regular(path, max_bytes) as stream:
        try:
            # One more than allowed: the file may be growing under us.
            data = stream.read(max_bytes + 1)
        except OSError as error:
            raise UnreadableFileError(f"reading it failed: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise UnreadableFileError(f"it grew over {_megabytes(max_bytes)} while being read.")
    return data


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
