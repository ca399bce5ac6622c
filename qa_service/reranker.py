"""Late interaction: every word of the question looks for its best counterpart in a passage.

MaxSim (Khattab & Zaharia 2020, ColBERT) over the token vectors of the same model that embeds
passages, without training. A token of the question weighs what it tells: the negative logarithm
of its probability as a word piece, which is a term weight for every language at no cost. Half of
a passage's score is the best stretch of it alone, for what answers a question stands together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.base import TokenVectors
from qa_service.indexes.tokens import TokenBatch

Vectors = NDArray[np.float32]

# Word pieces that tell less than this, in nats, count for next to nothing.
WEIGHT_OFFSET = 5.0
LEAST_WEIGHT = 0.3
# Stretches of a passage, in tokens: each block is one half of two overlapping stretches.
BLOCK_TOKENS = 24


class QueryCodec(Protocol):
    """What late interaction needs of a token codec."""

    def similarities(self, codes: NDArray[np.uint8], query: Vectors) -> Vectors:
        """Return the products of a question's tokens and what each token of a passage adds.

        Float32 (passage tokens, question tokens); to be added to those of the common part.
        """
        ...

    def common(self, passages: Vectors) -> Vectors:
        """Return what the tokens of each passage share, centred."""
        ...

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Return a question's token vectors, centred, with unit rows."""
        ...


@dataclass(frozen=True, slots=True)
class QueryTokens:
    """A question's tokens. `vectors`: (n, dimension), unit rows. `weights`: (n,), summing to 1."""

    vectors: Vectors
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a question's tokens match those of one passage.

    `similarities`: float32 (passage tokens, question tokens), cosines. `spans`: (passage tokens,
    2), half-open code points into the passage. `weights`: (question tokens,), summing to 1.
    """

    similarities: NDArray[np.float32]
    spans: NDArray[np.uint16]
    weights: NDArray[np.float32]

    def last(self, count: int) -> Alignment:
        """Return the alignment of the question's last tokens alone."""
        weights = self.weights[-count:] if count else self.weights[:0]
        total = max(float(weights.sum()), 1e-12)
        return Alignment(
            self.similarities[:, self.similarities.shape[1] - len(weights) :],
            self.spans,
            np.asarray(weights / total, dtype=np.float32),
        )

    @property
    def max_sim(self) -> float:
        """The MaxSim of the whole passage; 0 when either side has no tokens."""
        if not self.similarities.size:
            return 0.0
        return float(self.similarities.max(axis=0) @ self.weights)

    def score_between(self, start: int, end: int) -> float:
        """Return the MaxSim of the tokens that lie within a span of the passage; 0 for none."""
        inside = (self.spans[:, 0] < end) & (self.spans[:, 1] > start)
        if not inside.any() or not len(self.weights):
            return 0.0
        return float(self.similarities[inside].max(axis=0) @ self.weights)


@dataclass(frozen=True, slots=True)
class LateScores:
    """`scores`: float32 (passages,), about 0..1; one alignment per passage, in the same order."""

    scores: NDArray[np.float32]
    alignments: tuple[Alignment, ...]


class Reranker:
    """Scores passages by late interaction. Pure; safe to use from several threads."""

    def __init__(self, codec: QueryCodec) -> None:
        self._codec = codec

    def prepare(self, tokens: TokenVectors, decoded_mean: Vectors) -> QueryTokens:
        """Return a question's tokens ready to compare.

        Args:
            tokens: as the encoder gives them.
            decoded_mean: (dimension,), the mean of the corpus's decoded tokens.
        """
        weights = np.maximum(tokens.weights - WEIGHT_OFFSET, LEAST_WEIGHT)
        return QueryTokens(
            vectors=self._codec.center_query(tokens.vectors, decoded_mean),
            weights=np.asarray(weights / max(float(weights.sum()), 1e-12), dtype=np.float32),
        )

    def score(
        self,
        query: QueryTokens,
        batch: TokenBatch,
        passages: Vectors,
        language_offsets: Vectors | None = None,
    ) -> LateScores:
        """Score the passages of a batch, in its order; a passage without tokens scores 0.

        Args:
            query: the question.
            batch: the tokens of the passages.
            passages: (passages, dimension), their own vectors.
            language_offsets: (passages, dimension), how the tokens of each passage's language lie
                off the corpus's mean. What they have in common with the question is its language,
                not its subject, and is taken off the score: a mixed corpus must not put the right
                passage behind worse ones in the question's own language.
        """
        similarities = self._codec.similarities(batch.codes, query.vectors)
        shared = self._codec.common(passages) @ query.vectors.T
        similarities += np.repeat(shared, np.diff(batch.offsets), axis=0)
        alignments = tuple(
            Alignment(similarities[start:end], batch.spans[start:end], query.weights)
            for start, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
        )
        scores = _whole_and_best_stretch(similarities, batch.offsets, query.weights)
        if language_offsets is not None:
            common = language_offsets @ (query.weights @ query.vectors)
            scores = np.where(np.diff(batch.offsets) > 0, scores - common, 0).astype(np.float32)
        return LateScores(scores=scores, alignments=alignments)


def _whole_and_best_stretch(
    similarities: NDArray[np.float32],
    offsets: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return half the MaxSim of each passage and half that of its best stretch."""
    scores = np.zeros(len(offsets) - 1, dtype=np.float32)
    lengths = np.diff(offsets)
    filled = np.flatnonzero(lengths)
    if len(filled) == 0 or len(weights) == 0:
        return scores
    blocks = -(-lengths[filled] // BLOCK_TOKENS)
    first_blocks = np.concatenate([[0], np.cumsum(blocks)[:-1]])
    places = np.arange(blocks.sum()) - np.repeat(first_blocks, blocks)
    starts = np.repeat(offsets[:-1][filled], blocks) + places * BLOCK_TOKENS
    maxima = np.maximum.reduceat(similarities, starts, axis=0)
    whole = np.maximum.reduceat(maxima, first_blocks, axis=0) @ weights
    # The stretch from each block into the next one; a passage's last block stands alone.
    stretches = maxima.copy()
    is_last = np.zeros(len(maxima), dtype=np.bool_)
    is_last[first_blocks + blocks - 1] = True
    followed = np.flatnonzero(~is_last)
    stretches[followed] = np.maximum(maxima[followed], maxima[followed + 1])
    best = np.maximum.reduceat(stretches @ weights, first_blocks)
    scores[filled] = (whole + best) / 2
    return scores
