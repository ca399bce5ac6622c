"""Parts of long passages, cut so that where a part starts tells nothing of the answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A part without the answer is no shorter, unless the passage is.
_LEAST_ELSEWHERE = 30


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open tokens of a passage."""

    start: int
    end: int


def window_around(
    length: int,
    sentences: NDArray[np.int32],
    answer: tuple[int, int] | None,
    max_tokens: int,
    rng: random.Random,
) -> Window:
    """Return a part of at most `max_tokens` that holds the answer, if there is one.

    Among all sentences from which it may start each is as likely as any other; so the answer stands
    anywhere in it, and a part without an answer looks the same.

    Args:
        length: tokens of the passage.
        sentences: tokens at which sentences start, in order.
        answer: half-open tokens. One longer than `max_tokens` is cut off at its end.
        max_tokens: of the part.
        rng: what chance is drawn from.
    """
    if length <= max_tokens:
        return Window(0, length)
    first, last = (0, length - 1) if answer is None else (answer[0], answer[1])
    # From the last of these starts on, the part would be shorter than it may be.
    latest = length - max_tokens if answer is None else min(first, length - max_tokens)
    earliest = 0 if answer is None else max(0, last - max_tokens)
    starts = [int(start) for start in sentences if earliest <= start <= latest]
    if not starts:
        # A sentence longer than the part: begin inside it.
        starts = [rng.randint(min(earliest, latest), latest)]
    start = rng.choice(starts)
    end = min(start + max_tokens, length)
    if end < length:
        ends = sentences[(sentences > start + max_tokens // 2) & (sentences <= end)]
        if len(ends) and (answer is None or int(ends[-1]) >= answer[1]):
            end = int(ends[-1])
    return Window(start, end)


def window_elsewhere(
    length: int,
    sentences: NDArray[np.int32],
    answers: NDArray[np.int32],
    max_tokens: int,
    rng: random.Random,
) -> Window | None:
    """Return a part of whole sentences in which no answer stands; None if none is long enough.

    Args:
        length: tokens of the passage.
        sentences: tokens at which sentences start, in order.
        answers: (answers, 2), half-open tokens.
        max_tokens: of the part.
        rng: what chance is drawn from.
    """
    bounds = [*sentences.tolist(), length]
    found: list[Window] = []
    for place, start in enumerate(bounds[:-1]):
        end = start
        for bound in bounds[place + 1 :]:
            if bound - start > max_tokens or np.any(
                (answers[:, 0] < bound) & (answers[:, 1] > start)
            ):
                break
            end = bound
        if end - start >= _LEAST_ELSEWHERE:
            found.append(Window(start, end))
    return rng.choice(found) if found else None
