"""Questions from every door of the web, a bounded number at once."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING

from qa_service.config import Settings
from qa_service.types import Answer, Question
from qa_service.web.after_reply import after_reply
from qa_service.web.errors import HttpProblem
from qa_service.web.metrics import Metrics

if TYPE_CHECKING:
    from qa_service.service import Service

log = logging.getLogger("qa_service.web.questions")


class Places:
    """A number of places, and a queue for them; who finds the queue full is turned away at once."""

    def __init__(self, count: int, queue: int, wait_s: float, what: str) -> None:
        """Set the bounds.

        Args:
            count: how many hold a place at a time.
            queue: how many may wait for one.
            wait_s: how long they wait at most.
            what: those who come, as the message for who is turned away names them.
        """
        self._lock = threading.Lock()
        self._free = count
        self._queue = queue
        self._waiting: deque[threading.Event] = deque()
        self._wait_s = wait_s
        self._what = what

    @property
    def waiting(self) -> int:
        """How many wait for a place now."""
        return len(self._waiting)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place, given in the order of coming. Raises HttpProblem 503 when there is none."""
        if not self._enter():
            raise HttpProblem(
                503,
                "overloaded",
                f"Too many {self._what} at once; try again in a moment.",
                headers={"Retry-After": "1"},
            )
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> bool:
        with self._lock:
            # Nobody waits while a place is free: whoever leaves gives theirs to the first in line.
            if self._free:
                self._free -= 1
                return True
            if len(self._waiting) >= self._queue:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(self._wait_s):
            return True
        with self._lock:
            if turn.is_set():
                # Given in the very moment in which patience ended.
                return True
            self._waiting.remove(turn)
            return False

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class QuestionDesk:
    """Answers questions, counts them, and keeps a crowd from slowing everybody down.

    Questions are answered by a few threads of their own: native libraries keep memory and helping
    threads for every thread that has called them, and many more threads serve requests.
    """

    def __init__(self, service: Service, metrics: Metrics, settings: Settings) -> None:
        self._service = service
        self._metrics = metrics
        self._places = Places(
            settings.concurrent_questions,
            settings.waiting_questions,
            settings.question_wait_s,
            "questions",
        )
        metrics.watch_waiting(lambda: self._places.waiting)
        self._threads = ThreadPoolExecutor(settings.concurrent_questions, "question")
        self._logs_questions = settings.log_questions

    def ask(self, question: Question) -> Answer:
        """Answer the question of the current request, and record it once that has its reply.

        Raises what Service.ask does, and HttpProblem 503 when overloaded.
        """
        try:
            with self._places.take():
                self._metrics.question_started()
                try:
                    # With the request's context, for its id in the log.
                    answer = self._threads.submit(
                        copy_context().run, self._service.ask, question
                    ).result()
                finally:
                    self._metrics.question_ended()
        except HttpProblem:
            self._metrics.record_refusal()
            raise
        after_reply(lambda: self._record(question, answer))
        return answer

    def _record(self, question: Question, answer: Answer) -> None:
        self._metrics.record_answer(answer)
        log.info(
            "question %s",
            "answered" if answer.is_answered else "not found",
            extra={
                "question": question.text if self._logs_questions else None,
                "language": answer.language,
                "confidence": round(answer.confidence, 3),
                "generation": answer.index.generation,
            },
        )
