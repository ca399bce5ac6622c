"""Fits the constants of `qa_service/abstention.py` and shows that they transfer.

    python benchmarks/calibration.py --data FOLDER [--questions N]

For each language, questions are asked with their article indexed and with it taken away. A logistic
model of the best passage's features is fitted on all languages; the table shows how it does on
each language when fitted on the others alone. Prints the constants; writes
`results/calibration.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality import RESULTS, Language, area_under_curve, article_of, build, read_data
from sklearn.linear_model import LogisticRegression

from qa_service import abstention

NAMES = ("late", "lexical", "low quantile", "middle quantile", "missing")
# Refusing what could be answered is a nuisance, answering what cannot be is a lie: both cost, and
# the examples with and without the article are as many.
REGULARISATION = 100.0


def main() -> int:
    """Collect features, fit, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="")
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    samples = {}
    with tempfile.TemporaryDirectory() as folder:
        for language in languages:
            samples[language.code] = collect(language, Path(folder) / language.code)
            print(language.code, len(samples[language.code][1]), flush=True)
    held_out = {code: score_held_out(samples, code) for code in samples}
    everything = [np.concatenate(part) for part in zip(*samples.values(), strict=True)]
    intercept, weights = fit(everything[0], everything[1])
    results = {
        "intercept": round(intercept, 3),
        "weights": dict(zip(NAMES, np.round(weights, 3).tolist(), strict=True)),
        "held out": held_out,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(results, indent=1) + "\n"
    (RESULTS / "calibration.json").write_text(text, encoding="utf-8")
    print(text)
    return 0


def collect(language: Language, folder: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return features of the best passage, and whether the answering article was there."""
    service = build([language], folder)
    rows, labels = [], []
    for question in language.questions:
        ranked = service.retrieve(question.text).ranked
        articles = article_of(service, [item.key for item in ranked])
        numbers = [language.articles[int(article.split("-")[1])] for article in articles]
        for is_there in (1, 0):
            best = next(
                (
                    item
                    for item, number in zip(ranked, numbers, strict=True)
                    if is_there or number != question.article
                ),
                None,
            )
            if best is not None:
                rows.append(abstention.features(best.alignment, best.late, best.lexical))
                labels.append(is_there)
    service.close()
    return np.array(rows), np.array(labels)


def fit(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """Return the intercept and the weights of a logistic model."""
    model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(rows, labels)
    return float(model.intercept_[0]), model.coef_[0]


def score_held_out(
    samples: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]], code: str
) -> dict[str, float]:
    """Fit on the other languages and tell how that does on this one."""
    others: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]] = [
        sample for known, sample in samples.items() if known != code
    ] or [samples[code]]
    intercept, weights = fit(*(np.concatenate(part) for part in zip(*others, strict=True)))
    rows, labels = samples[code]
    logits = rows @ weights + intercept
    there, gone = logits[labels == 1], logits[labels == 0]
    return {
        "AUC": area_under_curve(there.tolist(), gone.tolist()),
        "answered": float((there >= 0).mean()),
        "refused": float((gone < 0).mean()),
    }


if __name__ == "__main__":
    sys.exit(main())
