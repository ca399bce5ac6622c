"""From a question to ranked passages: embed, search twice, merge, rerank."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.protocol import QuestionEncoder
from qa_service.indexes.protocols import Candidates
from qa_service.indexes.token_means import TokenMeans
from qa_service.retrieval import fusion
from qa_service.retrieval.late_interaction import Alignment, MaxSimScorer
from qa_service.store import Generation
from qa_service.text.terms import Analyzer
from qa_service.types import Filters

# Passages fetched by each search, and passages of both that are reranked.
CANDIDATES = 100
TO_RERANK = 100
# The median of candidates' scores in a small corpus, and how many candidates it counts for.
BACKGROUND_MAX_SIM, BACKGROUND_PSEUDO_COUNT = 0.18, 10
HIGHEST_BACKGROUND_MAX_SIM = 0.265


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A reranked passage, and its language. `score` orders the ranking.

    It is made of `idf_max_sim`, MaxSim whose tokens weigh more the fewer of these candidates match
    them (an inverse document frequency), and `lexical`, the share of the question's terms, 0..1.
    `max_sim` is MaxSim for itself, about 0..1, which can be compared between questions.
    """

    key: int
    language: str
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
        analyzer: Analyzer,
        scorer: MaxSimScorer,
        token_offsets: Mapping[str, NDArray[np.float32]],
    ) -> None:
        """Take the parts.

        Args:
            encoder: embeds questions.
            analyzer: turns questions into terms.
            scorer: compares tokens.
            token_offsets: how the tokens of each language usually lie off those of all languages,
                (dimension,), as far as the model is known; of others the index knows something.
        """
        self._encoder = encoder
        self._analyzer = analyzer
        self._scorer = scorer
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
            tokens = self._scorer.compared(tokens)
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
        means = TokenMeans.of(generation.statistics, generation.manifest.recipe.dimension)
        languages = generation.languages_of(merged)
        query = self._scorer.prepare(tokens, means.corpus)
        scored = self._scorer.score(
            query,
            generation.embeddings.tokens(merged),
            generation.embeddings.vectors(merged),
            means.languages_in_common(language, languages, self._token_offsets),
        )
        scores = fusion.combine(scored.idf_max_sim, shares, languages)
        order = np.lexsort((merged, -scores))
        columns = (merged, scores, scored.scores, scored.idf_max_sim, shares)
        rows = zip(order.tolist(), *(column[order].tolist() for column in columns), strict=True)
        ranked = tuple(
            RankedPassage(
                key=key,
                language=languages[place],
                score=score,
                max_sim=passage_max_sim,
                idf_max_sim=idf_max_sim,
                lexical=share,
                alignment=scored.alignments[place],
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
            background_max_sim=estimate_background_max_sim(scored.scores.tolist()),
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
