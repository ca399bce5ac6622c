"""What the retriever needs of a search engine, whichever it is.

Keys are passage keys (`types.PassageKey`): int64, positive, unique.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passage keys and their scores, best first; equal scores by ascending key.

    `keys`: int64 (n,). `scores`: float32 (n,), better when higher.
    """

    keys: NDArray[np.int64]
    scores: NDArray[np.float32]


class VectorIndex(Protocol):
    """Finds the vectors of greatest inner product."""

    def __len__(self) -> int: ...

    def search(
        self, vector: NDArray[np.float32], top_k: int, allowed: NDArray[np.int64] | None = None
    ) -> Candidates:
        """Return at most `top_k` of the passages in `allowed` (sorted keys; None allows all)."""
        ...

    def vectors(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the stored vectors of these keys, one row each; KeyError for an unknown key."""
        ...


class LexicalIndex(Protocol):
    """Finds passages by the terms they share with a question (BM25)."""

    def __len__(self) -> int: ...

    def search(
        self,
        terms: Sequence[str],
        top_k: int,
        allowed: NDArray[np.int64] | None = None,
        weights: Sequence[float] | None = None,
    ) -> Candidates:
        """Return at most `top_k` of the passages in `allowed` that hold any of the terms.

        `weights` multiply what each term adds to a score; None gives every term 1.
        """
        ...

    def attainable_score(
        self, terms: Sequence[str], weights: Sequence[float] | None = None
    ) -> float:
        """Return what no passage can exceed in a search for these terms; 0 for no terms.

        A term that no passage holds counts like the rarest one.
        """
        ...
