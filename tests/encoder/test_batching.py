"""Which texts go through the model together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_service.encoder.batching import pad, plan_batches

LENGTHS = st.lists(st.integers(min_value=1, max_value=600), max_size=200)


@given(LENGTHS, st.integers(min_value=1, max_value=4096))
def test_plan(lengths: list[int], max_tokens: int) -> None:
    """Each input is in one batch, batches keep to the budget, and the longest come first."""
    plan = plan_batches(lengths, max_tokens)
    assert sorted(index for batch in plan for index in batch) == list(range(len(lengths)))
    widths = [max(lengths[index] for index in batch) for batch in plan]
    assert widths == sorted(widths, reverse=True)
    for batch, width in zip(plan, widths, strict=True):
        assert len(batch) == 1 or len(batch) * width <= max_tokens


def test_plan_wastes_little() -> None:
    """Sorted by length, batches of mixed texts are hardly padded."""
    lengths = [int(length) for length in np.random.default_rng(0).integers(10, 300, 500)]
    plan = plan_batches(lengths, 2048)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in plan)
    assert padded < 1.03 * sum(lengths)


def test_pad() -> None:
    """Short inputs are filled up with the padding token, which the mask leaves out."""
    batch = pad([np.array([5, 6, 7]), np.array([8])], pad_id=1)
    assert batch.ids.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
