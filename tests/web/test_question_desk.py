"""The places at which questions are answered, and the queue for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from qa_service.web.errors import HttpProblem
from qa_service.web.question_desk import Places

FOR_EVER_S = 60.0


def start(work: Callable[[], None]) -> threading.Thread:
    """Run something in a thread that cannot keep the tests from ending."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_first_come_first_served() -> None:
    """A place that gets free goes to whoever has waited longest, one at a time."""
    places = Places(1, 9, FOR_EVER_S, "questions")
    served: list[int] = []

    def come(number: int) -> None:
        with places.take():
            served.append(number)

    threads = []
    with places.take():
        for number in range(9):
            threads.append(start(lambda number=number: come(number)))
            while places.waiting <= number:
                threads[-1].join(0.001)
        assert served == []
    for thread in threads:
        thread.join(FOR_EVER_S)
    assert served == list(range(9))
    assert places.waiting == 0


def test_full_queue_turns_away_at_once() -> None:
    """Who finds the queue full does not wait, however long the others are ready to."""
    places = Places(1, 1, FOR_EVER_S, "questions")
    with places.take():
        waiting = start(lambda: places.take().__enter__())
        while not places.waiting:
            waiting.join(0.001)
        with pytest.raises(HttpProblem, match="Too many questions") as refusal, places.take():
            pass
        assert refusal.value.status == 503
        assert refusal.value.headers == {"Retry-After": "1"}
        assert places.waiting == 1
    waiting.join(FOR_EVER_S)
    assert places.waiting == 0


def test_patience_ends() -> None:
    """Who has waited long enough is turned away and leaves the queue; places stay as many."""
    places = Places(2, 5, 0.001, "questions")
    with places.take(), places.take():
        for _ in range(7):
            with pytest.raises(HttpProblem), places.take():
                pass
        assert places.waiting == 0
    with places.take(), places.take(), pytest.raises(HttpProblem), places.take():
        pass


def test_never_more_than_places() -> None:
    """Threads that come and go, some of them failing, never hold more places than there are."""
    places = Places(3, 100, FOR_EVER_S, "questions")
    lock = threading.Lock()
    inside, most = 0, 0

    def come_and_go() -> None:
        nonlocal inside, most
        for number in range(50):
            try:
                with places.take():
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    with lock:
                        inside -= 1
                    if number % 7 == 0:
                        raise LookupError
            except LookupError:
                pass

    threads = [start(come_and_go) for _ in range(12)]
    for thread in threads:
        thread.join(FOR_EVER_S)
    assert (inside, places.waiting) == (0, 0)
    assert 1 <= most <= 3
