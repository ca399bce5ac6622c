"""What one question costs the model: by the shapes and the precision of its graph, and threads.

    python -m benchmarks.trials.latency [--rounds N]

A question of 15 tokens, prompt included, after pauses of several lengths: the machine's caches
and its idle processors make the difference that a pause makes. The rows begin with the graph that
passages run in and change one thing at a time; the last row is what a server does with questions of
up to 24 tokens. All take turns in every round, ten questions in a row, in one process. Writes
`results/latency.json` and `.md`.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.times import Spread, spread
from qa_service.config import load_settings
from qa_service.encoder.model_folder import find_model
from qa_service.encoder.openvino_files import GRAPH, converted_model_folder
from qa_service.encoder.processor import (
    Precision,
    best_precision,
    compile_options,
    question_precision,
)
from qa_service.encoder.quiet_openvino import openvino

MEASURED = ("encoder.processor", "encoder.conversion")
PAUSES_MS = (0, 5, 20, 200)
QUESTION_TOKENS = 15
RUNS_IN_A_ROW = 10


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    core = openvino.Core()
    of_passages = best_precision(core)
    of_questions = question_precision(of_passages)
    variants = [
        Variant(of_passages, is_any_shape=True, length=32, pinned="NO"),
        Variant(of_passages, is_any_shape=True, length=32, pinned="YES"),
        Variant(of_passages, is_any_shape=False, length=32, pinned="YES"),
        *(
            Variant(of_questions, is_any_shape=False, length=length, pinned="YES")
            for length in (32, 24)
        ),
    ]
    requests = {str(one): one.compiled(core) for one in dict.fromkeys(variants)}
    origin = Origin.now(MEASURED)
    rows = measure(requests, arguments.rounds)
    results = {
        "rows": {
            name: {pause: asdict(found) for pause, found in row.items()}
            for name, row in rows.items()
        },
    }
    write_results(RESULTS, "latency", results, to_markdown(rows), origin)
    return 0


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to run the default model on one question, padded to a length."""

    precision: Precision
    is_any_shape: bool
    length: int
    pinned: str

    def __str__(self) -> str:
        """Name it as a row of the results."""
        shape = "any shape" if self.is_any_shape else "one shape"
        threads = "threads pinned" if self.pinned == "YES" else "threads free"
        return f"{self.precision}, {shape}, {self.length} tokens, {threads}"

    def compiled(self, core: openvino.Core) -> Callable[[], object]:
        """Compile the model; returns what asks one question."""
        settings = load_settings()
        folder = converted_model_folder(settings.cache, find_model(settings), self.precision)
        model = core.read_model(folder / GRAPH)
        if not self.is_any_shape:
            model.reshape({one.any_name: (1, self.length) for one in model.inputs})
        options = compile_options(self.precision)
        options |= {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": self.pinned}
        request = core.compile_model(model, "CPU", options).create_infer_request()
        ids = np.random.default_rng(5).integers(1_000, 100_000, (1, self.length))
        mask = (np.arange(self.length) < QUESTION_TOKENS).astype(np.int64)[None]
        return partial(request.infer, {"input_ids": ids, "attention_mask": mask})


def measure(
    requests: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, dict[str, Spread]]:
    """Return milliseconds of each request's runs after each pause."""
    for infer in requests.values():
        infer()
    rows: dict[str, dict[str, Spread]] = {name: {} for name in requests}
    for pause_ms in PAUSES_MS:
        times: dict[str, list[float]] = {name: [] for name in requests}
        for name, infer in itertools.chain.from_iterable([requests.items()] * rounds):
            for run in range(1 + RUNS_IN_A_ROW):
                time.sleep(pause_ms / 1000)
                started = time.perf_counter()
                infer()
                # The first finds the weights of another graph in the caches.
                if run:
                    times[name].append((time.perf_counter() - started) * 1000)
        for name, found in times.items():
            rows[name][f"{pause_ms} ms"] = spread(found)
    return rows


def to_markdown(rows: Mapping[str, Mapping[str, Spread]]) -> str:
    """Return the page for people."""
    pauses = list(next(iter(rows.values())))
    lines = [
        "# One question in the model",
        "",
        "Made by `benchmarks/trials/latency.py`, which says at its top what is measured. "
        "p50 / p95 in ms.",
        "",
        f"| | {' | '.join(f'after {pause}' for pause in pauses)} |",
        f"|---|{'---:|' * len(pauses)}",
        *(
            f"| {name} | "
            + " | ".join(f"{row[pause].p50:.2f} / {row[pause].p95:.2f}" for pause in pauses)
            + " |"
            for name, row in rows.items()
        ),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
