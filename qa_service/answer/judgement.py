"""How likely the passages of a ranking are to answer, and whether the question is answered."""

from __future__ import annotations

from dataclasses import dataclass

from qa_service.answer import answerability
from qa_service.retrieval.retriever import (
    RankedPassage,
    Retrieval,
    estimate_background_max_sim,
)

# Reranked passages that may be shown: enough to fill an answer when many tell the same.
LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Judgement:
    """A ranking with each passage's probability of answering, and what was searched for."""

    retrieval: Retrieval
    ranked: tuple[RankedPassage, ...]
    probabilities: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The probability that the articles hold an answer."""
        return max(self.probabilities[: answerability.FIRST_PASSAGES], default=0.0)

    @property
    def is_answered(self) -> bool:
        """True when the articles hold an answer, as far as can be told."""
        return answerability.answers(self.confidence)

    @property
    def is_relevant(self) -> tuple[bool, ...]:
        """Whether each of the passages may answer."""
        return tuple(map(answerability.answers, self.probabilities))


def judge(retrieval: Retrieval, language: str, own_tokens: int | None = None) -> Judgement:
    """Judge the passages that were found for a question.

    Args:
        retrieval: what was found.
        language: the question's.
        own_tokens: how many tokens at the end of the text are the question's own, when an earlier
            one leads it: whether a passage answers is judged by these alone, for the earlier
            question may have been answered.
    """
    ranked = retrieval.ranked[:LOOKED_AT]
    alignments = [item.alignment for item in ranked]
    max_sims, background = [item.max_sim for item in ranked], retrieval.background_max_sim
    if own_tokens is not None:
        alignments = [alignment.last(own_tokens) for alignment in alignments]
        max_sims = [alignment.max_sim for alignment in alignments]
        background = estimate_background_max_sim(max_sims)
    tokens = alignments[0].effective_tokens if alignments else 1.0
    probabilities = tuple(
        answerability.probability(
            answerability.Features(max_sim, background, tokens, item.lexical),
            is_foreign=item.language != language,
        )
        for max_sim, item in zip(max_sims, ranked, strict=True)
    )
    return Judgement(retrieval=retrieval, ranked=ranked, probabilities=probabilities)
