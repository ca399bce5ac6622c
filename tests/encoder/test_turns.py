"""One thread works at a time, another one while that encodes, and failures keep nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa_service.encoder.micro_batches import EncodesOutOfTurn, Turn
from qa_service.encoder.protocol import Encoded

FOR_EVER_S = 60


class MeetingEncoder:
    """Encodes nothing, and only when as many threads as expected do so at once."""

    def __init__(self, threads: int) -> None:
        self._all_here = threading.Barrier(threads)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Wait for the others; the texts must not ask for failure."""
        self._all_here.wait(FOR_EVER_S)
        if "fail" in texts:
            raise RuntimeError("out of memory")
        return None  # type: ignore[return-value]


def test_threads_meet_at_the_encoder_and_nowhere_else() -> None:
    """All of them can encode at the same time; before and after, each is alone."""
    turn = Turn()
    encoder = EncodesOutOfTurn(MeetingEncoder(6), turn)
    inside = most = 0

    def work() -> None:
        nonlocal inside, most
        with turn.take():
            for step in range(2):
                inside += 1
                most = max(most, inside)
                threading.Event().wait(0.001)
                inside -= 1
                if not step:
                    encoder.encode_query(["?"])

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work) for _ in range(6)]:
            future.result(FOR_EVER_S)
    assert most == 1


def test_failure_to_encode_leaves_the_turn_as_it_was() -> None:
    """A question that cannot be encoded still holds the turn, and gives it back in the end."""
    turn = Turn()
    encoder = EncodesOutOfTurn(MeetingEncoder(1), turn)
    with pytest.raises(RuntimeError, match="out of memory"), turn.take():
        encoder.encode_query(["fail"])
    with turn.take():
        assert encoder.encode_query(["?"]) is None
