"""Where an article stood at each stage for a question."""

from __future__ import annotations

from typing import Self

from qa_service.bodies.body import Body
from qa_service.types import Explanation, StageRank


class StageRankOut(Body):
    """Where an article's best passage stood after one stage; null when it was not among them."""

    stage: str
    rank: int | None
    score: float | None
    considered: int

    @classmethod
    def from_rank(cls, rank: StageRank) -> Self:
        """Make it from the same as the service tells it."""
        return cls(stage=rank.stage, rank=rank.rank, score=rank.score, considered=rank.considered)


class ExplanationOut(Body):
    """An article's way through the stages."""

    question: str
    searched_for: str
    article_id: str
    stages: list[StageRankOut]
    lost_at: str | None
    summary: str

    @classmethod
    def from_explanation(cls, explanation: Explanation) -> Self:
        """Make the body of an explanation."""
        return cls(
            question=explanation.question,
            searched_for=explanation.searched_for,
            article_id=explanation.article_id,
            stages=[StageRankOut.from_rank(rank) for rank in explanation.stages],
            lost_at=explanation.lost_at,
            summary=explanation.summary,
        )
