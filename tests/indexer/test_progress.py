"""The pace of an index run: its rate, the time left, and how often both are told."""

from __future__ import annotations

import pytest

from qa_service.indexer.progress import PacedProgress
from qa_service.types import Progress, Stage


class Run:
    """A run whose clock is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[Progress] = []
        self._tell = PacedProgress(self.told.append, lambda: self.now)

    def reach(self, seconds: float, done: int, total: int, stage: Stage = Stage.EMBEDDING) -> None:
        """Let the clock stand at so many seconds, and the stage at so much of its work."""
        self.now = seconds
        self._tell(Progress.counted(stage, done, total))

    @property
    def last(self) -> Progress:
        """What was told last."""
        return self.told[-1]


def test_rate_and_time_left() -> None:
    """They follow from what was done and how long it took; at first neither is known."""
    run = Run()
    run.reach(0.0, 0, 100)
    assert (run.last.per_second, run.last.seconds_left) == (None, None)
    run.reach(10.0, 20, 100)
    assert run.last.per_second == pytest.approx(2.0)
    assert run.last.seconds_left == pytest.approx(40.0)
    run.reach(50.0, 100, 100)
    assert run.last.seconds_left == pytest.approx(0.0)


def test_what_went_by_at_once_is_soon_forgotten() -> None:
    """A thousand embeddings taken over from a run before say nothing about those to make."""
    run = Run()
    run.reach(0.0, 0, 2000)
    run.reach(1.0, 1000, 2000)
    for minute in range(1, 4):
        run.reach(60.0 * minute, 1000 + 60 * minute, 2000)
    assert run.last.per_second == pytest.approx(1.0)
    assert run.last.seconds_left == pytest.approx(2000 - 1180)


def test_a_run_that_stands_still_has_no_time_left_to_tell() -> None:
    """Without anything done nobody knows how long the rest takes."""
    run = Run()
    run.reach(0.0, 0, 10)
    run.reach(5.0, 0, 10)
    assert (run.last.per_second, run.last.seconds_left) == (0.0, None)


def test_stages_are_timed_apart() -> None:
    """The next stage knows nothing of the pace before, nor does one that begins again."""
    run = Run()
    run.reach(0.0, 0, 10, Stage.READING)
    run.reach(10.0, 10, 10, Stage.READING)
    run.reach(10.0, 0, 2, Stage.READING)
    assert run.last.per_second is None
    run.reach(20.0, 2, 2, Stage.READING)
    assert run.last.per_second == pytest.approx(0.2)
    run.reach(20.0, 0, 10, Stage.EMBEDDING)
    assert (run.last.stage, run.last.per_second) == (Stage.EMBEDDING, None)


def test_no_more_is_told_than_a_person_can_follow() -> None:
    """Of a thousand small files a few times a second is told, the first and the last included."""
    run = Run()
    for done in range(1001):
        run.reach(done / 500, done, 1000, Stage.READING)
    assert 8 <= len(run.told) <= 12
    assert (run.told[0].done, run.told[-1].done) == (0, 1000)
