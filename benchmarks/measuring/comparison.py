"""An index run and questions in qa-service and in other libraries, round by round."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring.xquad import read_languages
from qa_service.config import load_settings
from qa_service.encoder.model_folder import find_model

ROOT = Path(__file__).parents[2]
PEERS_RUN = ROOT / "benchmarks" / "peers" / "run.py"
OURS = "qa-service"
PEERS = ("sentence-transformers", "txtai", "haystack", "llama-index")


def choose_texts(
    data: Path, codes: str, passages: int, questions: int
) -> dict[str, list[dict[str, str]]]:
    """Return passages and questions, languages taking turns, as `peers/run.py` reads them.

    More passages than there are repeat the texts, numbered, so that none equals another.
    """
    languages = read_languages(data, codes, 0)
    distinct = [
        (language.code, text)
        for same in zip(*(language.paragraphs for language in languages), strict=True)
        for language, text in zip(languages, same, strict=True)
    ]
    asked = [
        (language.code, item.text)
        for same in zip(*(language.questions for language in languages), strict=True)
        for language, item in zip(languages, same, strict=True)
    ]
    chosen = [distinct[number % len(distinct)] for number in range(passages or len(distinct))]
    return {
        "passages": [
            {
                "id": f"p{number}",
                "text": f"{number} {text}" if number >= len(distinct) else text,
                "language": code,
            }
            for number, (code, text) in enumerate(chosen)
        ],
        # Spread over all, so that they are about all articles.
        "queries": [
            {"id": f"q{number}", "text": text, "language": code}
            for number, (code, text) in enumerate(asked[:: max(1, len(asked) // questions)])
        ][:questions],
    }


def compare(
    texts: Path, work: Path, rounds: int, peers: Sequence[str], python: Path | None
) -> dict[str, list[dict[str, Any]]]:
    """Index and ask in each engine, a new process each time; one result per round.

    Our last index is left in `work/ours`.
    """
    model = find_model(load_settings()).folder
    engines = [OURS, *(peers if python else ())]
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in engines}
    result = work / "result.json"
    for turn in range(rounds):
        # Whoever comes first finds the processor coolest, so each comes first in turn.
        for name in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
            command: list[str | Path]
            if name == OURS:
                folder = work / ("ours" if turn == rounds - 1 else f"ours-{turn}")
                command = [sys.executable, "-m", "benchmarks.measuring.ours", texts, folder, result]
            else:
                assert python is not None
                command = [python, PEERS_RUN, texts, model, result, "--peers", name]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            measured = json.loads(result.read_text(encoding="utf-8"))
            figures = measured if name == OURS else measured[name]
            figures.pop("results", None)  # which passages were found is no matter of speed
            results[name].append(figures)
            print(turn + 1, name, f"{figures['passages_per_s']:.1f}/s", flush=True)
    return results


def medians(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the medians of an engine's rounds."""

    def median(*keys: str) -> float:
        return statistics.median(_look_up(result, keys) for result in results)

    row: dict[str, Any] = {
        "version": results[0]["version"],
        "passages_per_s": median("passages_per_s"),
        "question_p50_ms": median("query_ms", "median"),
        "question_p95_ms": median("query_ms", "p95"),
        "resident_mb": median("rss_mb"),
        "peak_mb": median("peak_rss_mb"),
    }
    if "stages_ms" in results[0]:
        row["stages_ms"] = {
            stage: {name: median("stages_ms", stage, name) for name in ("p50", "p95")}
            for stage in results[0]["stages_ms"]
        }
    return row


def _look_up(content: Any, keys: Sequence[str]) -> float:
    for key in keys:
        content = content[key]
    return float(content)
