"""Retrieval, answers and refusals on XQuAD: one language, across languages, one mixed pool.

    python -m benchmarks.quality --data FOLDER [--questions N] [--peers FILE]

FOLDER holds `xquad.<language>.json` in SQuAD format: the same paragraphs and questions in every
language. Every paragraph is indexed as an article through `Service.index`, and every question goes
through the product's own search with its default settings. Writes `results/quality.json` and
`results/quality.md`; beside peers, with what `benchmarks/peers/xquad.py` measured on the same
questions and languages, `results/quality-peers.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import article_of, build, encoder, open_service, processes
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.xquad import Language, read_data, strangers
from benchmarks.quality_report import mean_of, to_markdown
from qa_service.answer import answerability, quoting
from qa_service.encoder.adapter import ADAPTER_FILE
from qa_service.retrieval.retriever import CANDIDATES, Retrieval
from qa_service.service import Service
from qa_service.store import Generation
from qa_service.types import Filters

MEASURED = (
    *("text", "corpus.boilerplate", "chunker", "encoder", "indexes", "retrieval"),
    *("answer.answerability", "answer.quoting"),
)
PARTS = ("same", "cross", "pool", "sentence", "abstention")

Scores = dict[str, float]


@dataclass(slots=True)
class Tally:
    """Sums of hits by name."""

    counts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Count one outcome."""
        self.counts.setdefault(name, []).append(value)

    def means(self) -> Scores:
        """Return the mean of each."""
        return {name: statistics.fmean(values) for name, values in self.counts.items()}


def main() -> int:
    """Run what is asked for and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--questions", type=int, default=0, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--only", default="", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--peers", type=Path, help="what benchmarks/peers/xquad.py wrote")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="one per core")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    peers = json.loads(arguments.peers.read_text(encoding="utf-8")) if arguments.peers else None
    if peers is not None:
        arguments.languages = ",".join(peers["languages"])
        arguments.questions = peers["questions_per_language"]
        arguments.only = "same,cross,pool"
    wanted = frozenset(filter(None, arguments.only.split(","))) or frozenset(PARTS)
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED, threads=1)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        processes(arguments.processes) as pool,
    ):
        results = measure(languages, Path(folder), wanted, pool)
    results["about"] = {
        "languages": [language.code for language in languages],
        "never_trained_on": never_trained_on(languages),
        "questions_per_language": len(languages[0].questions),
        "minutes": round((time.monotonic() - started) / 60, 1),
    }
    name = "quality"
    if peers is not None:
        name = "quality-peers"
        results["peers"] = peers["peers"]
    table = to_markdown(results)
    write_results(arguments.output, name, results, table, origin)
    print(table)
    return 0


def never_trained_on(languages: Sequence[Language]) -> list[str]:
    """Return those of the languages that were kept out of the shipped adapter's training."""
    with safe_open(ADAPTER_FILE, "np") as file:
        trained = json.loads(file.metadata()["about"])["trained"]
    held_out = set(trained["configuration"]["batches"]["held_out"])
    return [language.code for language in languages if language.code in held_out]


def measure(
    languages: Sequence[Language], folder: Path, wanted: frozenset[str], pool: Executor
) -> dict[str, object]:
    """Index every language and all together, ask, and tell how it went."""
    targets = [
        pool.submit(measure_target, languages, target, folder / target.code, wanted)
        for target in languages
        if wanted - {"pool"}
    ]
    asked = []
    if "pool" in wanted:
        built = pool.submit(build_pool, languages, folder / "pool")
        built.result()
        asked = [pool.submit(ask_pool_of, folder / "pool", language) for language in languages]
    parts: dict[str, dict[str, Scores]] = {}
    for task in targets:
        for part, rows in task.result().items():
            parts.setdefault(part, {}).update(rows)
    results: dict[str, object] = {}
    for name in ("same", "cross"):
        if name in parts:
            results[name] = mean_of(list(parts[name].values()))
    pairs = {**parts.get("same", {}), **parts.get("cross", {})}
    if pairs:
        results["pairs"] = pairs
    results |= {name: parts[name] for name in ("sentence", "abstention") if name in parts}
    if asked:
        codes = [language.code for language in languages]
        results["pool"] = {code: task.result() for code, task in zip(codes, asked, strict=True)}
    return results


