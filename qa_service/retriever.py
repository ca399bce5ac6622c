"""From a question to ranked passages: embed, search twice, merge, rerank."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service import fusion
from qa_service.encoder.base import Encoder
from qa_service.indexes.base import Candidates
from qa_service.reranker import Alignment, Reranker
from qa_service.store import Generation
from qa_service.types import Filters

# Passages fetched by each search, and passages of both that are reranked.
CANDIDATES = 100
TO_RERANK = 80
# Tokens that the corpus must have for their own mean to weigh as much as the model's usual one.
TOKEN_MEAN_WEIGHT = 5_000
# Passages whose tokens are averaged.
PASSAGES_TO_AVERAGE = 1_000

_MEAN_NAME = "retriever_token_mean"


class QuestionAnalyzer(Protocol):
    """What the retriever needs of the analyser."""

    def question_terms(self, text: str, languages: Sequence[str]) -> Sequence[str]:
        """Return the terms of a question, as passages in these languages spell them."""
        ...


class Centering(Protocol):
    """What the retriever needs of a generation's centering."""

    def query(self, vector: NDArray[np.float32], language: str) -> NDArray[np.float32]:
        """Return a question's vector, comparable with passages of every language."""
        ...


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A reranked passage. `score` orders the ranking; `late` and `lexical` are what it is made of.

    `late` is late interaction, about 0..1; `lexical` the share of the question's terms, 0..1.
    """

    key: int
    score: float
    late: float
    lexical: float
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What each stage found for one question, best first.

    `information` is how much the question itself tells, in nats: the weights of its tokens.
    """

    text: str
    dense: Candidates
    lexical: Candidates
    merged: NDArray[np.int64]
    ranked: tuple[RankedPassage, ...]
    information: float
    timings_ms: Mapping[str, float] = field(default_factory=dict)


class Retriever:
    """Finds the passages that answer. Safe to use from several threads."""

    def __init__(self, encoder: Encoder, analyzer: QuestionAnalyzer, reranker: Reranker) -> None:
        self._encoder = encoder
        self._analyzer = analyzer
        self._reranker = reranker

    def retrieve(
        self,
        generation: Generation,
        text: str,
        language: str,
        filters: Filters = Filters(),
        candidates: int = CANDIDATES,
    ) -> Retrieval:
        """Rank the passages of one generation for a question.

        Args:
            generation: the index to search, from start to end.
            text: the question.
            language: its language, or "und".
            filters: which passages may answer.
            candidates: how many each search fetches; as many are reranked, up to `TO_RERANK`
                unless more are asked for.
        """
        clock = _Clock()
        encoded = self._encoder.encode_query([text])
        tokens = encoded.tokens[0]
        clock.lap("encode")
        allowed = generation.allowed_keys(filters)
        vector = generation.centering.query(encoded.vectors[0], language)
        dense = generation.vectors.search(vector, candidates, allowed)
        terms = self._analyzer.question_terms(
            text, _languages_to_analyse(language, generation.language_counts())
        )
        lexical = generation.lexical.search(terms, candidates, allowed)
        merged = fusion.merge([dense, lexical], max(TO_RERANK, candidates - CANDIDATES + TO_RERANK))
        shares = fusion.lexical_shares(merged, lexical, generation.lexical.attainable_score(terms))
        clock.lap("search")
        query = self._reranker.prepare(tokens, token_mean(generation))
        late = self._reranker.score(query, generation.tokens.get_batch(merged))
        scores = fusion.combine(late.scores, shares)
        ranked = tuple(
            RankedPassage(
                key=int(merged[place]),
                score=float(scores[place]),
                late=float(late.scores[place]),
                lexical=float(shares[place]),
                alignment=late.alignments[place],
            )
            for place in np.lexsort((merged, -scores))
        )
        clock.lap("rerank")
        return Retrieval(
            text=text,
            dense=dense,
            lexical=lexical,
            merged=merged,
            ranked=ranked,
            information=float(tokens.weights.sum()),
            timings_ms=clock.laps_ms,
        )


class TokenDecoder(Protocol):
    """Turns codes of token vectors back into vectors."""

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return about what was encoded."""
        ...


def measure_tokens(
    generation: Generation, codec: TokenDecoder
) -> Mapping[str, NDArray[np.generic]]:
    """Return the mean of a generation's decoded tokens, to be stored in its statistics.

    With few tokens the mean is topic, so it is shrunk toward the model's usual one, which is zero
    after decoding.
    """
    places = np.linspace(0, len(generation.keys) - 1, PASSAGES_TO_AVERAGE).round()
    keys = generation.keys[np.unique(places.astype(np.intp))]
    vectors = codec.decode(generation.tokens.get_batch(np.asarray(keys)).codes)
    total = vectors.sum(axis=0, dtype=np.float64)
    mean = total / (len(vectors) + TOKEN_MEAN_WEIGHT)
    return {_MEAN_NAME: mean.astype(np.float32)}


def token_mean(generation: Generation) -> NDArray[np.float32]:
    """Return the mean of decoded tokens that `measure_tokens` stored; zero when there is none."""
    stored = generation.statistics.get(_MEAN_NAME)
    if stored is None:
        return np.zeros(generation.manifest.recipe.dimension, dtype=np.float32)
    return np.asarray(stored, dtype=np.float32)


def _languages_to_analyse(language: str, counts: Mapping[str, int]) -> list[str]:
    """Return the question's language and those of the corpus, the commonest first."""
    ordered = sorted(counts, key=lambda known: (-counts[known], known))
    return list(dict.fromkeys([language, *ordered]))


class _Clock:
    """Measures how long each step took."""

    def __init__(self) -> None:
        self.laps_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the time since the last lap under a name."""
        now = time.perf_counter()
        self.laps_ms[name] = (now - self._last) * 1000
        self._last = now
