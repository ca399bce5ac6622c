"""Numbers in a few bits each: blocks of neighbours share one scale.

A value is `code · scale`, codes from −(2**(bits−1) − 1) to 2**(bits−1) − 1. Codes are stored one
a byte at eight bits, two a byte at four (the first in the lower half), each plus 2**(bits−1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
SUFFIXES = (".codes", ".scales")
_WIDTHS = (4, 8)
# Scales that are tried for each block at four bits, as shares of the one at which nothing is cut.
_SHARES = (1.0, 0.95, 0.9, 0.85, 0.8)


@dataclass(frozen=True, slots=True)
class Packed:
    """`codes`: uint8. `scales`: float16, one for each block of `BLOCK` values in order."""

    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]
    bits: int
    shape: tuple[int, ...]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is stored, by suffix."""
        return {".codes": self.codes, ".scales": self.scales}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], bits: int, shape: tuple[int, ...]) -> Packed:
        """Take back what `arrays` returned."""
        return cls(arrays[".codes"], arrays[".scales"], bits, shape)


def pack(values: NDArray[np.float32], bits: int) -> Packed:
    """Round values to codes of so many bits.

    Raises:
        ValueError: `bits` is neither 4 nor 8.
    """
    if bits not in _WIDTHS:
        raise ValueError(f"{bits} bits; expected one of {_WIDTHS}")
    most = 2 ** (bits - 1) - 1
    blocks = np.zeros((-(-values.size // BLOCK), BLOCK), dtype=np.float32)
    blocks.ravel()[: values.size] = values.ravel()
    peaks = np.abs(blocks).max(axis=1)
    best_error = np.full(len(blocks), np.inf, dtype=np.float32)
    codes = np.zeros(blocks.shape, dtype=np.int8)
    scales = np.zeros(len(blocks), dtype=np.float16)
    for share in _SHARES if bits < 8 else _SHARES[:1]:
        tried = (peaks * share / most).astype(np.float16)
        divisor = np.where(tried > 0, tried, 1).astype(np.float32)[:, None]
        rounded = np.clip(np.rint(blocks / divisor), -most, most)
        errors = np.square(rounded * tried.astype(np.float32)[:, None] - blocks).sum(axis=1)
        is_better = errors < best_error
        best_error[is_better] = errors[is_better]
        codes[is_better] = rounded[is_better].astype(np.int8)
        scales[is_better] = tried[is_better]
    shifted = (codes.ravel().astype(np.int16) + 2 ** (bits - 1)).astype(np.uint8)
    if bits == 4:
        shifted = shifted[0::2] | (shifted[1::2] << 4)
    return Packed(shifted, scales, bits, values.shape)


def unpack(packed: Packed) -> NDArray[np.float32]:
    """Return the values that codes stand for: the same on every machine."""
    shifted = packed.codes
    if packed.bits == 4:
        both = np.empty(2 * len(shifted), dtype=np.uint8)
        both[0::2], both[1::2] = shifted & 15, shifted >> 4
        shifted = both
    codes = shifted.astype(np.float32) - 2 ** (packed.bits - 1)
    blocks = codes.reshape(-1, BLOCK) * packed.scales.astype(np.float32)[:, None]
    size = int(np.prod(packed.shape))
    found: NDArray[np.float32] = blocks.ravel()[:size].reshape(packed.shape)
    return found
