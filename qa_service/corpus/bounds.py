"""How large a file of each format may be: said once, for those who read and those who store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Tables are read line by line and packed formats part by part; the rest is held whole.
MAX_FILE_BYTES: Final[Mapping[str, int]] = {
    ".csv": 128 * 2**20,
    ".docx": 100 * 2**20,
    ".htm": 20 * 2**20,
    ".html": 20 * 2**20,
    ".jsonl": 128 * 2**20,
    ".md": 20 * 2**20,
    ".pdf": 100 * 2**20,
    ".txt": 20 * 2**20,
}
SUPPORTED_SUFFIXES: Final = tuple(MAX_FILE_BYTES)
