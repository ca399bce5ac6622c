"""Measure qa-service as `benchmarks/peers/run.py` measures the other libraries.

    python -m benchmarks.measuring.ours TEXTS.json FOLDER RESULT.json

Takes the same TEXTS.json, one process for one measurement. Every passage is an article of a JSONL
file in FOLDER/articles, and FOLDER/index is made anew. So an index run is reading, splitting,
embedding, compressing token vectors, both indexes, the database, and bringing all of it to the
disk; and a question is answered, reranking and citing included. RESULT.json has the peers' keys,
and the times of every stage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring.memory import memory_of
from benchmarks.measuring.times import spread
from qa_service import __version__
from qa_service.config import load_settings
from qa_service.errors import NoIndexError
from qa_service.service import Service
from qa_service.types import Question

WARM_UP_QUESTIONS = 5
TOP_K = 10


def write_articles(path: Path, passages: Sequence[Mapping[str, str]]) -> None:
    """Write passages as articles."""
    lines = (
        json.dumps(
            {"id": item["id"], "text": item["text"], "title": "", "language": item["language"]},
            ensure_ascii=False,
        )
        for item in passages
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(
    passages: Sequence[Mapping[str, str]], questions: Sequence[str], folder: Path
) -> dict[str, object]:
    """Load, index once, and ask every question once."""
    articles = folder / "articles"
    articles.mkdir(parents=True)
    write_articles(articles / "articles.jsonl", passages)
    service = Service(load_settings(index=folder / "index", articles=articles))

    # There is nothing to open yet, but the model is loaded then, as the peers' is before indexing.
    with contextlib.suppress(NoIndexError):
        service.warm_up()

    started = time.perf_counter()
    report = service.index([articles])
    index_seconds = time.perf_counter() - started
    if report.articles + len(report.duplicates) != len(passages):
        sys.exit(f"only {report.articles} of {len(passages)} articles were indexed")

    for text in questions[:WARM_UP_QUESTIONS]:
        service.ask(Question(text, TOP_K))
    query_ms = []
    stages: dict[str, list[float]] = {}
    for text in questions:
        started = time.perf_counter()
        answer = service.ask(Question(text, TOP_K))
        query_ms.append((time.perf_counter() - started) * 1000)
        for stage, elapsed_ms in by_stage(answer.timings_ms).items():
            stages.setdefault(stage, []).append(elapsed_ms)
    memory = memory_of(os.getpid())
    service.close()
    return {
        "version": f"qa-service {__version__}",
        "index_seconds": index_seconds,
        "passages": report.passages,
        "passages_per_s": len(passages) / index_seconds,
        "query_ms": {"median": statistics.median(query_ms), "p95": spread(query_ms).p95},
        "stages_ms": {stage: asdict(spread(values)) for stage, values in stages.items()},
        "rss_mb": memory.resident_mb,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def by_stage(timings_ms: Mapping[str, float]) -> dict[str, float]:
    """Return the stages in order with the rest of the total under its own name, and the total."""
    stages = {name: value for name, value in timings_ms.items() if name != "total"}
    rest = timings_ms["total"] - sum(stages.values())
    return {**stages, "judge and cite": rest, "total": timings_ms["total"]}


def main() -> None:
    """Measure once and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args()
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    questions = [query["text"] for query in texts["queries"]]
    result = measure(texts["passages"], questions, arguments.folder)
    arguments.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
