"""What Prometheus may ask: latencies by stage, answers and abstentions, the index in service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qa_service.errors import StoredIndexError
from qa_service.types import Answer

if TYPE_CHECKING:
    from qa_service.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The figures of one app; each has its own registry, so that apps do not share them."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_IndexCollector(service))
        self._requests = Histogram(
            "qa_request_seconds",
            "Time from a request's arrival to its answer.",
            ("method", "endpoint", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "qa_question_stage_seconds",
            "Time that each stage of answering took.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._questions = Counter(
            "qa_questions",
            "Questions by outcome: answered, or not_found when the articles hold no answer.",
            ("outcome",),
            registry=self._registry,
        )
        self._refused = Counter(
            "qa_questions_refused",
            "Questions turned away with 503 because too many were being answered.",
            registry=self._registry,
        )
        self._feedback = Counter(
            "qa_feedback", "Readers' verdicts on passages.", ("verdict",), registry=self._registry
        )
        self._running = Gauge(
            "qa_questions_running", "Questions being answered now.", registry=self._registry
        )
        self._waiting = Gauge(
            "qa_questions_waiting", "Questions that wait for their turn.", registry=self._registry
        )
        for outcome in ("answered", "not_found"):
            self._questions.labels(outcome)

    def record_request(self, method: str, endpoint: str, status: int, elapsed_s: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, endpoint, str(status)).observe(elapsed_s)

    def record_answer(self, answer: Answer) -> None:
        """Count a question that was answered or found to have no answer."""
        self._questions.labels("answered" if answer.is_answered else "not_found").inc()
        for stage, elapsed_ms in answer.timings_ms.items():
            self._stages.labels(stage).observe(elapsed_ms / 1000)

    def record_refusal(self) -> None:
        """Count a question that was turned away."""
        self._refused.inc()

    def record_feedback(self, *, is_helpful: bool) -> None:
        """Count a reader's verdict."""
        self._feedback.labels("helpful" if is_helpful else "wrong_passage").inc()

    def question_started(self) -> None:
        """Count a question in."""
        self._running.inc()

    def question_ended(self) -> None:
        """Count a question out."""
        self._running.dec()

    def watch_waiting(self, count: Callable[[], int]) -> None:
        """Take the number of waiting questions from `count` whenever the figures are read."""
        self._waiting.set_function(count)

    def to_text(self) -> bytes:
        """Return every figure in Prometheus' text format."""
        return generate_latest(self._registry)


class _IndexCollector(Collector):
    """Reads the index's size when asked, so that it is never out of date."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Return nothing: keeps the registry from reading the index when it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the index's figures; only `qa_ready` when there is no index."""
        yield GaugeMetricFamily(
            "qa_ready", "1 once index and model are loaded.", value=float(self._service.is_ready)
        )
        try:
            status = self._service.status()
        except StoredIndexError:
            return
        for name, text, value in (
            ("qa_index_articles", "Articles in the index.", status.articles),
            ("qa_index_passages", "Passages in the index.", status.passages),
            ("qa_index_size_bytes", "Size of the index on disk.", status.size_bytes),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        created = GaugeMetricFamily(
            "qa_index_created_timestamp_seconds",
            "When the generation in service was made.",
            labels=["generation"],
        )
        created.add_metric([status.generation], status.created_at.timestamp())
        yield created
