"""Fits the abstention models on XQuAD and tells whether they transfer.

    python -m benchmarks.fitting.calibration --data FOLDER [--questions N]

Questions are asked in the language of the articles, and in another; with the answering article
there and with it taken away; of all the articles, and of a few drawn at random, for a folder of
five articles must be judged as well as a library. A logistic model of the best passage's signs is
fitted on all languages, for each of the two; the table shows how it does on each language when
fitted on pairs that it has no part in. Prints the constants; writes `results/calibration.json` and
`.md`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import article_of, build
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.xquad import KnownQuestion, Language, read_data, strangers
from benchmarks.quality import area_under_curve
from qa_service.answer.answerability import Features
from qa_service.retrieval.retriever import TO_RERANK, RankedPassage, estimate_background_max_sim
from qa_service.service import Service

MEASURED = (
    *("text", "corpus.boilerplate", "chunker", "encoder", "indexes", "retrieval"),
    "answer.answerability",
)
NAMES = ("excess", "lexical")
# How many paragraphs are there, the answering one not counted; 0 for all of them.
SIZES = (0, 60, 15, 5, 2)
# Every passage of a language is reranked, so that any few of them can be looked at.
EVERY_PASSAGE = 2_000
REGULARISATION = 100.0
SEED = 7


@dataclass(frozen=True, slots=True)
class Samples:
    """Features of best passages, (n, 2), and whether the answering article was there, by size."""

    signs: Mapping[int, NDArray[np.float64]]
    is_there: Mapping[int, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A logistic model."""

    intercept: float
    weights: NDArray[np.float64]

    def logits(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a logit per row."""
        return signs @ self.weights + self.intercept


def main() -> int:
    """Collect signs, fit, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=200, help="per language; 0 for all")
    parser.add_argument("--languages", default="")
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    own: dict[str, Samples] = {}
    foreign: dict[str, Samples] = {}
    with tempfile.TemporaryDirectory() as folder:
        for language in languages:
            service = build([language], Path(folder) / language.code)
            own[f"{language.code}>{language.code}"] = collect(service, language, language)
            for asking in strangers(languages, language):
                pair = f"{asking.code}>{language.code}"
                foreign[pair] = collect(service, asking, language)
            service.close()
            print(language.code, flush=True)
    results = {}
    for name, samples in (("own language", own), ("another language", foreign)):
        fitted = fit(list(samples.values()))
        results[name] = {
            "intercept": round(fitted.intercept, 2),
            "weights": dict(zip(NAMES, np.round(fitted.weights, 2).tolist(), strict=True)),
            "held out": score_held_out(samples),
        }
    write_results(RESULTS, "calibration", results, to_markdown(results), origin)
    print(json.dumps(results, indent=1))
    return 0


def to_markdown(results: Mapping[str, Any]) -> str:
    """Return the page for people: means over the pairs that a model has no part in."""
    lines = [
        "# When an answer counts as found",
        "",
        "Made by `benchmarks/fitting/calibration.py`, which says at its top what is measured; "
        "XQuAD, CC BY-SA 4.0. Means over languages, each judged by a model that was fitted "
        "without it.",
        "",
        "| question in | articles | answered, the answer there | refused, it is not | AUC |",
        "|---|---|---:|---:|---:|",
    ]
    for name, found in results.items():
        pairs = list(found["held out"].values())
        for size in pairs[0]:
            answered, refused, area = (
                statistics.fmean(pair[size][measure] for pair in pairs)
                for measure in ("answered", "refused", "AUC")
            )
            lines.append(
                f"| {name} | {size} | {100 * answered:.1f} % | {100 * refused:.1f} % | {area:.3f} |"
            )
    return "\n".join([*lines, ""])


def collect(service: Service, asking: Language, answering: Language) -> Samples:
    """Return the signs of the best passage of each question, for every size of the corpus."""
    drawing = random.Random(SEED)
    rows: dict[int, list[list[float]]] = {size: [] for size in SIZES}
    labels: dict[int, list[bool]] = {size: [] for size in SIZES}
    everything = range(len(answering.paragraphs))
    for question in asking.questions:
        retrieval = service.retrieve(question.text, candidates=EVERY_PASSAGE)
        place_of = {key: place for place, key in enumerate(retrieval.merged.tolist())}
        # In the order in which the searches found them, of which so many would be reranked.
        found = sorted(retrieval.ranked, key=lambda item: place_of[item.key])
        articles = article_of(service, [item.key for item in found])
        paragraphs = [int(article.split("-")[1]) for article in articles]
        for size in SIZES:
            chosen = set(drawing.sample(everything, size) if size else everything)
            for is_there, kept in variants(question, answering, chosen):
                left = [
                    item
                    for item, paragraph in zip(found, paragraphs, strict=True)
                    if paragraph in kept
                ][:TO_RERANK]
                if left:
                    rows[size].append(signs_of_best(left))
                    labels[size].append(is_there)
    return Samples(
        {size: np.array(rows[size]) for size in SIZES},
        {size: np.array(labels[size]) for size in SIZES},
    )


def variants(
    question: KnownQuestion, answering: Language, chosen: set[int]
) -> Iterator[tuple[bool, set[int]]]:
    """Yield the paragraphs with the answering one, and without all of its article."""
    yield True, chosen | {question.paragraph}
    yield False, {number for number in chosen if answering.articles[number] != question.article}


def signs_of_best(found: Sequence[RankedPassage]) -> list[float]:
    """Return what tells of the best of these passages whether it answers, as `NAMES` says."""
    best = max(found, key=lambda item: (item.score, -item.key))
    usual = estimate_background_max_sim([item.max_sim for item in found])
    signs = Features(best.max_sim, usual, best.alignment.effective_tokens, best.lexical)
    return [signs.excess, signs.lexical]


def fit(samples: Sequence[Samples]) -> Fitted:
    """Fit a model on samples of all sizes."""
    rows = np.concatenate([each.signs[size] for each in samples for size in SIZES])
    labels = np.concatenate([each.is_there[size] for each in samples for size in SIZES])
    center, spread = rows.mean(axis=0), rows.std(axis=0)
    model = LogisticRegression(C=REGULARISATION, max_iter=2000)
    model.fit((rows - center) / spread, labels)
    weights = model.coef_[0] / spread
    return Fitted(float(model.intercept_[0] - center @ weights), weights)


def score_held_out(samples: Mapping[str, Samples]) -> dict[str, dict[str, dict[str, float]]]:
    """Tell for every pair and size how a model does that knows neither language."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for pair, own in samples.items():
        languages = set(pair.split(">"))
        others = [each for name, each in samples.items() if not languages & set(name.split(">"))]
        fitted = fit(others or list(samples.values()))
        scores[pair] = {}
        for size in SIZES:
            logits = fitted.logits(own.signs[size])
            there, gone = logits[own.is_there[size]], logits[~own.is_there[size]]
            scores[pair][f"{size or 'all'} paragraphs"] = {
                "AUC": round(area_under_curve(there.tolist(), gone.tolist()), 4),
                "answered": round(float((there >= 0).mean()), 4),
                "refused": round(float((gone < 0).mean()), 4),
            }
    return scores


if __name__ == "__main__":
    sys.exit(main())
