"""How likely a passage answers a question: a calibrated probability, so that "not found" is honest.

What tells is how far the passage's late interaction stands above that of a usual candidate, for
some questions match everything a little, the more so the fewer words they have; and, where both
are in one language, what share of the question's terms the passage holds. Two logistic models, one
for passages in the question's language and one for others, are fitted by
`benchmarks/fitting/calibration.py` on corpora of a few articles and of many, and tried on languages
that they were not fitted on. They know nothing of any one language or corpus.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ANSWERED_FROM = 0.5
"""A passage at least this likely to answer counts as answering; see `answers`."""

FIRST_PASSAGES = 3
"""So many passages, the best, decide whether a question is answered, and may give the answer."""


@dataclass(frozen=True, slots=True)
class Features:
    """What tells of a passage whether it answers.

    `max_sim`: its score by late interaction. `background_max_sim`: that of a usual candidate.
    `tokens`: how many tokens of equal weight the question is worth, at least 1. `lexical`: the
    passage's share of the attainable lexical score, 0..1.
    """

    max_sim: float
    background_max_sim: float
    tokens: float
    lexical: float

    @property
    def excess(self) -> float:
        """How far the passage stands above a usual one.

        Each token's best match is up to chance; that of their mean falls with the root of how many
        they are.
        """
        return (self.max_sim - self.background_max_sim) * math.sqrt(self.tokens)


@dataclass(frozen=True, slots=True)
class _Model:
    intercept: float
    excess: float
    lexical: float


# As `benchmarks/fitting/calibration.py --questions 110` prints them.
_OWN_LANGUAGE = _Model(intercept=-10.69, excess=10.13, lexical=21.34)
_OTHER_LANGUAGE = _Model(intercept=-5.95, excess=13.08, lexical=5.10)


def probability(features: Features, *, is_foreign: bool) -> float:
    """Return the probability, 0..1, that a passage answers the question.

    Args:
        features: what is known of the passage.
        is_foreign: whether passage and question are in different languages, so that few terms can
            be shared whether or not the passage answers.
    """
    model = _OTHER_LANGUAGE if is_foreign else _OWN_LANGUAGE
    logit = model.intercept + model.excess * features.excess + model.lexical * features.lexical
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


def answers(probability: float) -> bool:
    """Tell whether a passage, or the best of several, is so likely to answer that it counts."""
    return probability >= ANSWERED_FROM
