"""`PacedProgress`: how fast a stage of an index run goes, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from qa_service.types import Progress

# A person cannot follow more; a folder of small files would tell of a thousand a second.
SECONDS_BETWEEN = 0.2
# What was taken over from an earlier run goes by at once, and says nothing about the rest.
WINDOW_SECONDS = 30.0
LEAST_SECONDS = 1.0


class PacedProgress:
    """Passes progress on with the pace of the last half minute, a few times a second.

    The beginning and the end of a stage are always passed on.
    """

    def __init__(
        self, on_progress: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take who is told, and a clock in seconds."""
        self._on_progress = on_progress
        self._clock = clock
        # What was passed on of this stage, the oldest first, each with its time.
        self._told: deque[tuple[float, Progress]] = deque()

    def __call__(self, progress: Progress) -> None:
        """Take what a stage tells."""
        now = self._clock()
        if self._told:
            last_time, last = self._told[-1]
            if progress.stage is not last.stage or progress.share < last.share:
                self._told.clear()
            elif progress.share < 1.0 and now - last_time < SECONDS_BETWEEN:
                return
        self._told.append((now, progress))
        while len(self._told) > 2 and now - self._told[1][0] >= WINDOW_SECONDS:
            self._told.popleft()
        first_time, first = self._told[0]
        elapsed = now - first_time
        gained = progress.share - first.share
        if elapsed >= LEAST_SECONDS:
            progress = replace(
                progress,
                per_second=(progress.done - first.done) / elapsed,
                seconds_left=(1.0 - progress.share) * elapsed / gained if gained > 0.0 else None,
            )
        self._on_progress(progress)
