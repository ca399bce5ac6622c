"""Measure other libraries on the same model, passages and questions.

Runs in the peers' own environment, which `make bench-peers` makes:

    .venv-peers/bin/python benchmarks/peers/run.py TEXTS.json MODEL RESULTS.json

TEXTS.json holds {"passages": [{"id", "text", "language"}], "queries": [{"id", "text",
"language"}]}; MODEL is a sentence-transformers folder. RESULTS.json gets, for each peer, the first
ten passages that it finds for every question, and what they cost. Each peer has a process of its
own; questions are asked one at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engines import PEERS, Text

TOP_K = 10
WARM_UP_QUERIES = 5
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
}


def read_texts(path: Path, kind: str) -> list[Text]:
    """Read the passages or the queries of the file of texts."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [Text(entry["id"], entry["text"]) for entry in content[kind]]


def measure(name: str, texts: Path, model: Path, top_k: int, repeats: int) -> dict[str, Any]:
    """Index the passages `repeats` times and ask every question once; return what came of it."""
    passages, queries = read_texts(texts, "passages"), read_texts(texts, "queries")
    started = time.perf_counter()
    engine = PEERS[name].engine(model)
    load_seconds = time.perf_counter() - started

    index_seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        engine.index(passages)
        index_seconds.append(time.perf_counter() - started)

    for query in queries[:WARM_UP_QUERIES]:
        engine.search(query.text, top_k)
    results: dict[str, list[str]] = {}
    query_ms = []
    for query in queries:
        started = time.perf_counter()
        results[query.id] = engine.search(query.text, top_k)
        query_ms.append((time.perf_counter() - started) * 1000)

    median_seconds = statistics.median(index_seconds)
    return {
        "version": PEERS[name].version,
        "load_seconds": round(load_seconds, 3),
        "index_seconds": round(median_seconds, 3),
        "passages_per_s": round(len(passages) / median_seconds, 2),
        "query_ms": {
            "median": round(statistics.median(query_ms), 2),
            "p95": round(percentile(query_ms, 95), 2),
        },
        "rss_mb": round(resident_mb(), 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "results": results,
    }


def model_folder(text: str) -> Path:
    """Return the folder of a model, or refuse: a library would take its name for one of a hub."""
    folder = Path(text)
    if not (folder / "modules.json").is_file():
        raise argparse.ArgumentTypeError(f"{folder} holds no sentence-transformers model")
    return folder


def percentile(values: list[float], percent: int) -> float:
    """Return the smallest value that at least `percent` of them do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def resident_mb() -> float:
    """Return this process's resident memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def run_apart(
    name: str, texts: Path, model: Path, *, top_k: int = TOP_K, repeats: int = 1
) -> dict[str, Any]:
    """Measure one peer in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        options = ["--top-k", str(top_k), "--repeats", str(repeats), "--alone", name]
        subprocess.run(
            [sys.executable, __file__, texts, model, result, *options],
            check=True,
            env=os.environ | OFFLINE,
        )
        measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return measured


def main() -> None:
    """Measure the peers asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("model", type=model_folder)
    parser.add_argument("results", type=Path)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER")
    parser.add_argument("--top-k", type=int, default=TOP_K, help="passages for each question")
    parser.add_argument("--repeats", type=int, default=1, help="times to index; the median counts")
    parser.add_argument("--alone", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        content = measure(given.alone, given.texts, given.model, given.top_k, given.repeats)
    else:
        content = {}
        for name in given.peers:
            print(f"{name} …", file=sys.stderr, flush=True)
            content[name] = run_apart(
                name, given.texts, given.model, top_k=given.top_k, repeats=given.repeats
            )
    text = json.dumps(content, ensure_ascii=False, indent=1)
    given.results.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
