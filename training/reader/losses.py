"""What the reader is trained to bring down."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from training.reader.batches import Batch
from training.reader.model import Scores


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights beside that of the span, which is 1.

    `answerability`: of the head that says whether there is an answer; 0 trains none.
    """

    answerability: float


@dataclass(frozen=True, slots=True)
class Losses:
    """(examples,) each."""

    span: Tensor
    answerability: Tensor

    def total(self, plan: LossPlan) -> Tensor:
        """Return what is brought down: the sum over examples."""
        found = self.span.sum()
        return (
            found + plan.answerability * self.answerability.sum() if plan.answerability else found
        )


def losses(scores: Scores, batch: Batch) -> Losses:
    """Return how unlikely the reader finds what is right.

    Of several answers it may choose any: the loss is −log of the sum of their probabilities
    (Clark & Gardner 2018), where a span's probability is that of its start times that of its end.
    """
    starts, ends = log_softmax(scores.starts, dim=1), log_softmax(scores.ends, dim=1)
    found = starts.gather(1, batch.spans[..., 0]) + ends.gather(1, batch.spans[..., 1])
    found = found.masked_fill(~batch.is_span, -torch.inf)
    return Losses(
        span=-torch.logsumexp(found, dim=1),
        answerability=binary_cross_entropy_with_logits(
            scores.answerable, batch.is_answerable.to(scores.answerable.dtype), reduction="none"
        ),
    )
