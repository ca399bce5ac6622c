"""Passage vectors as the encoder gave them, in half precision.

Searching uses transformed vectors; these stay, so that another transformation needs no encoder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.rows import RowStore, RowWriter

_HALF = np.dtype("<f2")


class RawVectors:
    """Reads passage vectors from mapped files. Safe to use from several threads."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self.rows = RowStore(folder, row_size(dimension))

    def __len__(self) -> int:
        """Count passages."""
        return len(self.rows)

    @property
    def keys(self) -> NDArray[np.int64]:
        """Every key, ascending."""
        return self.rows.keys

    def get(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32 (keys, dimension), in the order given. KeyError for an unknown key."""
        return self.rows.get_firsts(keys).view(_HALF).astype(np.float32)


def row_size(dimension: int) -> int:
    """Return the bytes that a stored vector takes."""
    return dimension * _HALF.itemsize


def vector_rows(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return vectors as they are stored, uint8 (n, 2 · dimension)."""
    return np.ascontiguousarray(vectors, dtype=_HALF).view(np.uint8)


def vector_writer(folder: Path, dimension: int, base: RawVectors | None) -> RowWriter:
    """Return a writer of rows made by `vector_rows`, going on from `base` if there is one."""
    return RowWriter(folder, row_size(dimension), None if base is None else base.rows)
