"""The model as OpenVINO runs it, on its graph alone: neither torch nor transformers is loaded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from qa_service.encoder.batching import BatchVectors, TokenBatch
from qa_service.encoder.processor import Precision, compile_options
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.shared_runs import SharedRuns


class OpenVinoRuntime:
    """Runs a converted model, compiled twice: for the quickest answer, and for the most work.

    The second is compiled when first needed, so that a process that only answers questions never
    pays for it.
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
        cached = {"CACHE_DIR": str(graph.parent / "compiled")}
        quickest = core.compile_model(
            graph, "CPU", options | cached | {"PERFORMANCE_HINT": "LATENCY"}
        )
        self._urgent_request = quickest.create_infer_request()
        self._urgent = SharedRuns(self._run_urgently, max_tokens)
        self._core, self._graph = core, graph
        self._bulk_options = options | {"PERFORMANCE_HINT": "THROUGHPUT"}
        self._bulk: _Lane | None = None
        self._bulk_lock = threading.Lock()

    def run(self, batches: Iterable[TokenBatch], *, is_urgent: bool) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order."""
        return map(self._urgent.run, batches) if is_urgent else self._bulk_lane().run(batches)

    def _run_urgently(self, batch: TokenBatch) -> BatchVectors:
        self._urgent_request.infer({"input_ids": batch.ids, "attention_mask": batch.mask})
        return _results(self._urgent_request)

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
            # The caller gave up, or a batch failed: let the rest end before they are used again.
            for request in running:
                request.cancel()

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
