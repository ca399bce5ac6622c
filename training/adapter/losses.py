"""What training makes smaller."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, kl_div, log_softmax, softmax

_NEVER = -1e4


def contrast(
    positives: Tensor, negatives: Tensor, is_negative: Tensor, temperature: float
) -> Tensor:
    """Return how far right passages are from standing out among wrong ones (InfoNCE).

    Args:
        positives: (questions,), the score of each question's own passage.
        negatives: (questions, passages), the scores of all that may be wrong.
        is_negative: (questions, passages), which of those are.
        temperature: what scores are divided by.
    """
    wrong = negatives.masked_fill(~is_negative, _NEVER * temperature)
    logits = torch.cat([positives[:, None], wrong], dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


def keep_ranking(scores: Tensor, frozen: Tensor, temperature: float) -> Tensor:
    """Return how the distribution over passages differs from the frozen model's (KL).

    Args:
        scores: (questions, passages), of the model that is trained.
        frozen: the same of the model as it came.
        temperature: what both are divided by.
    """
    target = softmax(frozen.detach() / temperature, dim=1)
    return kl_div(log_softmax(scores / temperature, dim=1), target, reduction="batchmean")


def keep_direction(vectors: Tensor, frozen: Tensor) -> Tensor:
    """Return how far vectors, (n, dimension), turned from the frozen model's: 1 − cosine."""
    return (1 - cosine_similarity(vectors, frozen.detach(), dim=-1)).mean()
