"""From a question to ranked passages: embed, search twice, merge, rerank."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.protocol import QuestionEncoder
from qa_service.indexes.protocols import Candidates
from qa_service.retrieval import fusion
from qa_service.retrieval.late_interaction import Alignment, Reranker
from qa_service.store import Generation
from qa_service.types import Filters

# Passages fetched by each search, and passages of both that are reranked.
CANDIDATES = 100
TO_RERANK = 100
# Tokens that the corpus must have for their own mean to weigh as much as the model's usual one: a
# few articles on one subject have that in common, and it must not be taken away.
TOKEN_MEAN_PSEUDO_COUNT = 20_000
# The same for a language that nothing is known of beforehand, against the corpus. The few articles
# of a language share a subject as well, and that must not be taken from the score.
LANGUAGE_MEAN_PSEUDO_COUNT = 8_000
# Passages of each language whose tokens are averaged.
PASSAGES_TO_AVERAGE = 1_000

# The median of candidates' scores in a small corpus, and how many candidates it counts for.
BACKGROUND_MAX_SIM, BACKGROUND_PSEUDO_COUNT = 0.18, 10
HIGHEST_BACKGROUND_MAX_SIM = 0.265

_CORPUS_MEAN = "tokens_corpus_mean"
_LANGUAGES = "tokens_languages"
_LANGUAGE_MEANS = "tokens_language_means"


class QuestionAnalyzer(Protocol):
    """What the retriever needs of the analyser."""

    def question_terms(
        self,
        text: str,
        languages: Sequence[str],
        passage_languages: Collection[str] | None = None,
    ) -> list[str]:
        """Return the terms of a question, as passages in these languages spell them."""
        ...

    def weights(self, terms: Sequence[str]) -> list[float]:
        """Return how much each term counts beside the others."""
        ...


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A reranked passage. `score` orders the ranking.

    It is made of `idf_max_sim`, MaxSim whose tokens weigh more the fewer of these candidates match
    them (an inverse document frequency), and `lexical`, the share of the question's terms, 0..1.
    `max_sim` is MaxSim for itself, about 0..1, which can be compared between questions.
    """

    key: int
    score: float
    max_sim: float
    idf_max_sim: float
    lexical: float
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What each stage found for one question, best first.

    `background_max_sim` is the `max_sim` of a usual candidate: what one that answers must surpass.
    """

    text: str
    dense: Candidates
    lexical: Candidates
    merged: NDArray[np.int64]
    ranked: tuple[RankedPassage, ...]
    background_max_sim: float
    timings_ms: Mapping[str, float] = field(default_factory=dict)


class Retriever:
    """Finds the passages that answer. Safe to use from several threads."""

    def __init__(
        self,
        encoder: QuestionEncoder,
        analyzer: QuestionAnalyzer,
        reranker: Reranker,
        token_offsets: Mapping[str, NDArray[np.float32]],
    ) -> None:
        """Take the parts.

        Args:
            encoder: embeds questions.
            analyzer: turns questions into terms.
            reranker: compares tokens.
            token_offsets: how the tokens of each language usually lie off those of all languages,
                (dimension,), as far as the model is known; of others the index knows something.
        """
        self._encoder = encoder
        self._analyzer = analyzer
        self._reranker = reranker
        self._token_offsets = token_offsets
        # Looks for a question's terms while the vector index is searched. One thread, for those who
        # ask take turns.
        self._terms_thread = ThreadPoolExecutor(1, "terms")

    def retrieve(
        self,
        generation: Generation,
        text: str,
        language: str,
        filters: Filters = Filters(),
        candidates: int = CANDIDATES,
        *,
        has_context: bool = False,
    ) -> Retrieval:
        """Rank the passages of one generation for a question.

        Args:
            generation: the index to search, from start to end.
            text: the question.
            language: its language, or "und".
            filters: which passages may answer.
            candidates: how many each search fetches; as many are reranked, up to `TO_RERANK`
                unless more are asked for.
            has_context: an earlier question leads the text. All tokens are compared, for the few of
                the question itself may tell less than those before.
        """
        clock = _Clock()
        encoded = self._encoder.encode_query([text])
        tokens = encoded.tokens[0]
        if not has_context:
            tokens = self._reranker.compared(tokens)
        clock.lap("encode")
        allowed = generation.allowed_keys(filters)
        by_terms = self._terms_thread.submit(
            self._search_terms, generation, text, language, candidates, allowed
        )
        vector = generation.centering.query(encoded.vectors[0], language)
        dense = generation.vectors.search(vector, candidates, allowed)
        lexical, attainable = by_terms.result()
        merged = fusion.merge(
            [dense, lexical],
            max(TO_RERANK, candidates - CANDIDATES + TO_RERANK),
            votes=[fusion.DENSE_VOTE, fusion.LEXICAL_VOTE],
            kept=[0, fusion.LEXICAL_KEPT],
        )
        shares = fusion.lexical_shares(merged, lexical, attainable)
        clock.lap("search")
        means = token_means(generation)
        languages = generation.languages_of(merged)
        query = self._reranker.prepare(tokens, means.corpus)
        late = self._reranker.score(
            query,
            generation.tokens.get_batch(merged),
            generation.raw_vectors.get(merged),
            means.languages_in_common(language, languages, self._token_offsets),
        )
        scores = fusion.combine(late.idf_max_sim, shares, languages)
        order = np.lexsort((merged, -scores))
        columns = (merged, scores, late.scores, late.idf_max_sim, shares)
        rows = zip(order.tolist(), *(column[order].tolist() for column in columns), strict=True)
        ranked = tuple(
            RankedPassage(
                key=key,
                score=score,
                max_sim=passage_max_sim,
                idf_max_sim=idf_max_sim,
                lexical=share,
                alignment=late.alignments[place],
            )
            for place, key, score, passage_max_sim, idf_max_sim, share in rows
        )
        clock.lap("rerank")
        return Retrieval(
            text=text,
            dense=dense,
            lexical=lexical,
            merged=merged,
            ranked=ranked,
            background_max_sim=estimate_background_max_sim(late.scores.tolist()),
            timings_ms=clock.laps_ms,
        )

    def _search_terms(
        self,
        generation: Generation,
        text: str,
        language: str,
        candidates: int,
        allowed: NDArray[np.int64] | None,
    ) -> tuple[Candidates, float]:
        """Return what the lexical index finds for a question, and the score that none exceeds."""
        counts = generation.language_counts()
        terms = self._analyzer.question_terms(
            text, _languages_to_analyse(language, counts), tuple(counts)
        )
        weights = self._analyzer.weights(terms)
        found = generation.lexical.search(terms, candidates, allowed, weights)
        return found, generation.lexical.attainable_score(terms, weights)


def estimate_background_max_sim(scores: Sequence[float]) -> float:
    """Return the median of the candidates' scores, drawn toward its usual value when few.

    The median of one or two candidates may be the answer itself, and where every article is on the
    question's subject, all candidates match it well: both say nothing against an answer.
    """
    if not scores:
        return BACKGROUND_MAX_SIM
    total = len(scores) * statistics.median(scores) + BACKGROUND_PSEUDO_COUNT * BACKGROUND_MAX_SIM
    return min(total / (len(scores) + BACKGROUND_PSEUDO_COUNT), HIGHEST_BACKGROUND_MAX_SIM)


class TokenDecoder(Protocol):
    """Turns codes of token vectors back into vectors."""

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return about what was encoded, less what the tokens of a passage share."""
        ...

    def common(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the tokens of each passage share."""
        ...


def measure_tokens(
    generation: Generation, codec: TokenDecoder
) -> Mapping[str, NDArray[np.generic]]:
    """Return the means of a generation's decoded tokens, to be stored in its statistics.

    With few tokens a mean is topic, so that of the corpus is shrunk toward the model's usual one,
    which is zero after decoding, and those of languages toward that of the corpus.
    """
    by_language: dict[str, list[int]] = {}
    for key, language in zip(
        generation.keys.tolist(), generation.languages_of(generation.keys), strict=True
    ):
        by_language.setdefault(language, []).append(key)
    sums: dict[str, tuple[NDArray[np.float64], int]] = {}
    for language in sorted(by_language):
        keys = np.array(by_language[language], dtype=np.int64)
        places = np.linspace(0, len(keys) - 1, PASSAGES_TO_AVERAGE).round().astype(np.intp)
        chosen = keys[np.unique(places)]
        batch = generation.tokens.get_batch(chosen)
        shared = codec.common(generation.raw_vectors.get(chosen))
        added = codec.decode(batch.codes).sum(axis=0, dtype=np.float64)
        sums[language] = added + np.diff(batch.offsets) @ shared, len(batch.codes)
    total = sum(length for _, length in sums.values())
    summed = np.sum([vector for vector, _ in sums.values()], axis=0)
    mean = summed / (total + TOKEN_MEAN_PSEUDO_COUNT)
    means = [
        (vector + LANGUAGE_MEAN_PSEUDO_COUNT * mean) / (length + LANGUAGE_MEAN_PSEUDO_COUNT)
        for vector, length in sums.values()
    ]
    return {
        _LANGUAGES: np.array(list(sums), dtype=np.str_),
        _LANGUAGE_MEANS: np.array(means, dtype=np.float32),
        _CORPUS_MEAN: mean.astype(np.float32),
    }


@dataclass(frozen=True, slots=True)
class TokenMeans:
    """Means of decoded tokens, (dimension,): of the corpus, and of each of its languages."""

    corpus: NDArray[np.float32]
    languages: Mapping[str, NDArray[np.float32]]

    def languages_in_common(
        self,
        asked_in: str,
        languages: Sequence[str],
        usual: Mapping[str, NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return the similarity that tokens have by their languages alone, float32 (passages,).

        Args:
            asked_in: the question's language.
            languages: that of each passage.
            usual: how languages usually lie off all others; for those that it lacks, what this
                corpus tells is taken.
        """

        def offset(language: str) -> NDArray[np.float32]:
            if language in usual:
                return usual[language]
            return self.languages.get(language, self.corpus) - self.corpus

        own = offset(asked_in)
        known = {language: float(own @ offset(language)) for language in set(languages)}
        return np.array([known[language] for language in languages], dtype=np.float32)


def token_means(generation: Generation) -> TokenMeans:
    """Return what `measure_tokens` stored; zeros when there is nothing."""
    stored = generation.statistics
    if _CORPUS_MEAN not in stored:
        return TokenMeans(np.zeros(generation.manifest.recipe.dimension, dtype=np.float32), {})
    means = np.asarray(stored[_LANGUAGE_MEANS], dtype=np.float32)
    names = [str(language) for language in stored[_LANGUAGES]]
    return TokenMeans(
        np.asarray(stored[_CORPUS_MEAN], dtype=np.float32), dict(zip(names, means, strict=True))
    )


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