def measure_target(
    languages: Sequence[Language], target: Language, folder: Path, wanted: frozenset[str]
) -> dict[str, dict[str, Scores]]:
    """Index one language, ask it every language's questions; return scores by part and pair."""
    service = build([target], folder)
    rows: dict[str, dict[str, Scores]] = {}
    for source in languages:
        part = "same" if source.code == target.code else "cross"
        if part in wanted:
            pair = f"{source.code}>{target.code}"
            rows.setdefault(part, {})[pair] = ask_pair(service, source, target)
            show(pair, rows[part][pair])
    if "sentence" in wanted:
        found = answer_sentences(service, target, target)
        asking = strangers(languages, target)
        if asking:
            across = [answer_sentences(service, source, target) for source in asking]
            found["holds it, asked in others"] = mean_of(across)["holds the answer"]
        rows["sentence"] = {target.code: found}
        show(f"sentence {target.code}", found)
    if "abstention" in wanted:
        rows["abstention"] = {target.code: refuse(service, target)}
        show(f"abstention {target.code}", rows["abstention"][target.code])
    service.close()
    return rows


def build_pool(languages: Sequence[Language], folder: Path) -> None:
    """Index all languages together."""
    build(languages, folder).close()


def ask_pool_of(folder: Path, language: Language) -> Scores:
    """Ask one language's questions of the index of all."""
    service = open_service(folder)
    scores = ask_pool(service, language)
    show(f"pool {language.code}", scores)
    service.close()
    return scores


@cache
def query_vector(text: str) -> NDArray[np.float32]:
    """Return a question's vector as the model gives it."""
    return encoder().encode_query([text]).vectors[0]


def nearest_as_is(service: Service, text: str) -> list[int]:
    """Return the passages nearest to a question, as everybody does it: by the model's cosine."""
    generation = service.generation
    scores = raw_vectors(generation) @ query_vector(text)
    places = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return [int(key) for key in generation.keys[places]]


@cache
def raw_vectors(generation: Generation) -> NDArray[np.float32]:
    """Return the vector of every passage as the model gives it."""
    return generation.embeddings.vectors(generation.keys)


def rankings(service: Service, retrieval: Retrieval) -> dict[str, list[str]]:
    """Return, for each stage alone, the distinct articles it ranks, best first."""
    ranked = retrieval.ranked
    by_late = sorted(ranked, key=lambda item: (-item.max_sim, item.key))
    by_contrast = sorted(ranked, key=lambda item: (-item.idf_max_sim, item.key))
    keys = {
        "dense, as is": nearest_as_is(service, retrieval.text),
        "dense, centred": retrieval.dense.keys.tolist(),
        "lexical": retrieval.lexical.keys.tolist(),
        "dense and lexical merged": retrieval.merged.tolist(),
        "late interaction": [item.key for item in by_late],
        "late interaction, idf_max_sim, fair to languages": [item.key for item in by_contrast],
        "all": [item.key for item in ranked],
    }
    return {stage: list(dict.fromkeys(article_of(service, found))) for stage, found in keys.items()}


def ask_pair(service: Service, source: Language, target: Language) -> Scores:
    """Ask one language's questions of another's paragraphs: recall@1 by stage, and the rest."""
    tally = Tally()
    for question in source.questions:
        gold = f"{target.code}-{question.paragraph}"
        retrieval = service.retrieve(question.text)
        for stage, articles in rankings(service, retrieval).items():
            tally.add(f"R@1 {stage}", articles[:1] == [gold])
            if stage == "all":
                rank = articles.index(gold) + 1 if gold in articles else 0
                tally.add("R@5", 0 < rank <= 5)
                tally.add("R@10", 0 < rank <= 10)
                tally.add("MRR@10", 1 / rank if 0 < rank <= 10 else 0.0)
    return tally.means()


