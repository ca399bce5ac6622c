"""The probability that a passage answers: what it must do whatever its constants are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa_service.abstention import ANSWERED_FROM, probability

scores = st.floats(-1, 2, width=32)
shares = st.floats(0, 1, width=32)


@given(late=scores, lexical=shares, is_foreign=st.booleans())
def test_probability_lies_between_zero_and_one(
    late: float, lexical: float, is_foreign: bool
) -> None:
    """Whatever the scores, the outcome is a probability."""
    assert 0 <= probability(late, lexical, is_foreign=is_foreign) <= 1


@given(scores=st.tuples(scores, scores), lexical=shares, is_foreign=st.booleans())
def test_better_match_is_never_less_likely(
    scores: tuple[float, float], lexical: float, is_foreign: bool
) -> None:
    """More late interaction, all else equal, does not make an answer less likely."""
    low, high = sorted(scores)
    assert probability(low, lexical, is_foreign=is_foreign) <= probability(
        high, lexical, is_foreign=is_foreign
    )


@given(late=scores, pair=st.tuples(shares, shares), is_foreign=st.booleans())
def test_more_shared_terms_are_never_less_likely(
    late: float, pair: tuple[float, float], is_foreign: bool
) -> None:
    """More of the question's terms, all else equal, do not make an answer less likely."""
    few, many = sorted(pair)
    assert probability(late, few, is_foreign=is_foreign) <= probability(
        late, many, is_foreign=is_foreign
    )


def test_no_shared_term_tells_less_across_languages() -> None:
    """The same match without a shared term is refused in one language, not from another."""
    assert probability(0.4, 0.0, is_foreign=False) < ANSWERED_FROM
    assert probability(0.4, 0.0, is_foreign=True) > ANSWERED_FROM


def test_nothing_in_common_is_refused() -> None:
    """A passage that matches nothing does not answer."""
    assert probability(0.0, 0.0, is_foreign=False) < 0.01
    assert probability(0.0, 0.0, is_foreign=True) < 0.01
