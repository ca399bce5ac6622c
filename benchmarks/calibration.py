"""Fits the constants of `qa_service/abstention.py` and shows that they transfer.

    python benchmarks/calibration.py --data FOLDER [--questions N]

For each language, questions are asked with their article indexed and with it taken away: questions
in the language of the articles, and in another. A logistic model of the best passage's scores is
fitted on all languages, for each of the two; the table shows how it does on questions in each
language when fitted on the others alone. Prints the constants; writes
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

from qa_service.service import Service

Sample = tuple[NDArray[np.float64], NDArray[np.int64]]

NAMES = ("late", "lexical")
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
    own: dict[str, Sample] = {}
    foreign: dict[str, Sample] = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, language in enumerate(languages):
            service = build([language], Path(folder) / language.code)
            asking = languages[(place + 3) % len(languages)]
            own[language.code] = collect(service, language, language)
            foreign[asking.code] = collect(service, asking, language)
            service.close()
            print(language.code, flush=True)
    results = {}
    for name, samples in (("own language", own), ("another language", foreign)):
        intercept, weights = fit(*pooled(list(samples.values())))
        results[name] = {
            "intercept": round(intercept, 2),
            "weights": dict(zip(NAMES, np.round(weights, 2).tolist(), strict=True)),
            "held out": {code: score_held_out(samples, code) for code in samples},
        }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(results, indent=1) + "\n"
    (RESULTS / "calibration.json").write_text(text, encoding="utf-8")
    print(text)
    return 0


def collect(service: Service, asking: Language, answering: Language) -> Sample:
    """Return features of the best passage, and whether the answering article was there."""
    rows, labels = [], []
    for question in asking.questions:
        ranked = service.retrieve(question.text).ranked
        articles = article_of(service, [item.key for item in ranked])
        numbers = [answering.articles[int(article.split("-")[1])] for article in articles]
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
                rows.append((best.late, best.lexical))
                labels.append(is_there)
    return np.array(rows), np.array(labels)


def pooled(samples: Sequence[Sample]) -> Sample:
    """Return all samples as one."""
    rows, labels = zip(*samples, strict=True)
    return np.concatenate(rows), np.concatenate(labels)


def fit(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """Return the intercept and the weights of a logistic model."""
    model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(rows, labels)
    return float(model.intercept_[0]), model.coef_[0]


def score_held_out(samples: dict[str, Sample], code: str) -> dict[str, float]:
    """Fit on the other languages and tell how that does on this one."""
    others = [sample for known, sample in samples.items() if known != code] or [samples[code]]
    intercept, weights = fit(*pooled(others))
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
