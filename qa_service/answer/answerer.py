"""Answers one question from one generation of the index: retrieve, judge, choose, cite."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from qa_service.answer import quoting, selection
from qa_service.answer.judgement import Judgement, judge
from qa_service.encoder.protocol import Encoder
from qa_service.indexes.protocols import Candidates
from qa_service.retrieval.retriever import Retriever
from qa_service.store import Generation
from qa_service.types import (
    Answer,
    CitedPassage,
    Explanation,
    Filters,
    IndexState,
    Question,
    StageRank,
)

# Fetched to tell where an article stood that did not come through.
EXPLAINED_CANDIDATES = 2_000
# A question of so few tokens may lean on the one before it.
BRIEF_TOKENS = 8
# A brief question is taken with the one before it even if that looks this much less likely.
BRIEF_PREFERENCE = 0.15


class Answerer:
    """Answers questions. Safe to use from several threads."""

    def __init__(
        self,
        retriever: Retriever,
        encoder: Encoder,
        detect_language: Callable[[str], str],
    ) -> None:
        self._retriever = retriever
        self._encoder = encoder
        self._detect_language = detect_language

    def ask(self, generation: Generation, question: Question) -> Answer:
        """Answer a question from one generation."""
        started = time.perf_counter()
        language = self._detect_language(question.text)
        judged = self._search(generation, question, language)
        evidence = [
            quoting.Evidence(
                passage=choice.passage,
                article=generation.article(choice.passage.article_id),
                alignment=judged.ranked[choice.place].alignment,
                score=judged.ranked[choice.place].score,
                probability=judged.probabilities[choice.place],
                also_in=choice.also_in,
            )
            for choice in _choose(generation, judged, question.top_k)
        ]
        cited, quoted = quoting.cite(evidence)
        passages = _with_names(cited, generation)
        # An answer that cannot be quoted is none.
        answer = quoted if judged.is_answered else None
        timings = dict(judged.retrieval.timings_ms)
        timings["total"] = (time.perf_counter() - started) * 1000
        return Answer(
            question=question.text,
            searched_for=judged.retrieval.text,
            language=language,
            is_answered=answer is not None,
            confidence=judged.confidence,
            answer=answer,
            passages=passages,
            index=IndexState(
                generation=generation.id,
                articles=generation.manifest.articles,
                passages=generation.manifest.passages,
            ),
            timings_ms=timings,
        )

    def explain(
        self, generation: Generation, text: str, article_id: str, filters: Filters
    ) -> Explanation:
        """Tell how an article fared at each stage. ArticleNotFoundError."""
        # The article's own id, when the one given repeats its text.
        article_id = generation.article(article_id).id
        keys = frozenset(generation.keys_of(article_id).tolist())
        language = self._detect_language(text)
        wide = self._retriever.retrieve(
            generation, text, language, filters, candidates=EXPLAINED_CANDIDATES
        )
        judged = self._judge(generation, text, language, filters)
        retrieval = judged.retrieval
        choices = _choose(generation, judged, Question(text).top_k)
        shown = [judged.ranked[choice.place] for choice in choices]
        stages = (
            _stage_of_search("dense", wide.dense, keys),
            _stage_of_search("lexical", wide.lexical, keys),
            _stage("merge", [(int(key), None) for key in retrieval.merged], keys),
            _stage("rerank", [(item.key, item.score) for item in retrieval.ranked], keys),
            _stage("answer", [(item.key, item.score) for item in shown], keys),
        )
        lost_at = next((stage.stage for stage in stages[2:] if stage.rank is None), None)
        return Explanation(
            question=text,
            searched_for=retrieval.text,
            article_id=article_id,
            stages=stages,
            lost_at=lost_at,
            summary=_summary(article_id, stages, lost_at),
        )

    def _search(self, generation: Generation, question: Question, language: str) -> Judgement:
        """Search for a question alone and, when there is a history, with what it follows."""
        alone = self._judge(generation, question.text, language, question.filters)
        base = self._base_of(question.history)
        if base is None:
            return alone
        own_tokens = self._encoder.count_tokens([question.text])[0]
        together = self._judge(
            generation, f"{base} {question.text}", language, question.filters, own_tokens
        )
        if own_tokens <= BRIEF_TOKENS:
            is_follow_up = together.confidence >= alone.confidence - BRIEF_PREFERENCE
        else:
            is_follow_up = together.is_answered and not alone.is_answered
        return together if is_follow_up else alone

    def _base_of(self, history: Sequence[str]) -> str | None:
        """Return the last earlier question that stands by itself; the last one if none does."""
        if not history:
            return None
        lengths = self._encoder.count_tokens(history)
        for text, tokens in zip(reversed(history), reversed(lengths), strict=True):
            if tokens > BRIEF_TOKENS:
                return text
        return history[0]

    def _judge(
        self,
        generation: Generation,
        text: str,
        language: str,
        filters: Filters,
        own_tokens: int | None = None,
    ) -> Judgement:
        """Retrieve and judge; `own_tokens` say that an earlier question leads the text."""
        retrieval = self._retriever.retrieve(
            generation, text, language, filters, has_context=own_tokens is not None
        )
        return judge(retrieval, language, own_tokens)


def _with_names(
    passages: Sequence[CitedPassage], generation: Generation
) -> tuple[CitedPassage, ...]:
    """Return the passages with the articles that tell the same called by their titles."""
    ids = [article_id for passage in passages for article_id in passage.also_in]
    names = generation.article_names(ids) if ids else {}
    return tuple(
        replace(passage, also_in_articles=tuple(names[other] for other in passage.also_in))
        if passage.also_in
        else passage
        for passage in passages
    )


def _choose(generation: Generation, judged: Judgement, top_k: int) -> tuple[selection.Choice, ...]:
    """Choose what to show of a ranking."""
    keys = [item.key for item in judged.ranked]
    # What is looked at when no passage repeats another, as is usual.
    fetched_at_once = top_k + selection.LOOKED_FURTHER
    passages = (
        passage
        for start in range(0, len(keys), fetched_at_once)
        for passage in generation.passages(keys[start : start + fetched_at_once])
    )
    return selection.choose(passages, judged.is_relevant, top_k)


def _stage_of_search(stage: str, found: Candidates, keys: frozenset[int]) -> StageRank:
    pairs = zip(found.keys.tolist(), found.scores.tolist(), strict=True)
    return _stage(stage, list(pairs), keys)


def _stage(
    stage: str, scored: Sequence[tuple[int, float | None]], keys: frozenset[int]
) -> StageRank:
    """Return where the first passage of these keys stands."""
    for rank, (key, score) in enumerate(scored, start=1):
        if key in keys:
            return StageRank(stage, rank, score, len(scored))
    return StageRank(stage, None, None, len(scored))


def _summary(article_id: str, stages: Sequence[StageRank], lost_at: str | None) -> str:
    reached = {stage.stage: stage for stage in stages}
    if lost_at is None:
        return f"{article_id} is in the answer, at rank {reached['answer'].rank}."
    if lost_at == "merge":
        ranks = [
            f"{name} rank {reached[name].rank}"
            if reached[name].rank
            else f"not among {reached[name].considered} by {name} search"
            for name in ("dense", "lexical")
        ]
        return f"{article_id} was not fetched: {', '.join(ranks)}."
    rank, considered = reached["rerank"].rank, reached["rerank"].considered
    return (
        f"{article_id} was fetched and stood at rank {rank} of {considered} after reranking; "
        "better passages filled the answer."
    )
