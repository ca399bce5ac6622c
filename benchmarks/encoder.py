"""How fast the encoder embeds, beside sentence-transformers on the same model and texts.

    python -m benchmarks.encoder TEXTS... [--rounds 5] [--passages 200] [--json FILE]

TEXTS are files of UTF-8 text, or folders of them, in the languages that matter to you. They are
cut into passages of about 600 characters. All systems take turns in each round, in one process,
so that what else the machine does falls on all of them; medians are printed, and the best round.

A passage's vector and token vectors come from one pass in our encoder; sentence-transformers is
asked for the passage's vector alone, which is less work. Tokens are those of the passages, without
prompts. Questions are the passages' first six words, one at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from qa_service.config import Settings, load_settings
from qa_service.encoder.loading import load_encoder, load_reference_model
from qa_service.encoder.processor import Precision, best_precision
from qa_service.encoder.protocol import Encoder
from qa_service.encoder.quiet_openvino import openvino

PASSAGE_CHARACTERS = 600
QUESTIONS_PER_ROUND = 20
REFERENCE = "sentence-transformers fp32"


@dataclass(frozen=True, slots=True)
class System:
    """Something that embeds passages and questions."""

    name: str
    embed_passages: Callable[[Sequence[str]], object]
    embed_question: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One system's figures over all rounds."""

    system: str
    tokens_per_s: float
    best_tokens_per_s: float
    tokens_per_cpu_s: float
    question_ms: float
    best_question_ms: float
    ratio: float
    worst_cosine: float


def read_passages(paths: Sequence[Path], limit: int) -> list[str]:
    """Return passages from all files in turn, so that every language has its share."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and file.suffix in {".txt", ".md"}
    ]
    queues = []
    for file in files:
        text = file.read_text("utf-8").strip()
        starts = range(0, len(text), PASSAGE_CHARACTERS)
        queues.append([text[start : start + PASSAGE_CHARACTERS] for start in starts])
    longest = max(map(len, queues), default=0)
    in_turn = [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]
    distinct = list(dict.fromkeys(in_turn))
    if not distinct:
        sys.exit("No text found: name files or folders of .txt or .md files.")
    # Too few texts are used again, changed so that nothing is remembered from the first time.
    return [
        distinct[number % len(distinct)] + (f" {number}" if number >= len(distinct) else "")
        for number in range(limit)
    ]


def systems(names: Sequence[str]) -> list[System]:
    """Load sentence-transformers and our encoder in each way asked for."""
    model = load_reference_model(Settings())
    loaded = [
        System(
            REFERENCE,
            lambda texts: model.encode_document(list(texts)),
            lambda text: model.encode_query([text]),
        )
    ]
    for name in names:
        options = {"runtime": "torch"} if name == "torch" else {"precision": name}
        loaded.append(ours(f"qa-service {name}", load_encoder(load_settings(**options))))
    return loaded


def ours(name: str, encoder: Encoder) -> System:
    """Return our encoder as a system."""
    return System(
        name,
        lambda texts: encoder.encode_document(texts).vectors,
        lambda text: encoder.encode_query([text]).vectors,
    )


def measure(
    loaded: Sequence[System], passages: Sequence[str], tokens: int, rounds: int
) -> list[Row]:
    """Let the systems take turns; the first row is the reference."""
    import numpy as np

    questions = [" ".join(passage.split()[:6])[:80] for passage in passages[:QUESTIONS_PER_ROUND]]
    walls: dict[str, list[float]] = {system.name: [] for system in loaded}
    cpus: dict[str, list[float]] = {system.name: [] for system in loaded}
    waits: dict[str, list[float]] = {system.name: [] for system in loaded}
    vectors = {}
    for round_number in range(rounds + 1):
        for system in loaded:
            cpu, wall = time.process_time(), time.perf_counter()
            vectors[system.name] = np.asarray(system.embed_passages(passages))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            asked = []
            for question in questions:
                start = time.perf_counter()
                system.embed_question(question)
                asked.append(time.perf_counter() - start)
            if round_number:  # the first round warms up
                walls[system.name].append(wall)
                cpus[system.name].append(cpu)
                waits[system.name] += asked
    reference = statistics.median(walls[REFERENCE])
    return [
        Row(
            system=system.name,
            tokens_per_s=tokens / statistics.median(walls[system.name]),
            best_tokens_per_s=tokens / min(walls[system.name]),
            tokens_per_cpu_s=tokens / statistics.median(cpus[system.name]),
            question_ms=1000 * statistics.median(waits[system.name]),
            best_question_ms=1000 * min(waits[system.name]),
            ratio=reference / statistics.median(walls[system.name]),
            worst_cosine=float((vectors[system.name] * vectors[REFERENCE]).sum(axis=1).min()),
        )
        for system in loaded
    ]


def arithmetic_limit(mean_tokens: float) -> dict[str, float]:
    """Return tokens/s if the processor did nothing but the model's matrix products.

    The rate of products is measured, on the shapes of the model's largest layer, with torch.
    """
    import torch

    hidden, inner, layers = 384, 1536, 12
    weights = layers * (4 * hidden * hidden + 2 * hidden * inner)
    operations = 2 * weights + layers * 4 * mean_tokens * hidden
    limits = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        inputs, matrix = torch.randn(1024, hidden).to(kind), torch.randn(inner, hidden).to(kind)
        times = []
        for _ in range(40):
            start = time.perf_counter()
            torch.nn.functional.linear(inputs, matrix)
            times.append(time.perf_counter() - start)
        rate = 2 * 1024 * hidden * inner / min(times)
        limits[name] = rate / operations
    return limits


def main() -> None:
    """Run the benchmark that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    core = openvino.Core()
    best = best_precision(core).value
    names = ["torch", *dict.fromkeys([Precision.FP32.value, Precision.INT8.value, best])]
    passages = read_passages(arguments.texts, arguments.passages)
    loaded = systems(names)
    tokens = sum(load_encoder(load_settings()).count_tokens(passages))
    rows = measure(loaded, passages, tokens, arguments.rounds)
    limits = arithmetic_limit(tokens / len(passages))
    processor = core.get_property("CPU", "FULL_DEVICE_NAME")
    print(f"{processor}, {os.cpu_count()} cores, {platform.system()}; auto is {best}")
    print(f"{len(passages)} passages, {tokens} tokens, median of {arguments.rounds} rounds")
    for name, limit in limits.items():
        print(f"matrix products alone, {name}: {limit:.0f} tokens/s")
    print("| | tokens/s | best | per CPU second | question, ms | best | ratio | worst cosine |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.system} | {row.tokens_per_s:.0f} | {row.best_tokens_per_s:.0f} "
            f"| {row.tokens_per_cpu_s:.0f} | {row.question_ms:.1f} | {row.best_question_ms:.1f} "
            f"| {row.ratio:.2f} | {row.worst_cosine:.5f} |"
        )
    if arguments.json:
        result = {
            "processor": processor,
            "cores": os.cpu_count(),
            "passages": len(passages),
            "tokens": tokens,
            "rounds": arguments.rounds,
            "limits_tokens_per_s": limits,
            "rows": [asdict(row) for row in rows],
        }
        arguments.json.write_text(json.dumps(result, indent=1), "utf-8")


if __name__ == "__main__":
    main()
