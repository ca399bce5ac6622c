"""Examples of about the same length together, as tensors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.reader.examples import Example
from training.reader.vocabulary import BEGIN, END, PAD


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to the longest.

    `ids`, `mask`: (examples, length). `is_open`: (examples, length), where an answer may start and
    end: the first token, which means that there is none, and the passage. `spans`:
    (examples, answers, 2), first and last token of each; the first token twice where there is no
    answer. `is_span`: (examples, answers), which of them are there. `is_answerable`: (examples,).
    """

    ids: Tensor
    mask: Tensor
    is_open: Tensor
    spans: Tensor
    is_span: Tensor
    is_answerable: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the same on a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))

    @property
    def tokens(self) -> int:
        """How many there are, padding included."""
        return self.ids.numel()


def passage_start(example: Example) -> int:
    """Return the place in the sequence of the first token of an example's `passage`."""
    return len(example.question) + 3


def make_batch(examples: Sequence[Example]) -> Batch:
    """Put examples together."""
    length = max(map(len, examples))
    answers = max(1, *(len(example.spans) for example in examples))
    ids = np.full((len(examples), length), PAD, dtype=np.int64)
    mask = np.zeros((len(examples), length), dtype=np.int64)
    is_open = np.zeros((len(examples), length), dtype=np.bool_)
    spans = np.zeros((len(examples), answers, 2), dtype=np.int64)
    is_span = np.zeros((len(examples), answers), dtype=np.bool_)
    is_open[:, 0] = True
    is_span[:, 0] = True
    for row, example in enumerate(examples):
        start = passage_start(example)
        sequence = [BEGIN, *example.question, END, END, *example.passage, END]
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
        is_open[row, start : len(sequence) - 1] = True
        count = len(example.spans)
        if count:
            spans[row, :count] = example.spans + np.array([start, start - 1])
            is_span[row, :count] = True
    is_answerable = np.array([len(example.spans) > 0 for example in examples])
    return Batch(
        *map(torch.from_numpy, (ids, mask, is_open, spans, is_span, is_answerable)),
    )


def dealt(
    steps: Sequence[Sequence[Example]], most_tokens: int, rng: random.Random
) -> list[list[list[Example]]]:
    """Return the examples of several steps in runs, and the runs dealt out to as many steps.

    The more examples there are to choose from, the less of a run is padding.
    """
    examples = [example for step in steps for example in step]
    # At least two for each step, so that all have about as many tokens.
    most_of_a_step = sum(map(len, examples)) // (2 * len(steps))
    runs = by_length(examples, min(most_tokens, most_of_a_step))
    rng.shuffle(runs)
    return [
        [[examples[row] for row in run] for run in runs[place :: len(steps)]]
        for place in range(len(steps))
    ]


def by_length(examples: Sequence[Example], most_tokens: int) -> list[list[int]]:
    """Return numbers of examples to run together, so that little of a run is padding.

    Args:
        examples: in any order.
        most_tokens: of one run, padding included, unless one example has more.
    """
    runs: list[list[int]] = []
    order = sorted(range(len(examples)), key=lambda row: len(examples[row]))
    for row in order:
        if runs and (len(runs[-1]) + 1) * len(examples[row]) <= most_tokens:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs
