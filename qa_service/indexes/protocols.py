"""What searching and ranking need of an index and of a token codec, whichever they are.

Keys are passage keys: int64, positive, given out once, never used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passage keys and their scores, best first; equal scores by ascending key.

    `keys`: int64 (n,). `scores`: float32 (n,), better when higher.
    """

    keys: Keys
    scores: Vectors


class VectorIndex(Protocol):
    """Finds the vectors of greatest inner product."""

    def search(self, vector: Vectors, top_k: int, allowed: Keys | None = None) -> Candidates:
        """Return at most `top_k` of the passages in `allowed` (sorted keys; None allows all)."""
        ...


class LexicalIndex(Protocol):
    """Finds passages by the terms they share with a question (BM25)."""

    def search(
        self,
        terms: Sequence[str],
        top_k: int,
        allowed: Keys | None = None,
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


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of several passages, one after the other.

    `codes`: uint8 (total, code size). `spans`: uint16 (total, 2), half-open code points into the
    passage's text. `offsets`: int64 (passages + 1,); passage number i owns the tokens
    `offsets[i]:offsets[i + 1]`. A passage may have no tokens.
    """

    codes: NDArray[np.uint8]
    spans: NDArray[np.uint16]
    offsets: NDArray[np.int64]


class TokenCodec(Protocol):
    """Turns the token vectors of passages into short codes, and compares a question's with them.

    A token's vector is what its passage's tokens share, which the passage's vector tells, and what
    the token adds, which its code tells. Safe to use from several threads.
    """

    @property
    def code_size(self) -> int:
        """Bytes of one token's code."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the codes."""
        ...

    @property
    def tokens_at_once(self) -> int:
        """How many tokens of a question are compared in the time that one of them takes."""
        ...

    def encode(self, vectors: Vectors, passage: Vectors) -> NDArray[np.uint8]:
        """Return one code per token of a passage: float32 (n, dimension) to uint8 (n, code_size).

        `passage`: (dimension,), the passage's own vector.
        """
        ...

    def decode(self, codes: NDArray[np.uint8]) -> Vectors:
        """Return what each token adds: uint8 (n, code_size) to float32 (n, dimension)."""
        ...

    def common(self, passages: Vectors) -> Vectors:
        """Return what the tokens of each passage share: float32 (passages, dimension), both."""
        ...

    def similarities(self, codes: NDArray[np.uint8], query: Vectors) -> Vectors:
        """Return the products of a question's tokens and what each token of a passage adds.

        Float32 (passage tokens, question tokens); to be added to those of the common part.
        """
        ...

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Return the products of a question's tokens and what the tokens of each passage share.

        Float32 (passages, question tokens).
        """
        ...

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Return a question's token vectors without the mean of the corpus's tokens, unit rows.

        `decoded_mean`: (dimension,), the mean of decoded passage tokens.
        """
        ...
