"""How likely a passage answers a question: a calibrated probability, so that "not found" is honest.

What tells is how the least matched words of the question fare: a passage on the same topic matches
most of them, the one that answers matches all. A logistic model over a few such features was fitted
by `benchmarks/calibration.py`; it uses nothing of any one language or corpus, and the benchmark
shows how it does on languages that it was not fitted on.
"""

from __future__ import annotations

import math

import numpy as np

from qa_service.reranker import Alignment

ANSWERED_FROM = 0.5
"""A question counts as answered when a passage is at least this likely to answer it."""

# A word of the question below this cosine to every word of the passage is missing from it.
MISSING_BELOW = 0.5

# Fitted by benchmarks/calibration.py.
_INTERCEPT = -15.0
_LATE = 22.0
_LEXICAL = 1.0
_LOW_QUANTILE = 1.0
_MIDDLE_QUANTILE = 1.0
_MISSING = -2.0


def features(alignment: Alignment, late: float, lexical: float) -> tuple[float, ...]:
    """Return what the probability depends on.

    In order: the late-interaction score, the lexical share, the match of the question's tokens at
    a quarter and at half of its weight (least matched first), and the weight of missing words.
    """
    if not alignment.similarities.size:
        return (late, lexical, 0.0, 0.0, 1.0)
    matches = alignment.similarities.max(axis=0)
    order = np.argsort(matches)
    weight = np.cumsum(alignment.weights[order])
    low, middle = (
        float(matches[order][min(int(np.searchsorted(weight, share)), len(order) - 1)])
        for share in (0.25, 0.5)
    )
    missing = float(alignment.weights[matches < MISSING_BELOW].sum())
    return (late, lexical, low, middle, missing)


def probability(alignment: Alignment, late: float, lexical: float) -> float:
    """Return the probability, 0..1, that a passage answers the question."""
    weights = (_LATE, _LEXICAL, _LOW_QUANTILE, _MIDDLE_QUANTILE, _MISSING)
    found = features(alignment, late, lexical)
    logit = _INTERCEPT + sum(weight * value for weight, value in zip(weights, found, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
