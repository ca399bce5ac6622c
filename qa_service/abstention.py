"""How likely a passage answers a question: a calibrated probability, so that "not found" is honest.

What tells is how well the passage matches every word of the question, above all beyond what the
other candidates do, for some questions match everything a little; how near the vectors are; and,
where both are in one language, what share of its terms the passage holds. Two logistic models, one
for passages in the question's language and one for others, are fitted by
`benchmarks/calibration.py` on corpora of a few articles and of many, and tried on languages that
they were not fitted on. They know nothing of any one language or corpus.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ANSWERED_FROM = 0.5
"""A question counts as answered when a passage is at least this likely to answer it."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells of a passage whether it answers.

    `late`: its score by late interaction. `usual_late`: that of a usual candidate. `lexical`: its
    share of the attainable lexical score, 0..1. `dense`: the cosine of its vector, centred.
    """

    late: float
    usual_late: float
    lexical: float
    dense: float


@dataclass(frozen=True, slots=True)
class _Model:
    intercept: float
    late: float
    usual_late: float
    lexical: float
    dense: float


_OWN_LANGUAGE = _Model(intercept=-12.43, late=23.92, usual_late=0, lexical=15.40, dense=0)
_OTHER_LANGUAGE = _Model(intercept=-6.44, late=22.12, usual_late=0, lexical=3.38, dense=0)


def probability(signs: Signs, *, is_foreign: bool) -> float:
    """Return the probability, 0..1, that a passage answers the question.

    Args:
        signs: what is known of the passage.
        is_foreign: whether passage and question are in different languages, so that few terms can
            be shared whether or not the passage answers.
    """
    model = _OTHER_LANGUAGE if is_foreign else _OWN_LANGUAGE
    logit = (
        model.intercept
        + model.late * signs.late
        + model.usual_late * signs.usual_late
        + model.lexical * signs.lexical
        + model.dense * signs.dense
    )
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
