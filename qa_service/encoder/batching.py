"""Which texts go through the model together: alike in length, bounded in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Inputs of the model, padded to the longest.

    `ids`, `mask`: int64 (rows, longest); the mask is 1 for tokens and 0 for padding.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BatchVectors:
    """What the model makes of a batch; valid until the next batch is asked for.

    `tokens`: float32 (rows, longest, dimension). `texts`: float32 (rows, dimension), unit norm.
    """

    tokens: NDArray[np.float32]
    texts: NDArray[np.float32]


def plan_batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Group inputs into batches of at most `max_tokens` tokens, padding counted.

    Returns:
        Indices into `lengths`, longest inputs first, so that the last batches are the short ones
        and parallel streams end together. An input longer than `max_tokens` has its own batch.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    batches: list[list[int]] = []
    width = 0
    for index in order:
        if not batches or (len(batches[-1]) + 1) * width > max_tokens:
            batches.append([])
            width = lengths[index]
        batches[-1].append(index)
    return batches


def pad(inputs: Sequence[NDArray[np.int64]], pad_id: int) -> TokenBatch:
    """Lay inputs out as one rectangle."""
    longest = max(len(ids) for ids in inputs)
    ids = np.full((len(inputs), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(inputs), longest), dtype=np.int64)
    for row, values in enumerate(inputs):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return TokenBatch(ids, mask)
