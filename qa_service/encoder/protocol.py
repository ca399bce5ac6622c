"""What every encoder gives: one unit vector per text, and one per token, from the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The content tokens of one text: prompt, title and special tokens are left out.

    `vectors`: float32 (tokens, dimension), a sum of hidden layers or the last one, not normalised.
    `spans`: int32 (tokens, 2), code-point offsets into the text as given, half-open.
    `weights`: float32 (tokens,), each token's information in nats by the tokenizer's own unigram
    scores, at least 0; 1.0 throughout for tokenizers without scores.
    """

    vectors: NDArray[np.float32]
    spans: NDArray[np.int32]
    weights: NDArray[np.float32]

    def telling(self, least_weight: float) -> TokenVectors:
        """Return the tokens that weigh at least so much; all of them when none does."""
        kept = self.weights >= least_weight
        if kept.all() or not kept.any():
            return self
        return TokenVectors(self.vectors[kept], self.spans[kept], self.weights[kept])

    def most_telling(self, count: int) -> TokenVectors:
        """Return the tokens that weigh most, so many of them, in their order."""
        if count >= len(self.weights):
            return self
        kept = np.sort(np.argsort(-self.weights, kind="stable")[:count])
        return TokenVectors(self.vectors[kept], self.spans[kept], self.weights[kept])


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row of `vectors` and one entry of `tokens` per text, in the order given.

    `vectors`: float32 (texts, dimension), rows of unit L2 norm.
    """

    vectors: NDArray[np.float32]
    tokens: tuple[TokenVectors, ...]


class QuestionEncoder(Protocol):
    """The part of an encoder that questions need. Safe to call from several threads."""

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Embed questions with the model's query prompt."""
        ...


class Encoder(QuestionEncoder, Protocol):
    """Turns texts into vectors. Safe to call from several threads."""

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the vectors: weights, prompts, runtime precision."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens, prompt and special tokens included; the rest is cut off."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count content tokens (no prompt, no special tokens) of each text."""
        ...

    def encode_document(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> Encoded:
        """Embed passages with the model's passage prompt, each led by its title if one is given.

        A title shapes the vectors and never appears among the tokens.
        """
        ...
