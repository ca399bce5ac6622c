"""What the reader is trained on: any of the answers, or none."""

from __future__ import annotations

import pytest
import torch

from training.reader.batches import Batch
from training.reader.losses import LossPlan, losses
from training.reader.model import Scores


def batch(spans: list[list[list[int]]], is_span: list[list[bool]]) -> Batch:
    """Return a batch in which only the spans count."""
    shape = (len(spans), 5)
    is_answerable = torch.tensor([row[0] != [0, 0] for row in spans])
    return Batch(
        torch.zeros(shape, dtype=torch.int64),
        torch.ones(shape, dtype=torch.int64),
        torch.ones(shape, dtype=torch.bool),
        torch.tensor(spans),
        torch.tensor(is_span),
        is_answerable,
    )


def test_probability_of_any_answer() -> None:
    """Of two answers the probabilities add up; what is no answer of the example adds nothing."""
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4, 1e-9]]))
    scores = Scores(logits, logits, torch.zeros(1))
    one = losses(scores, batch([[[1, 2], [3, 3]]], [[True, False]])).span
    both = losses(scores, batch([[[1, 2], [3, 3]]], [[True, True]])).span
    assert torch.exp(-one).item() == pytest.approx(0.2 * 0.3, rel=1e-4)
    assert torch.exp(-both).item() == pytest.approx(0.2 * 0.3 + 0.4 * 0.4, rel=1e-4)


def test_none_is_the_first_token() -> None:
    """Where there is no answer, a high first token costs little."""
    high = torch.tensor([[9.0, 0.0, 0.0, 0.0, 0.0]])
    found = losses(Scores(high, high, torch.tensor([-9.0])), batch([[[0, 0]]], [[True]]))
    assert found.span.item() < 0.01
    assert found.answerability.item() < 0.01


def test_answerability_can_be_left_out() -> None:
    """With weight 0 the head's loss counts for nothing, and else by its weight."""
    scores = Scores(torch.zeros(1, 5), torch.zeros(1, 5), torch.tensor([2.0]))
    found = losses(scores, batch([[[0, 0]]], [[True]]))
    assert found.total(LossPlan(0.0)) == found.span.sum()
    expected = found.span.sum() + 0.5 * found.answerability.sum()
    assert found.total(LossPlan(0.5)) == pytest.approx(expected.item())
