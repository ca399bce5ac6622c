"""Files that must last: what they hold, and that it is on the disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal. OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Return once a file's content is on the disk. OSError."""
    _sync(path)


def sync_folder(folder: Path) -> None:
    """Return once a folder's entries are on the disk. OSError."""
    # Windows can neither open nor sync a folder, and has no need to.
    if os.name != "nt":
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
