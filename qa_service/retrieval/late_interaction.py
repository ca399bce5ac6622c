"""Late interaction: every word of the question looks for its best counterpart in a passage.

MaxSim (Khattab & Zaharia 2020, ColBERT) over the token vectors of the same model that embeds
passages, without training. A token of the question weighs what it tells: the negative logarithm
of its probability as a word piece, which is a term weight for every language at no cost. Half of
a passage's score is the best stretch of it alone, for what answers a question stands together.

Passages are ranked by the same with other weights: tokens count for more that tell the candidates
apart, as rare terms do in BM25, but in every language.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.protocol import TokenVectors
from qa_service.indexes.protocols import TokenBatch, TokenCodec, Vectors

# Word pieces that tell less than this, in nats, count for next to nothing.
WEIGHT_OFFSET = 5.0
LEAST_WEIGHT = 0.3
# Stretches of a passage, in tokens: each block is one half of two overlapping stretches.
BLOCK_TOKENS = 24
# How far the best match of a token stands out from the usual one, at least, as a cosine.
LEAST_GAP = 0.001


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
    def effective_tokens(self) -> float:
        """How many tokens of equal weight the question is worth: at least 1, and 1 for none."""
        squared = float(np.square(self.weights).sum())
        return 1.0 / squared if squared > 0 else 1.0

    @property
    def max_sim(self) -> float:
        """The MaxSim of the whole passage; 0 when either side has no tokens."""
        if not self.similarities.size:
            return 0.0
        return float(self.similarities.max(axis=0) @ self.weights)

    def matches(self, start: int, end: int) -> NDArray[np.float32]:
        """Return how well each token of the question is matched within a span of the passage.

        float32 (question tokens,); zeros where no token of the passage lies within the span.
        """
        inside = (self.spans[:, 0] < end) & (self.spans[:, 1] > start)
        if not inside.any():
            return np.zeros(self.similarities.shape[1], dtype=np.float32)
        return np.asarray(self.similarities[inside].max(axis=0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class MaxSimScores:
    """How a question matches passages, one entry per passage, in their order.

    `scores`: float32 (passages,), about 0..1, comparable between questions. `idf_max_sim`: float32
    (passages,), what to rank them by: tokens weigh more that tell these passages apart.
    """

    scores: NDArray[np.float32]
    idf_max_sim: NDArray[np.float32]
    alignments: tuple[Alignment, ...]


class MaxSimScorer:
    """Scores passages by late interaction. Pure; safe to use from several threads."""

    def __init__(self, codec: TokenCodec) -> None:
        self._codec = codec

    def compared(self, tokens: TokenVectors) -> TokenVectors:
        """Return the tokens of a question that are worth comparing, in their order.

        Where the codec compares many at once and at most half as many are left over, the least
        telling are left out.
        """
        kept = tokens.weights.size
        left_over = kept % self._codec.tokens_at_once
        if left_over < kept and 2 * left_over <= self._codec.tokens_at_once:
            kept -= left_over
        return tokens.most_telling(kept)

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
        languages_in_common: NDArray[np.float32] | None = None,
    ) -> MaxSimScores:
        """Score the passages of a batch, in its order; a passage without tokens scores 0.

        Args:
            query: the question.
            batch: the tokens of the passages.
            passages: (passages, dimension), their own vectors.
            languages_in_common: (passages,), the similarity to the question that each passage has
                by its language alone. It is no merit, and is taken off what they are ranked by: a
                mixed corpus must not put the right passage behind worse ones in the question's own
                language.
        """
        similarities = self._codec.similarities(batch.codes, query.vectors)
        shared = self._codec.common_similarities(passages, query.vectors)
        similarities += np.repeat(shared, np.diff(batch.offsets), axis=0)
        alignments = tuple(
            Alignment(similarities[start:end], batch.spans[start:end], query.weights)
            for start, end in itertools.pairwise(batch.offsets.tolist())
        )
        scores = np.zeros(len(alignments), dtype=np.float32)
        idf_max_sim = scores.copy()
        maxima = _BlockMaxima.of(similarities, batch.offsets)
        if len(maxima.passages) and len(query.weights):
            scores[maxima.passages] = maxima.scores(query.weights)
            weights = idf_weights(query.weights, maxima.whole)
            idf_max_sim[maxima.passages] = maxima.scores(weights)
            if languages_in_common is not None:
                idf_max_sim[maxima.passages] -= languages_in_common[maxima.passages]
        return MaxSimScores(scores=scores, idf_max_sim=idf_max_sim, alignments=alignments)


def idf_weights(weights: NDArray[np.float32], matches: Vectors) -> NDArray[np.float32]:
    """Return weights that favour tokens which few of some texts match well; they sum to 1.

    A token that every text matches alike tells nothing. What it tells is how far the text that
    matches it best stands out from the usual one; its square root, for few texts tell little about
    that.

    Args:
        weights: (tokens,), the question's own, summing to 1; none for no tokens.
        matches: (texts, tokens), how well each text matches each token; at least one text.
    """
    gaps = np.maximum(matches.max(axis=0) - np.median(matches, axis=0), LEAST_GAP)
    raised = weights * np.sqrt(gaps)
    return np.asarray(raised / max(float(raised.sum()), 1e-12), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _BlockMaxima:
    """The best match of each of a question's tokens in each block of each passage with tokens.

    `passages`: (n,), their places in the batch. `blocks`: (blocks, tokens); passage number i owns
    those from `first_blocks[i]` on. `whole`: (n, tokens), the best match in all of a passage.
    """

    passages: NDArray[np.intp]
    blocks: Vectors
    first_blocks: NDArray[np.int64]
    whole: Vectors

    @classmethod
    def of(cls, similarities: Vectors, offsets: NDArray[np.int64]) -> _BlockMaxima:
        """Divide the passages into blocks."""
        lengths = np.diff(offsets)
        passages = np.flatnonzero(lengths)
        if not len(passages):
            nothing = np.empty((0, similarities.shape[1]), dtype=np.float32)
            return cls(passages, nothing, np.empty(0, dtype=np.int64), nothing)
        counts = -(-lengths[passages] // BLOCK_TOKENS)
        first_blocks = np.concatenate([[0], np.cumsum(counts)[:-1]])
        places = np.arange(counts.sum()) - np.repeat(first_blocks, counts)
        starts = np.repeat(offsets[:-1][passages], counts) + places * BLOCK_TOKENS
        blocks = np.maximum.reduceat(similarities, starts, axis=0)
        return cls(
            passages, blocks, first_blocks, np.maximum.reduceat(blocks, first_blocks, axis=0)
        )

    def scores(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return half the MaxSim of each passage and half that of its best stretch."""
        by_block = self.blocks.copy()
        # A stretch goes from each block into the next one; a passage's last block stands alone.
        is_last = np.zeros(len(by_block), dtype=np.bool_)
        is_last[np.append(self.first_blocks[1:], len(by_block)) - 1] = True
        followed = np.flatnonzero(~is_last)
        by_block[followed] = np.maximum(self.blocks[followed], self.blocks[followed + 1])
        best = np.maximum.reduceat(by_block @ weights, self.first_blocks)
        return np.asarray((self.whole @ weights + best) / 2, dtype=np.float32)
