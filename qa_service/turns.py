"""Questions take turns at everything but the model.

A question is Python and many short native calls, but for its run of the model. Threads that do
such work at the same time mostly pass the interpreter's lock to and fro, so one works at a time,
and whoever comes to the model lets another one work meanwhile. Questions then gather at the model,
which takes hardly longer for several than for one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qa_service.encoder.base import Encoded, QuestionEncoder


class Turn:
    """A turn, held by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the turn; waits until it is free."""
        with self._lock:
            yield

    @contextmanager
    def give_away(self) -> Iterator[None]:
        """Let another thread have the turn, which this one holds, and take it again afterwards."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


class EncodesOutOfTurn:
    """Encodes questions for threads that hold the turn, which others have meanwhile."""

    def __init__(self, encoder: QuestionEncoder, turn: Turn) -> None:
        self._encoder = encoder
        self._turn = turn

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Embed questions with the model's query prompt."""
        with self._turn.give_away():
            return self._encoder.encode_query(texts)
