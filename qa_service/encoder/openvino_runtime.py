"""The model as OpenVINO runs it, on its graph alone: neither torch nor transformers is loaded."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from qa_service.encoder.batching import BatchVectors, TokenBatch
from qa_service.encoder.processor import Precision, compile_options
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.shared_runs import SharedRuns, usual_shape


class OpenVinoRuntime:
    """Runs a converted model, compiled for what is asked of it.

    For a question of usual length, in that one shape; for longer ones and several together, in any
    shape; and for the most work. Each but the first is compiled when it is first needed, so that a
    process that answers one question never pays for them.
    """

    def __init__(
        self,
        core: openvino.Core,
        graph: Path,
        precision: Precision,
        max_tokens: int,
        threads: int = 0,
    ) -> None:
        options = compile_options(precision)
        if threads:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        self._core, self._graph = core, graph
        self._urgent_options = options | {
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": str(graph.parent / "compiled"),
            # A helping thread that has slept between two questions would wake on the processor of
            # the one that waits for it, and work only once the system has moved it.
            "ENABLE_CPU_PINNING": "YES",
        }
        self._usual_shape = usual_shape(max_tokens)
        self._usual_request = self._compile_urgent(self._usual_shape).create_infer_request()
        self._other_request: openvino.InferRequest | None = None
        self._urgent = SharedRuns(self._run_urgently, max_tokens)
        self._bulk_options = options | {"PERFORMANCE_HINT": "THROUGHPUT"}
        self._bulk: _Lane | None = None
        self._bulk_lock = threading.Lock()

    def run(self, batches: Iterable[TokenBatch], *, is_urgent: bool) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order."""
        return map(self._urgent.run, batches) if is_urgent else self._bulk_lane().run(batches)

    def _run_urgently(self, batch: TokenBatch) -> BatchVectors:
        """Run a batch; one at a time, as `SharedRuns` takes care of."""
        if batch.ids.shape == self._usual_shape:
            request = self._usual_request
        else:
            if self._other_request is None:
                self._other_request = self._compile_urgent(None).create_infer_request()
            request = self._other_request
        request.infer({"input_ids": batch.ids, "attention_mask": batch.mask})
        return _results(request)

    def _compile_urgent(self, shape: tuple[int, int] | None) -> openvino.CompiledModel:
        """Compile for one shape, which saves finding out at each run what has changed; or any."""
        model = self._core.read_model(self._graph)
        if shape is not None:
            model.reshape({one.any_name: shape for one in model.inputs})
        return self._core.compile_model(model, "CPU", self._urgent_options)

    def _bulk_lane(self) -> _Lane:
        with self._bulk_lock:
            if self._bulk is None:
                self._bulk = _Lane(self._core.compile_model(self._graph, "CPU", self._bulk_options))
            return self._bulk


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
