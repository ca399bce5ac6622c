"""Reads stored numpy arrays, in one thread at a time.

numpy has Python's parser read the header of an array, and that of CPython 3.11 fails now and then
when two threads use it at once, with `SystemError: AST constructor recursion depth mismatch`
(python/cpython#106905 and what followed). Generations are opened by many threads.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_PARSER = threading.Lock()


def map_array(path: Path) -> NDArray[np.signedinteger]:
    """Map a stored array of whole numbers into memory. OSError, ValueError, EOFError."""
    with _PARSER:
        mapped: NDArray[np.signedinteger] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of an archive by name. OSError, ValueError, EOFError, BadZipFile."""
    with _PARSER, np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
