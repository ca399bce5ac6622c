"""The probability that a passage answers: what it must do whatever its constants are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.abstention import ANSWERED_FROM, probability

shares = st.floats(0, 1, width=32)


@given(late=st.floats(-100, 100, width=32), lexical=shares, is_foreign=st.booleans())
def test_probability_lies_between_zero_and_one(
    late: float, lexical: float, is_foreign: bool
) -> None:
    """Whatever matches or not, the outcome is a probability."""
    assert 0 <= probability(late, lexical, is_foreign=is_foreign) <= 1


@given(one=shares, other=shares, same=shares, is_foreign=st.booleans())
def test_better_match_is_never_less_likely(
    one: float, other: float, same: float, is_foreign: bool
) -> None:
    """More late interaction or more shared terms, all else equal, never speak against a passage."""
    low, high = sorted((one, other))
    by_meaning = [probability(late, same, is_foreign=is_foreign) for late in (low, high)]
    by_terms = [probability(same, share, is_foreign=is_foreign) for share in (low, high)]
    assert by_meaning == sorted(by_meaning)
    assert by_terms == sorted(by_terms)


@pytest.mark.parametrize("is_foreign", [False, True])
def test_perfect_match_is_answered_and_none_is_not(is_foreign: bool) -> None:
    """The two ends of the scale stand on different sides of the threshold, in any language."""
    assert probability(1.0, 1.0, is_foreign=is_foreign) > ANSWERED_FROM
    assert probability(0.0, 0.0, is_foreign=is_foreign) < ANSWERED_FROM


def test_terms_that_cannot_be_shared_are_not_missed() -> None:
    """Across languages the lack of shared terms weighs less than within one."""
    assert probability(0.4, 0.0, is_foreign=True) > probability(0.4, 0.0, is_foreign=False)
