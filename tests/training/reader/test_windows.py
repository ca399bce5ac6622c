"""Parts of passages hold the answer or none, and do not tell where it is."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np

from training.reader.windows import Window, window_around, window_elsewhere

SENTENCES = np.arange(0, 1000, 20, dtype=np.int32)


def test_short_passages_are_whole() -> None:
    """A passage that fits is not cut."""
    assert window_around(90, SENTENCES[:5], (3, 5), 90, random.Random(1)) == Window(0, 90)


def test_the_answer_stands_anywhere() -> None:
    """A part holds the answer, starts with a sentence, and has the answer in each of its thirds."""
    rng = random.Random(2)
    thirds: Counter[int] = Counter()
    for _ in range(600):
        start = rng.randrange(200, 800)
        window = window_around(1000, SENTENCES, (start, start + 4), 100, rng)
        assert window.start <= start
        assert start + 4 <= window.end <= window.start + 100
        assert window.start % 20 == 0
        thirds[3 * (start - window.start) // 100] += 1
    assert all(120 < thirds[place] < 280 for place in range(3))


def test_parts_without_answer_are_as_long() -> None:
    """Where there is no answer, parts start with a sentence and are as long as the others."""
    rng = random.Random(3)
    windows = [window_around(1000, SENTENCES, None, 100, rng) for _ in range(200)]
    assert all(window.end - window.start == 100 for window in windows)
    assert len({window.start for window in windows}) > 20


def test_a_sentence_longer_than_the_part() -> None:
    """A part begins inside a sentence that does not fit; the answer is in it all the same."""
    rng = random.Random(4)
    one = np.zeros(1, dtype=np.int32)
    windows = [window_around(500, one, (300, 310), 50, rng) for _ in range(100)]
    assert all(window.start <= 300 and window.end >= 310 for window in windows)
    assert len({window.start for window in windows}) > 20


def test_an_answer_longer_than_the_part() -> None:
    """Of an answer that does not fit, the part holds the beginning."""
    window = window_around(500, SENTENCES[:25], (200, 400), 50, random.Random(5))
    assert window.start <= 200 < window.end


def test_elsewhere_holds_no_answer() -> None:
    """A part beside the answer touches none of the answers, and is not tiny."""
    rng = random.Random(6)
    answers = np.array([[100, 104], [155, 170]], dtype=np.int32)
    for _ in range(100):
        window = window_elsewhere(300, SENTENCES[:15], answers, 80, rng)
        assert window is not None
        assert 30 <= window.end - window.start <= 80
        assert all(end <= window.start or window.end <= start for start, end in answers)


def test_nothing_elsewhere() -> None:
    """A passage of one sentence has no part beside its answer."""
    answers = np.array([[3, 5]], dtype=np.int32)
    assert window_elsewhere(60, np.zeros(1, np.int32), answers, 40, random.Random(7)) is None
