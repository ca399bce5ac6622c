"""The probability that a passage answers: what it must do whatever its constants are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qa_service.answer.answerability import ANSWERED_FROM, Features, probability

scores = st.floats(-1, 2, width=32)
shares = st.floats(0, 1, width=32)
lengths = st.floats(1, 60, width=32)
features = st.builds(
    Features, max_sim=scores, background_max_sim=scores, tokens=lengths, lexical=shares
)


def of(max_sim: float, lexical: float, tokens: float = 8.0) -> Features:
    """Return the features of a passage among many."""
    return Features(max_sim=max_sim, background_max_sim=0.15, tokens=tokens, lexical=lexical)


@given(features=features, is_foreign=st.booleans())
def test_probability_lies_between_zero_and_one(features: Features, is_foreign: bool) -> None:
    """Whatever the scores, the outcome is a probability."""
    assert 0 <= probability(features, is_foreign=is_foreign) <= 1


@given(features=features, more=scores, is_foreign=st.booleans())
def test_better_match_is_never_less_likely(
    features: Features, more: float, is_foreign: bool
) -> None:
    """More late interaction does not make an answer less likely."""
    worse, better = sorted(
        (features, replace(features, max_sim=more)), key=lambda each: each.max_sim
    )
    assert probability(worse, is_foreign=is_foreign) <= probability(better, is_foreign=is_foreign)


@given(features=features, more=shares, is_foreign=st.booleans())
def test_more_shared_terms_are_never_less_likely(
    features: Features, more: float, is_foreign: bool
) -> None:
    """More of the question's terms, all else equal, do not make an answer less likely."""
    few, many = sorted((features, replace(features, lexical=more)), key=lambda each: each.lexical)
    assert probability(few, is_foreign=is_foreign) <= probability(many, is_foreign=is_foreign)


@given(features=features, more=scores, is_foreign=st.booleans())
def test_what_every_passage_matches_tells_less(
    features: Features, more: float, is_foreign: bool
) -> None:
    """The same match is worth less when usual candidates match the question well, too."""
    low, high = sorted(
        (features, replace(features, background_max_sim=more)),
        key=lambda each: each.background_max_sim,
    )
    assert probability(high, is_foreign=is_foreign) <= probability(low, is_foreign=is_foreign)


def test_no_shared_term_tells_less_across_languages() -> None:
    """The same match without a shared term is refused in one language, not from another."""
    assert probability(of(max_sim=0.4, lexical=0.0), is_foreign=False) < ANSWERED_FROM
    assert probability(of(max_sim=0.4, lexical=0.0), is_foreign=True) > ANSWERED_FROM


def test_match_of_few_words_tells_less() -> None:
    """Two words match something in any corpus; twenty that match as well do not by chance."""
    brief, long = of(max_sim=0.3, lexical=0.0, tokens=2), of(max_sim=0.3, lexical=0.0, tokens=20)
    assert probability(brief, is_foreign=True) < ANSWERED_FROM
    assert probability(long, is_foreign=True) > ANSWERED_FROM


def test_nothing_in_common_is_refused() -> None:
    """A passage that matches no better than a usual one does not answer."""
    for is_foreign in (False, True):
        assert probability(of(max_sim=0.15, lexical=0.0), is_foreign=is_foreign) < 0.02
