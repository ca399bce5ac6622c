"""Gradients are the same, however many threads compute them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.reader.gradients import add_gradients


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_gradient_of_the_sum(threads: int) -> None:
    """Whatever the number of threads, each batch counts once."""
    torch.manual_seed(1)
    layer, unused = nn.Linear(5, 3), nn.Parameter(torch.ones(2))
    work = [torch.randn(4, 5) for _ in range(7)]
    add_gradients([*layer.parameters(), unused], work, lambda x: layer(x).square().sum(), threads)
    expected = torch.autograd.grad(sum(layer(x).square().sum() for x in work), layer.weight)[0]
    assert torch.allclose(layer.weight.grad, expected, rtol=1e-4)
    assert not unused.grad.any()


def test_errors_reach_the_caller() -> None:
    """What fails in a thread fails the step."""
    layer = nn.Linear(2, 1)

    def fail(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        add_gradients(list(layer.parameters()), [torch.ones(2), torch.ones(2)], fail, 2)
