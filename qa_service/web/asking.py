"""Questions from every door of the web, a bounded number at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qa_service.types import Answer, Question
from qa_service.web.errors import HttpProblem
from qa_service.web.metrics import Metrics

if TYPE_CHECKING:
    from qa_service.service import Service

log = logging.getLogger("qa_service.web.questions")


class Places:
    """A number of places that are taken and given back; who waits too long is turned away."""

    def __init__(self, count: int, wait_s: float, what: str) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._wait_s = wait_s
        self._what = what

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place. Raises HttpProblem 503 when none gets free in time."""
        if not self._free.acquire(timeout=self._wait_s):
            raise HttpProblem(
                503,
                "overloaded",
                f"Too many {self._what} at once; try again in a moment.",
                headers={"Retry-After": "1"},
            )
        try:
            yield
        finally:
            self._free.release()


class QuestionDesk:
    """Answers questions, counts them, and keeps a crowd from slowing everybody down."""

    def __init__(
        self, service: Service, metrics: Metrics, places: Places, *, logs_questions: bool
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._places = places
        self._logs_questions = logs_questions

    def ask(self, question: Question) -> Answer:
        """Answer a question. Raises what Service.ask does, and HttpProblem 503 when overloaded."""
        try:
            with self._places.take():
                self._metrics.question_started()
                try:
                    answer = self._service.ask(question)
                finally:
                    self._metrics.question_ended()
        except HttpProblem:
            self._metrics.record_refusal()
            raise
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
        return answer
