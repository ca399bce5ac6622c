"""Retrieval of other libraries on XQuAD: one language, across languages, one mixed pool.

Runs in the peers' own environment, which `make bench-peers` makes:

    .venv-peers/bin/python benchmarks/peers/xquad.py DATA MODEL RESULTS.json [--questions N]

DATA holds `xquad.<language>.json` in SQuAD format, MODEL is a sentence-transformers folder. The
questions asked, and what counts as found, are those of `benchmarks/quality.py`, which takes
RESULTS.json by its option `--peers`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import PEERS
from run import model_folder, run_apart

POOL_TOP_K = 100
# Which questions are drawn when not all are asked: the same as in `benchmarks/quality.py`.
SEED = 7


@dataclass(frozen=True, slots=True)
class Language:
    """The paragraphs of one language, and its questions with their paragraphs' numbers."""

    code: str
    paragraphs: tuple[str, ...]
    questions: tuple[tuple[str, int], ...]


def read_language(path: Path, limit: int) -> Language:
    """Read one file; with a limit, a sample of its questions that is the same in each language."""
    content = json.loads(path.read_text(encoding="utf-8"))
    paragraphs = [paragraph for entry in content["data"] for paragraph in entry["paragraphs"]]
    questions = [
        (item["question"], number)
        for number, paragraph in enumerate(paragraphs)
        for item in paragraph["qas"]
    ]
    chosen: Sequence[int] = range(len(questions))
    if limit and limit < len(questions):
        chosen = sorted(random.Random(SEED).sample(chosen, limit))
    return Language(
        path.suffixes[0].removeprefix("."),
        tuple(paragraph["context"] for paragraph in paragraphs),
        tuple(questions[number] for number in chosen),
    )


def texts_of(sources: Sequence[Language], targets: Sequence[Language]) -> dict[str, Any]:
    """Return the sources' questions and the targets' paragraphs as `run.py` reads them."""
    return {
        "passages": [
            {"id": f"{language.code}-{number}", "text": text, "language": language.code}
            for language in targets
            for number, text in enumerate(language.paragraphs)
        ],
        "queries": [
            {"id": f"{language.code}-{number}", "text": text, "language": language.code}
            for language in sources
            for number, (text, _) in enumerate(language.questions)
        ],
    }


def recall_at_1(found: Mapping[str, Sequence[str]], source: Language, target: str) -> float:
    """Return how often the first passage is the right one of the target language."""
    return statistics.fmean(
        found[f"{source.code}-{number}"][:1] == [f"{target}-{paragraph}"]
        for number, (_, paragraph) in enumerate(source.questions)
    )


def pool_scores(
    found: Mapping[str, Sequence[str]], languages: Sequence[Language]
) -> dict[str, float]:
    """Return recall@1 and mean average precision when every language's version counts."""
    firsts, precisions = [], []
    for source in languages:
        for number, (_, paragraph) in enumerate(source.questions):
            gold = {f"{language.code}-{paragraph}" for language in languages}
            passages = found[f"{source.code}-{number}"]
            ranks = [rank for rank, passage in enumerate(passages, 1) if passage in gold]
            firsts.append(ranks[:1] == [1])
            precisions.append(sum(hit / rank for hit, rank in enumerate(ranks, 1)) / len(gold))
    return {"pool R@1": statistics.fmean(firsts), "pool mAP": statistics.fmean(precisions)}


def measure(peer: str, languages: Sequence[Language], model: Path) -> dict[str, Any]:
    """Index each language, then all of them, and ask every language's questions each time."""
    same: list[float] = []
    cross: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts.json"
        for target in languages:
            write_json(texts, texts_of(languages, [target]))
            found = run_apart(peer, texts, model, top_k=1)["results"]
            for source in languages:
                scores = same if source is target else cross
                scores.append(recall_at_1(found, source, target.code))
        write_json(texts, texts_of(languages, languages))
        pooled = run_apart(peer, texts, model, top_k=POOL_TOP_K)
    return {
        "version": pooled["version"],
        "same R@1": statistics.fmean(same),
        "cross R@1": statistics.fmean(cross) if cross else None,
        **pool_scores(pooled["results"], languages),
    }


def write_json(path: Path, content: object) -> None:
    """Write a file of JSON."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure the peers asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=model_folder)
    parser.add_argument("results", type=Path)
    parser.add_argument("--questions", type=int, default=0, help="per language; 0 for all")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER")
    parser.add_argument("--languages", nargs="+", metavar="CODE", help="all by default")
    arguments = parser.parse_args()
    languages = [
        read_language(path, arguments.questions)
        for path in sorted(arguments.data.glob("xquad.*.json"))
        if not arguments.languages or path.suffixes[0].removeprefix(".") in arguments.languages
    ]
    if not languages:
        sys.exit(f"{arguments.data} holds no xquad.<language>.json of the languages wanted.")
    peers = {}
    for peer in arguments.peers:
        peers[peer] = measure(peer, languages, arguments.model)
        print(peer, peers[peer], flush=True)
    write_json(
        arguments.results,
        {
            "languages": [language.code for language in languages],
            "questions_per_language": len(languages[0].questions),
            "peers": peers,
        },
    )


if __name__ == "__main__":
    main()
