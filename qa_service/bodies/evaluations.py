"""How well known questions were answered."""

from __future__ import annotations

from typing import Self

from qa_service.bodies.body import Body
from qa_service.types import Evaluation


class EvaluationOut(Body):
    """Means over the known questions."""

    questions: int
    recall: dict[str, float]
    mrr: float
    sentence_accuracy: float | None
    answered: float | None
    refused: float | None
    p50_ms: float
    p95_ms: float

    @classmethod
    def from_evaluation(cls, evaluation: Evaluation) -> Self:
        """Make the body of an evaluation; depths of recall are its keys."""
        return cls(
            questions=evaluation.questions,
            recall={str(depth): share for depth, share in evaluation.recall.items()},
            mrr=evaluation.mrr,
            sentence_accuracy=evaluation.sentence_accuracy,
            answered=evaluation.answered,
            refused=evaluation.refused,
            p50_ms=round(evaluation.p50_ms, 3),
            p95_ms=round(evaluation.p95_ms, 3),
        )
