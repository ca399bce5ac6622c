"""Passage vectors as the encoder gave them, in half precision.

Searching uses transformed vectors; these stay, so that another transformation needs no encoder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.rows import RowStore, RowWriter

_HALF = np.dtype("<f2")
# Half precision: a sign, five bits of exponent biased by 15, ten of fraction. Single precision:
# a sign, eight bits of exponent biased by 127, and 23 of fraction.
_BITS = np.dtype("<u2")
_SIGN = np.uint32(0x8000)
_BIAS_LACKED = np.float32(2.0 ** (127 - 15))


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
        return _widened(self.rows.get_firsts(keys).view(_HALF))


def _widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return finite numbers of half precision in single precision.

    numpy widens them one at a time. All at once, sign, exponent and fraction are moved to where
    single precision has them, and a product makes up for the smaller bias of the exponent.
    """
    bits = halves.view(_BITS).astype(np.uint32)
    signs = (bits & _SIGN) << 16
    bits &= ~_SIGN
    bits <<= 13
    bits |= signs
    found = bits.view(np.float32)
    found *= _BIAS_LACKED
    return found


def row_size(dimension: int) -> int:
    """Return the bytes that a stored vector takes."""
    return dimension * _HALF.itemsize


def vector_rows(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return vectors as they are stored, uint8 (n, 2 · dimension)."""
    return np.ascontiguousarray(vectors, dtype=_HALF).view(np.uint8)


def vector_writer(folder: Path, dimension: int, base: RawVectors | None) -> RowWriter:
    """Return a writer of rows made by `vector_rows`, going on from `base` if there is one."""
    return RowWriter(folder, row_size(dimension), None if base is None else base.rows)
