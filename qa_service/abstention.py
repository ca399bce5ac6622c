"""How likely a passage answers a question: a calibrated probability, so that "not found" is honest.

What tells is how well the passage matches every word of the question, and, where both are in one
language, what share of its terms the passage holds. Two logistic models, one for passages in the
question's language and one for others, are of the form that `benchmarks/calibration.py` fits and
tries on languages that it did not fit. They know nothing of any one language or corpus.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ANSWERED_FROM = 0.5
"""A question counts as answered when a passage is at least this likely to answer it."""

# In one language answers are told from the rest so well that a little more answering costs little:
# whoever asks sees the passage and can judge, but cannot see what was held back.
_LEANING = 0.3


@dataclass(frozen=True, slots=True)
class _Model:
    intercept: float
    late: float
    lexical: float


# From a first fit on 70 questions a language; to be made anew by benchmarks/calibration.py.
_OWN_LANGUAGE = _Model(intercept=-12.43, late=23.92, lexical=15.40)
_OTHER_LANGUAGE = _Model(intercept=-6.44, late=22.12, lexical=3.38)


def probability(late: float, lexical: float, *, is_foreign: bool) -> float:
    """Return the probability, 0..1, that a passage answers the question.

    Args:
        late: the passage's score by late interaction.
        lexical: its share of the attainable lexical score, 0..1.
        is_foreign: whether passage and question are in different languages, so that few terms can
            be shared whether or not the passage answers.
    """
    model = _OTHER_LANGUAGE if is_foreign else _OWN_LANGUAGE
    logit = model.intercept + model.late * late + model.lexical * lexical
    if not is_foreign:
        logit += _LEANING
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
