"""The probability that a passage answers: what it must do whatever its constants are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.abstention import ANSWERED_FROM, features, probability
from qa_service.reranker import Alignment


def alignment_of(matches: list[float], weights: list[float] | None = None) -> Alignment:
    """Return how a question's tokens match a passage of two tokens, the second of them badly."""
    count = len(matches)
    shares = np.array(weights or [1.0] * count, dtype=np.float32)
    return Alignment(
        similarities=np.array([matches, [-1.0] * count], dtype=np.float32).reshape(2, count),
        spans=np.array([[0, 3], [3, 6]], dtype=np.uint16),
        weights=shares / max(float(shares.sum()), 1e-9),
    )


cosines = st.floats(-1, 1, width=32)


@given(
    matches=st.lists(cosines, min_size=1, max_size=12),
    late=st.floats(-1, 2, width=32),
    lexical=st.floats(0, 1, width=32),
)
def test_probability_lies_between_zero_and_one(
    matches: list[float], late: float, lexical: float
) -> None:
    """Whatever matches or not, the outcome is a probability and every feature finite."""
    alignment = alignment_of(matches)
    assert 0 <= probability(alignment, late, lexical) <= 1
    assert np.isfinite(features(alignment, late, lexical)).all()


@given(
    matches=st.lists(cosines, min_size=1, max_size=12),
    low=st.floats(0, 1, width=32),
    high=st.floats(0, 1, width=32),
)
def test_better_match_is_never_less_likely(matches: list[float], low: float, high: float) -> None:
    """More late interaction, all else equal, does not make an answer less likely."""
    low, high = sorted((low, high))
    alignment = alignment_of(matches)
    assert probability(alignment, low, 0.2) <= probability(alignment, high, 0.2)


def test_missing_word_makes_an_answer_less_likely() -> None:
    """A passage on the topic that lacks one telling word is less likely than one with them all."""
    whole = alignment_of([0.95, 0.92, 0.9, 0.94])
    lacking = alignment_of([0.95, 0.92, 0.9, 0.1])
    assert probability(lacking, lacking.max_sim, 0.3) < probability(whole, whole.max_sim, 0.3)


def test_missing_filler_matters_less_than_a_missing_name() -> None:
    """What is missing counts by what it tells."""
    name = alignment_of([0.9, 0.1], weights=[0.1, 0.9])
    filler = alignment_of([0.9, 0.1], weights=[0.9, 0.1])
    assert probability(name, name.max_sim, 0.0) < probability(filler, filler.max_sim, 0.0)


def test_perfect_match_is_answered_and_none_is_not() -> None:
    """The two ends of the scale stand on different sides of the threshold."""
    perfect = alignment_of([1.0] * 6)
    nothing = alignment_of([0.0] * 6)
    assert probability(perfect, 1.0, 1.0) > ANSWERED_FROM
    assert probability(nothing, 0.0, 0.0) < ANSWERED_FROM


@pytest.mark.parametrize("tokens", [0, 3])
def test_no_tokens_on_either_side_is_no_answer(tokens: int) -> None:
    """An empty passage, or a question of signs alone, is never taken for an answer."""
    empty = Alignment(
        similarities=np.empty((0, tokens), dtype=np.float32),
        spans=np.empty((0, 2), dtype=np.uint16),
        weights=np.full(tokens, 1 / max(tokens, 1), dtype=np.float32),
    )
    without_question = replace(
        empty,
        similarities=np.empty((3, 0), dtype=np.float32),
        spans=np.zeros((3, 2), dtype=np.uint16),
        weights=np.empty(0, dtype=np.float32),
    )
    for alignment in (empty, without_question):
        assert len(features(alignment, 0.0, 0.0)) == len(features(alignment_of([0.5]), 0.0, 0.0))
        assert probability(alignment, 0.0, 0.0) < ANSWERED_FROM


@given(order=st.permutations(range(5)))
def test_order_of_words_does_not_matter(order: list[int]) -> None:
    """A question's words are judged by how they match, not by where they stand."""
    matches, weights = [0.9, 0.3, 0.7, 0.55, 0.81], [0.1, 0.3, 0.2, 0.25, 0.15]
    one = probability(alignment_of(matches, weights), 0.6, 0.2)
    other = probability(
        alignment_of([matches[at] for at in order], [weights[at] for at in order]), 0.6, 0.2
    )
    assert one == pytest.approx(other, abs=1e-4)
