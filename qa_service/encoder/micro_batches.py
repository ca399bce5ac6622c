"""Questions meet at the model: they take turns at all else, and go through it together.

A question is Python and many short native calls, but for its run of the model. Threads that do
such work at the same time mostly pass the interpreter's lock to and fro, so one works at a time
(`Turn`), and whoever comes to the model lets another one work meanwhile (`EncodesOutOfTurn`).
Questions then gather at the model, where one batch runs at a time, and what comes meanwhile goes
together into the next (`MicroBatches`): a question is a dozen tokens, and the model takes little
longer for several of them than for one, for most of the time goes into reading its weights.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from qa_service.encoder.batching import BatchVectors, TokenBatch
from qa_service.encoder.protocol import Encoded, QuestionEncoder

# Batches go together up to so many tokens, padding counted.
_TOKENS_TOGETHER = 512
# Rows are padded to few lengths, and their number to a power of two. A runtime prepares itself anew
# for a batch that is not shaped like the last one, which takes longer than some tokens more, and it
# keeps something for every shape that it has seen. Most questions alone fit the usual length, and
# nearly all the first step. `benchmarks/trials/latency.py` has the figures.
_USUAL_LENGTH = 24
_LENGTH_STEP = 32


class MicroBatches:
    """Runs batches from several threads on a model that runs one at a time."""

    def __init__(self, run: Callable[[TokenBatch], BatchVectors], max_tokens: int) -> None:
        """Take a model.

        Args:
            run: the model; never called by two threads at once, and what it returns may be
                written over.
            max_tokens: the longest row that it takes.
        """
        self._run = run
        self._max_tokens = max_tokens
        self._turn = threading.Lock()
        self._line: deque[_Waiting] = deque()
        self._line_lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many batches stand in line; those that are running do not."""
        return len(self._line)

    def run(self, batch: TokenBatch) -> BatchVectors:
        """Return the vectors of a batch. Raises what running it raises."""
        own = _Waiting(batch)
        with self._line_lock:
            self._line.append(own)
        with self._turn:
            # Whoever had the turn before may have taken this one along.
            return own.result or self._run_with_others(own)

    def _run_with_others(self, own: _Waiting) -> BatchVectors:
        """Run a batch and those that go along; returns its vectors, the others have theirs."""
        chosen = self._leave_line(own)
        vectors = self._run(_side_by_side([one.batch for one in chosen], self._max_tokens))
        results = []
        first = 0
        for one in chosen:
            rows, longest = one.batch.ids.shape
            last = first + rows
            one.result = BatchVectors(
                vectors.tokens[first:last, :longest].copy(), vectors.texts[first:last].copy()
            )
            results.append(one.result)
            first = last
        return results[0]

    def _leave_line(self, own: _Waiting) -> list[_Waiting]:
        """Take a batch out of the line, and with it others, in order, as long as all fit.

        Should the run fail, those others are not done, and run by themselves when it is their turn.
        """
        chosen = [own]
        rows, longest = own.batch.ids.shape
        with self._line_lock:
            waiting = list(self._line)
            for one in waiting:
                more, longer = one.batch.ids.shape
                longer = max(longest, longer)
                if one is own:
                    continue
                height, width = _padded_shape(rows + more, longer, self._max_tokens)
                if height * width <= _TOKENS_TOGETHER:
                    chosen.append(one)
                    rows, longest = rows + more, longer
            self._line = deque(one for one in waiting if one not in chosen)
        return chosen


class _Waiting:
    """A batch in line, and its vectors once somebody has run it."""

    def __init__(self, batch: TokenBatch) -> None:
        self.batch = batch
        self.result: BatchVectors | None = None


def _side_by_side(batches: Sequence[TokenBatch], max_tokens: int) -> TokenBatch:
    """Return all rows as one batch, in the shape in which so many run."""
    rows = sum(len(batch.ids) for batch in batches)
    longest = max(batch.ids.shape[1] for batch in batches)
    # Any token will do as padding: the mask leaves it out.
    shape = _padded_shape(rows, longest, max_tokens)
    ids = np.zeros(shape, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    first = 0
    for batch in batches:
        last, own = first + len(batch.ids), batch.ids.shape[1]
        ids[first:last, :own] = batch.ids
        mask[first:last, :own] = batch.mask
        first = last
    # A row without any token could not be averaged.
    mask[rows:, 0] = 1
    return TokenBatch(ids, mask)


def usual_shape(max_tokens: int) -> tuple[int, int]:
    """Return the shape in which one question of usual length runs."""
    return 1, min(_USUAL_LENGTH, max_tokens)


def _padded_shape(rows: int, longest: int, max_tokens: int) -> tuple[int, int]:
    """Return the shape in which so many rows run: by quarters of a power of two in length."""
    if rows == 1 and longest <= _USUAL_LENGTH:
        return usual_shape(max_tokens)
    step = max(_LENGTH_STEP, _power_of_two(longest) // 4)
    length = max(longest, min(-(-longest // step) * step, max_tokens))
    return _power_of_two(rows), length


def _power_of_two(number: int) -> int:
    """Return the smallest power of two that is no less."""
    return 1 << (number - 1).bit_length()


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
