"""The model as OpenVINO runs it, on its graph alone: neither torch nor transformers is loaded."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from qa_service.encoder.batching import BatchVectors, TokenBatch
from qa_service.encoder.micro_batches import MicroBatches, usual_shape
from qa_service.encoder.processor import Precision, compile_options
from qa_service.encoder.quiet_openvino import openvino


@dataclass(frozen=True, slots=True)
class Graph:
    """A converted model, in the precision that it is to run in."""

    path: Path
    precision: Precision


class OpenVinoRuntime:
    """Runs a converted model, compiled for what is asked of it.

    For a question of usual length, in one shape; for longer ones and several together, in any
    shape; and for passages. Each but the first is compiled when it is first needed, so that a
    process that answers one question never pays for them.
    """

    def __init__(
        self,
        core: openvino.Core,
        passages: Graph,
        questions: Graph,
        max_tokens: int,
        threads: int = 0,
    ) -> None:
        """Take the graphs of a model, which may be the same.

        Args:
            core: the library.
            passages: what they run in, as many at once as there are cores.
            questions: what they run in, one batch at a time on all cores.
            max_tokens: the longest row that they take.
            threads: how many work at most; 0 for as many as there are cores.
        """
        self._core = core
        self._passages, self._questions = passages, questions
        self._threads = {"INFERENCE_NUM_THREADS": str(threads)} if threads else {}
        # Read once: what is compiled of it for several shapes shares its mapped weights.
        self._model = core.read_model(questions.path)
        self._usual_shape = usual_shape(max_tokens)
        self._usual_request = self._compile_questions(self._usual_shape)
        self._other_request: openvino.InferRequest | None = None
        self._together = MicroBatches(self._run_together, max_tokens)
        self._lane: _Lane | None = None
        self._lane_lock = threading.Lock()

    def run_passages(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order."""
        return self._passage_lane().run(batches)

    def run_questions(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order; batches of several threads go together."""
        return map(self._together.run, batches)

    def _run_together(self, batch: TokenBatch) -> BatchVectors:
        """Run questions; one batch at a time, as `MicroBatches` takes care of."""
        if batch.ids.shape == self._usual_shape:
            request = self._usual_request
        else:
            if self._other_request is None:
                self._other_request = self._compile_questions(None)
            request = self._other_request
        request.infer({"input_ids": batch.ids, "attention_mask": batch.mask})
        return _results(request)

    def _compile_questions(self, shape: tuple[int, int] | None) -> openvino.InferRequest:
        """Compile for one shape, which saves finding out at each run what has changed; or any.

        `benchmarks/trials/latency.py` measures this, and the pinning of threads.
        """
        model = self._model.clone()
        if shape is not None:
            model.reshape({one.any_name: shape for one in model.inputs})
        options = compile_options(self._questions.precision) | self._threads
        options |= {
            "PERFORMANCE_HINT": "LATENCY",
            # A helping thread that has slept between two questions would wake on the processor of
            # the one that waits for it, and work only once the system has moved it.
            "ENABLE_CPU_PINNING": "YES",
        }
        return self._core.compile_model(model, "CPU", options).create_infer_request()

    def _passage_lane(self) -> _Lane:
        with self._lane_lock:
            if self._lane is None:
                options = compile_options(self._passages.precision) | self._threads
                self._lane = _Lane(
                    self._core.compile_model(
                        self._passages.path, "CPU", options | {"PERFORMANCE_HINT": "THROUGHPUT"}
                    )
                )
            return self._lane


class _Lane:
    """One compiled model and the requests that are free to run on it."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self._compiled = compiled
        self._parallel = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._free: SimpleQueue[openvino.InferRequest] = SimpleQueue()

    def run(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield results in order while the next batches are already running."""
        running: deque[openvino.InferRequest] = deque()
        try:
            for batch in batches:
                if len(running) >= self._parallel:
                    yield from self._finish(running)
                request = self._take()
                request.start_async({"input_ids": batch.ids, "attention_mask": batch.mask})
                running.append(request)
            while running:
                yield from self._finish(running)
        finally:
            # The caller gave up, or a batch failed: the rest end before they are let go of.
            for request in running:
                request.cancel()
            for request in running:
                with contextlib.suppress(RuntimeError):
                    request.wait()

    def _finish(self, running: deque[openvino.InferRequest]) -> Iterator[BatchVectors]:
        request = running.popleft()
        request.wait()
        yield _results(request)
        self._free.put(request)

    def _take(self) -> openvino.InferRequest:
        try:
            return self._free.get_nowait()
        except Empty:
            return self._compiled.create_infer_request()


def _results(request: openvino.InferRequest) -> BatchVectors:
    """Return what a request has found, valid until it runs again."""
    return BatchVectors(
        request.get_tensor("token_embeddings").data,
        request.get_tensor("sentence_embedding").data,
    )
