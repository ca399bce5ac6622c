"""What one question costs the model: in a graph of one shape or any, threads pinned or free.

    python benchmarks/latency.py [--rounds N]

The model as a server runs it, on one row of 32 tokens, asked after pauses of several lengths: the
machine's caches and its idle processors make the difference that a pause makes. All four take turns
in every round, ten questions in a row, in one process. Writes `results/latency.json` and `.md`.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from measuring import RESULTS, Spread, machine, spread, write_results

from qa_service.config import load_settings
from qa_service.encoder.openvino_files import GRAPH, converted_model_folder
from qa_service.encoder.processor import best_precision, compile_options
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.shared_runs import usual_shape
from qa_service.encoder.sources import find_model

PAUSES_MS = (0, 5, 20, 200)
SHAPES = ("any shape", "one shape")
THREADS = {"free": "NO", "pinned": "YES"}
RUNS_IN_A_ROW = 10
LONGEST = 512


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    requests = {
        f"{shape}, threads {threads}": compiled(shape, THREADS[threads])
        for shape, threads in itertools.product(SHAPES, THREADS)
    }
    about = machine()
    rows = measure(requests, arguments.rounds)
    results = {
        "about": about,
        "rows": {
            name: {pause: asdict(found) for pause, found in row.items()}
            for name, row in rows.items()
        },
    }
    write_results(RESULTS, "latency", results, to_markdown(about, rows))
    return 0


def compiled(shape: str, is_pinned: str) -> openvino.InferRequest:
    """Compile the default model for one question."""
    settings = load_settings()
    core = openvino.Core()
    precision = best_precision(core)
    folder = converted_model_folder(settings.cache, find_model(settings), precision.value)
    model = core.read_model(folder / GRAPH)
    if shape == "one shape":
        model.reshape({one.any_name: usual_shape(LONGEST) for one in model.inputs})
    options = compile_options(precision)
    options |= {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": is_pinned}
    return core.compile_model(model, "CPU", options).create_infer_request()


def measure(
    requests: Mapping[str, openvino.InferRequest], rounds: int
) -> dict[str, dict[str, Spread]]:
    """Return milliseconds of each request's runs after each pause."""
    ids = np.random.default_rng(5).integers(1_000, 100_000, usual_shape(LONGEST))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    for request in requests.values():
        request.infer(inputs)
    rows: dict[str, dict[str, Spread]] = {name: {} for name in requests}
    for pause_ms in PAUSES_MS:
        times: dict[str, list[float]] = {name: [] for name in requests}
        for name, request in itertools.chain.from_iterable([requests.items()] * rounds):
            for run in range(1 + RUNS_IN_A_ROW):
                time.sleep(pause_ms / 1000)
                started = time.perf_counter()
                request.infer(inputs)
                # The first finds the weights of another graph in the caches.
                if run:
                    times[name].append((time.perf_counter() - started) * 1000)
        for name, found in times.items():
            rows[name][f"{pause_ms} ms"] = spread(found)
    return rows


def to_markdown(about: Mapping[str, object], rows: Mapping[str, Mapping[str, Spread]]) -> str:
    """Return the page for people."""
    pauses = list(next(iter(rows.values())))
    lines = [
        "# One question in the model",
        "",
        "Made by `benchmarks/latency.py`, which says at its top what is measured. p50 / p95 in ms.",
        "",
        ", ".join(f"{name}: {value}" for name, value in about.items()) + ".",
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
