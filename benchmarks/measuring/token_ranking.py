"""Late interaction over XQuAD without an index: paragraphs ranked by their token vectors.

Every paragraph is a passage. The passages that the vectors put first, the right one always among
them, are ranked with codes as an index stores them, or with token vectors in full precision.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.xquad import Language
from qa_service.encoder.model_statistics import TokenStatistics
from qa_service.encoder.protocol import Encoded, Encoder
from qa_service.indexer.embedding import LEAST_TELLING
from qa_service.indexes.codec import ProductCodec
from qa_service.indexes.protocols import TokenBatch
from qa_service.retrieval.late_interaction import MaxSimScorer

Vectors = NDArray[np.float32]


TO_RERANK = 50


class FullPrecision:
    """Keeps centred unit vectors as they are, four bytes a dimension."""

    def __init__(self, statistics: TokenStatistics) -> None:
        self._product = ProductCodec(statistics)
        self._mean = statistics.mean
        self.code_size = 4 * len(statistics.mean)

    def encode(self, vectors: Vectors, passage: Vectors) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return the bytes of the vectors."""
        centred = vectors - self._mean
        norms = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
        return np.ascontiguousarray(centred / norms, dtype=np.float32).view(np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> Vectors:
        """Return the vectors."""
        return np.ascontiguousarray(codes).view(np.float32)

    def similarities(self, codes: NDArray[np.uint8], query: Vectors) -> Vectors:
        """Return the inner products of the vectors and a question's."""
        return np.asarray(self.decode(codes) @ query.T, dtype=np.float32)

    def common(self, passages: Vectors) -> Vectors:
        """Return zeros."""
        return np.zeros((len(passages), self.code_size // 4), dtype=np.float32)

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Return zeros."""
        return np.zeros((len(passages), len(query)), dtype=np.float32)

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Centre a question as the product does."""
        return self._product.center_query(vectors, decoded_mean)


Codec = ProductCodec | FullPrecision


@dataclass(frozen=True, slots=True)
class Embedded:
    """A language's paragraphs and questions."""

    language: Language
    passages: Encoded
    questions: Encoded


def embed(encoder: Encoder, language: Language) -> Embedded:
    """Embed a language."""
    return Embedded(
        language,
        encoder.encode_document(language.paragraphs),
        encoder.encode_query([question.text for question in language.questions]),
    )


def statistics_of(embedded: Sequence[Embedded]) -> TokenStatistics:
    """Return the little that a codec in full precision has to know of the passages' tokens."""
    tokens = np.concatenate([one.vectors for each in embedded for one in each.passages.tokens])
    mean = tokens.mean(axis=0)
    dimension = len(mean)
    return TokenStatistics(
        mean=mean,
        norm=float(np.linalg.norm(tokens - mean, axis=1).mean()),
        passage_mean=np.zeros(dimension, dtype=np.float32),
        common_map=np.zeros((dimension, dimension), dtype=np.float32),
        common_bias=np.zeros(dimension, dtype=np.float32),
        codebooks=np.zeros((1, 256, dimension), dtype=np.float32),
        offsets={},
    )


def recall(codec: Codec, embedded: Sequence[Embedded]) -> dict[str, float]:
    """Return recall@1 in one language and across languages, means over the pairs."""
    scores: dict[str, list[float]] = {"one language": [], "across languages": []}
    for target in embedded:
        batches = codes_of(codec, target.passages)
        shared = codec.common(target.passages.vectors)
        lengths = np.array([len(codes) for codes in batches])
        total = sum(codec.decode(codes).sum(axis=0) for codes in batches) + lengths @ shared
        mean = np.asarray(total / lengths.sum(), dtype=np.float32)
        for source in embedded:
            part = "one language" if source is target else "across languages"
            scores[part].append(ask(codec, mean, batches, source, target))
    return {part: statistics.fmean(values) for part, values in scores.items() if values}


def codes_of(codec: Codec, passages: Encoded) -> list[NDArray[np.uint8]]:
    """Return the codes of each passage's tokens that an index would store."""
    return [
        codec.encode(tokens.telling(LEAST_TELLING).vectors, vector)
        for tokens, vector in zip(passages.tokens, passages.vectors, strict=True)
    ]


def batch_of(codes: Sequence[NDArray[np.uint8]]) -> TokenBatch:
    """Put the codes of some passages together; where tokens stand in them is left out."""
    offsets = np.cumsum([0, *map(len, codes)]).astype(np.int64)
    return TokenBatch(
        codes=np.concatenate(codes),
        spans=np.zeros((int(offsets[-1]), 2), dtype=np.uint16),
        offsets=offsets,
    )


def ask(
    codec: Codec,
    mean: Vectors,
    codes: Sequence[NDArray[np.uint8]],
    source: Embedded,
    target: Embedded,
) -> float:
    """Return how often the right paragraph comes first."""
    scorer = MaxSimScorer(codec)
    nearest = nearest_passages(source, target)[:, :TO_RERANK]
    hits = 0
    for question, tokens, found in zip(
        source.language.questions, source.questions.tokens, nearest, strict=True
    ):
        places = sorted({*found.tolist(), question.paragraph})
        late = scorer.score(
            scorer.prepare(tokens, mean),
            batch_of([codes[place] for place in places]),
            target.passages.vectors[places],
        )
        hits += places[int(late.idf_max_sim.argmax())] == question.paragraph
    return hits / len(source.language.questions)


def nearest_passages(source: Embedded, target: Embedded) -> NDArray[np.intp]:
    """Return the places of all passages for each question, the nearest centred vectors first."""
    questions = source.questions.vectors - source.questions.vectors.mean(axis=0)
    passages = target.passages.vectors - target.passages.vectors.mean(axis=0)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    return np.argsort(-(questions @ passages.T), axis=1)