def ask_pool(service: Service, language: Language) -> Scores:
    """Ask of all languages at once: the right paragraph in any of them counts."""
    tally = Tally()
    codes = sorted(service.generation.language_counts())
    for question in language.questions:
        gold = {f"{code}-{question.paragraph}" for code in codes}
        for stage, articles in rankings(service, service.retrieve(question.text)).items():
            tally.add(f"R@1 {stage}", bool(articles) and articles[0] in gold)
            ranks = [rank for rank, article in enumerate(articles, 1) if article in gold]
            precisions = [found / rank for found, rank in enumerate(ranks, 1)]
            tally.add(f"mAP {stage}", sum(precisions) / len(gold))
    return tally.means()


def answer_sentences(service: Service, source: Language, target: Language) -> Scores:
    """Ask with the right paragraph given: does the answer sentence hold the answer?"""
    tally = Tally()
    # Question n stands at the same place in every language.
    for question, known in zip(source.questions, target.questions, strict=True):
        article_id = f"{target.code}-{known.paragraph}"
        retrieval = service.retrieve(question.text, Filters(source=article_id))
        passages = service.generation.passages([item.key for item in retrieval.ranked])
        article = service.generation.article(article_id)
        evidence = [
            quoting.Evidence(passage, article, item.alignment, item.score, 1.0)
            for passage, item in zip(passages, retrieval.ranked, strict=True)
        ]
        answer = quoting.cite(evidence)[1]
        tally.add("holds the answer", answer is not None and known.answer in answer.text)
        if answer is not None:
            passage = passages[answer.citation - 1]
            sentences = sum(
                sentence.start - passage.start >= answer.span.start
                and sentence.end - passage.start <= answer.span.end
                for sentence in passage.sentences
            )
            tally.add("sentences quoted", sentences)
            tally.add("share of the paragraph", len(answer.text) / len(article.text))
    return tally.means()


def refuse(service: Service, language: Language) -> Scores:
    """Judge the best passage with the answering one there, and with it taken away.

    Once the whole article is taken away (five paragraphs on one topic) and once its paragraph
    alone, which leaves four on the same topic: the harder question.
    """
    found: dict[str, list[float]] = {"present": [], "article": [], "paragraph": []}
    for question in language.questions:
        retrieval = service.retrieve(question.text)
        articles = article_of(service, [item.key for item in retrieval.ranked])
        numbers = [int(article.split("-")[1]) for article in articles]
        probabilities = [
            answerability.probability(
                answerability.Features(
                    item.max_sim,
                    retrieval.background_max_sim,
                    item.alignment.effective_tokens,
                    item.lexical,
                ),
                is_foreign=False,
            )
            for item in retrieval.ranked
        ]
        kept: Mapping[str, Callable[[int], bool]] = {
            "present": lambda _number: True,
            "article": lambda number: language.articles[number] != question.article,  # noqa: B023
            "paragraph": lambda number: number != question.paragraph,  # noqa: B023
        }
        for name, keep in kept.items():
            left = [p for p, number in zip(probabilities, numbers, strict=True) if keep(number)]
            found[name].append(max(left[:3], default=0.0))
    limit = answerability.ANSWERED_FROM
    return {
        "AUC article removed": area_under_curve(found["present"], found["article"]),
        "AUC paragraph removed": area_under_curve(found["present"], found["paragraph"]),
        "answered": statistics.fmean(p >= limit for p in found["present"]),
        "refused, article removed": statistics.fmean(p < limit for p in found["article"]),
        "refused, paragraph removed": statistics.fmean(p < limit for p in found["paragraph"]),
    }


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Return the probability that a positive scores higher than a negative; ties count half."""
    values = np.concatenate([positives, negatives])
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    n = len(positives)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(negatives)))


def show(name: str, scores: Mapping[str, float]) -> None:
    """Print one line of progress."""
    print(name, *(f"{key} {value:.3f}" for key, value in scores.items()), sep="  ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
