"""Examples of about one length run together, and spans stand where their tokens do."""

from __future__ import annotations

import random

import numpy as np
import torch

from training.reader.batches import by_length, dealt, make_batch, passage_start
from training.reader.examples import Example
from training.reader.vocabulary import BEGIN, END, PAD
from training.reader.windows import Window


def example(question: int, passage: int, *spans: tuple[int, int]) -> Example:
    """Return an example of so many tokens."""
    return Example(
        np.arange(10, 10 + question, dtype=np.int32),
        np.arange(50, 50 + passage, dtype=np.int32),
        np.array(spans, dtype=np.int32).reshape(-1, 2),
        "answerable" if spans else "given",
        0,
        0,
        Window(0, passage),
        0,
    )


def test_sequences() -> None:
    """`<s> question </s></s> passage </s>`, padded; an answer may be in the passage alone."""
    batch = make_batch([example(2, 3, (1, 3)), example(1, 2)])
    assert batch.ids.tolist() == [
        [BEGIN, 10, 11, END, END, 50, 51, 52, END],
        [BEGIN, 10, END, END, 50, 51, END, PAD, PAD],
    ]
    assert batch.mask.sum(dim=1).tolist() == [9, 7]
    assert batch.is_open[0].nonzero().flatten().tolist() == [0, 5, 6, 7]
    assert batch.is_open[1].nonzero().flatten().tolist() == [0, 4, 5]
    assert batch.spans[0].tolist() == [[6, 7]]
    assert batch.spans[1].tolist() == [[0, 0]]
    assert batch.is_answerable.tolist() == [True, False]


def test_several_answers() -> None:
    """Each answer is a span; where others have more, what is missing does not count."""
    batch = make_batch([example(2, 9, (0, 2), (4, 9)), example(2, 4, (3, 4))])
    assert batch.is_span.tolist() == [[True, True], [True, False]]
    first = passage_start(example(2, 9))
    assert batch.spans[0].tolist() == [[first, first + 1], [first + 4, first + 8]]
    assert batch.ids[0, batch.spans[0, 1, 1]] == 58


def test_runs_by_length() -> None:
    """All examples run once, none with much longer ones, none with too many tokens."""
    generator = np.random.default_rng(1)
    examples = [example(5, int(size)) for size in generator.integers(10, 200, 50)]
    runs = by_length(examples, 600)
    assert sorted(row for run in runs for row in run) == list(range(50))
    for run in runs:
        batch = make_batch([examples[row] for row in run])
        assert batch.tokens <= 600 or len(run) == 1
    padded = sum(make_batch([examples[row] for row in run]).tokens for run in runs)
    assert sum(map(len, examples)) > 0.85 * padded
    assert by_length([example(2, 900)], 600) == [[0]]


def test_runs_are_dealt_out() -> None:
    """Every example of several steps is in one of them, with less padding than step by step."""
    generator = np.random.default_rng(2)
    steps = [[example(5, int(size)) for size in generator.integers(10, 200, 8)] for _ in range(4)]
    found = dealt(steps, 600, random.Random(1))
    assert len(found) == 4
    runs = [run for step in found for run in step]
    assert sorted(map(id, (one for run in runs for one in run))) == sorted(
        map(id, (one for step in steps for one in step))
    )
    alone = [[step[row] for row in run] for step in steps for run in by_length(step, 600)]
    padded = [sum(make_batch(run).tokens for run in each) for each in (runs, alone)]
    assert padded[0] < padded[1]


def test_to_a_device() -> None:
    """A batch is the same elsewhere."""
    batch = make_batch([example(2, 3, (1, 3))])
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.ids, batch.ids)
