"""Merging searches: every search has its say, and the outcome never depends on chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.indexes.protocols import Candidates
from qa_service.retrieval.fusion import combine, lexical_shares, merge

rankings = st.lists(st.integers(1, 40), unique=True, max_size=20)


def found(keys: list[int], scores: list[float] | None = None) -> Candidates:
    """Return candidates in this order, with falling scores unless given."""
    given_scores = (
        scores if scores is not None else [1.0 / (1 + place) for place in range(len(keys))]
    )
    return Candidates(np.array(keys, dtype=np.int64), np.array(given_scores, dtype=np.float32))


def merged(*rankings: list[int], limit: int = 100) -> list[int]:
    """Merge rankings and return plain numbers."""
    return [int(key) for key in merge([found(keys) for keys in rankings], limit)]


@given(one=rankings, two=rankings, limit=st.integers(0, 30))
def test_merge_holds_each_key_once_up_to_the_limit(
    one: list[int], two: list[int], limit: int
) -> None:
    """Nothing is lost but what the limit cuts, nothing is there twice, nothing is made up."""
    everything = merged(one, two)
    assert sorted(everything) == sorted(set(one) | set(two))
    assert merged(one, two, limit=limit) == everything[:limit]


@given(one=rankings, two=rankings)
def test_merge_does_not_depend_on_the_order_of_searches(one: list[int], two: list[int]) -> None:
    """Which search comes first makes no difference, nor does asking again."""
    assert merged(one, two) == merged(two, one) == merged(one, two)


@given(one=rankings, two=rankings)
def test_being_ahead_in_both_searches_is_being_ahead(one: list[int], two: list[int]) -> None:
    """A passage that no search puts behind another one stays before it."""
    order = merged(one, two)
    shared = [key for key in order if key in one and key in two]
    for earlier in shared:
        for later in shared:
            if one.index(earlier) < one.index(later) and two.index(earlier) < two.index(later):
                assert order.index(earlier) < order.index(later)


@given(one=rankings)
def test_silent_search_changes_nothing(one: list[int]) -> None:
    """A search that found nothing leaves the other's order as it is."""
    assert merged(one, []) == merged([], one) == one


@given(one=rankings, two=rankings, limit=st.integers(0, 30), kept=st.integers(0, 5))
def test_the_first_of_a_search_go_on_whatever_the_other_says(
    one: list[int], two: list[int], limit: int, kept: int
) -> None:
    """They take the last places, so nobody's order changes, and the limit holds."""
    searches = [found(one), found(two)]
    chosen = merge(searches, limit, votes=[1.0, 0.01], kept=[0, kept]).tolist()
    usual = merge(searches, limit, votes=[1.0, 0.01]).tolist()
    everything = merge(searches, 100, votes=[1.0, 0.01]).tolist()
    best = set(two[:kept])
    assert len(chosen) == len(usual)
    assert chosen == sorted(chosen, key=everything.index)
    assert len(best & set(chosen)) == min(len(best), limit)
    assert [key for key in chosen if key not in best] == [
        key for key in everything if key not in best
    ][: max(0, limit - len(best))]


def test_agreement_beats_a_single_vote() -> None:
    """What both searches find comes before what only one of them puts first."""
    assert merged([1, 7], [2, 7])[0] == 7


def test_ties_go_by_key() -> None:
    """Passages with the same gain are in the order of their keys."""
    assert merged([9], [4]) == [4, 9]
    assert merged([9, 4], [4, 9]) == [4, 9]
    assert merged([5, 3], [8, 2]) == [5, 8, 2, 3]


def test_merge_of_nothing_is_nothing() -> None:
    """No candidate at all gives no key, of the type that keys have."""
    nothing = merge([found([]), found([])], 10)
    assert nothing.dtype == np.int64
    assert len(nothing) == 0


def test_share_is_the_part_of_what_could_be_reached() -> None:
    """Each passage gets its own score over the best possible one, wherever the search put it."""
    keys = np.array([30, 10, 20], dtype=np.int64)
    shares = lexical_shares(keys, found([10, 30, 99], [6.0, 3.0, 1.0]), attainable=12.0)
    assert shares == pytest.approx([0.25, 0.5, 0.0])


@given(
    keys=st.lists(st.integers(1, 40), unique=True, max_size=15),
    scored=st.dictionaries(st.integers(1, 40), st.floats(0, 1e4, width=32), max_size=15),
    attainable=st.floats(-1, 1e4, width=32),
)
def test_shares_lie_between_nothing_and_all(
    keys: list[int], scored: dict[int, float], attainable: float
) -> None:
    """One share per key, 0..1, and nothing for passages that the search did not find."""
    shares = lexical_shares(
        np.array(keys, dtype=np.int64), found(list(scored), list(scored.values())), attainable
    )
    assert shares.dtype == np.float32
    assert shares.shape == (len(keys),)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert all(share == 0 for key, share in zip(keys, shares, strict=True) if key not in scored)


@pytest.mark.parametrize("attainable", [0.0, 5.0])
def test_question_without_shared_terms_gives_no_share(attainable: float) -> None:
    """Across scripts no term is shared: every share is zero and late interaction decides alone."""
    keys = np.array([1, 2, 3], dtype=np.int64)
    shares = lexical_shares(keys, found([]), attainable)
    assert shares == pytest.approx([0, 0, 0])
    max_sim = np.array([0.3, 0.5, 0.4], dtype=np.float32)
    assert np.array_equal(combine(max_sim, shares, ["ar", "en", "ar"]), max_sim)


@given(max_sim=st.floats(0, 1, width=32), low=st.floats(0, 1), high=st.floats(0, 1))
def test_shared_terms_help_and_never_harm(max_sim: float, low: float, high: float) -> None:
    """Of two passages that match as well, the one with more of the question's terms is first."""
    low, high = sorted((low, high))
    both = np.array([max_sim, max_sim], dtype=np.float32)
    one, other = combine(both, np.array([low, high], dtype=np.float32), ["ar", "ar"])
    assert one <= other


def test_terms_outweigh_a_small_difference_only() -> None:
    """A passage that matches much better is not overtaken by one that repeats the question."""
    max_sim = np.array([0.9, 0.5, 0.52], dtype=np.float32)
    scores = combine(max_sim, np.array([0.0, 1.0, 0.0], dtype=np.float32), ["en"] * 3)
    assert list(np.argsort(-scores)) == [0, 1, 2]


def test_terms_that_a_whole_language_shares_are_no_merit() -> None:
    """What every passage in the question's language has does not put those in others behind."""
    languages = ["de"] * 30 + ["ar"]
    max_sim = np.array([0.5] * 30 + [0.52], dtype=np.float32)
    shares = np.array([0.3] * 30 + [0.0], dtype=np.float32)
    assert int(np.argmax(combine(max_sim, shares, languages))) == 30
    shares[7] = 0.9
    assert int(np.argmax(combine(max_sim, shares, languages))) == 7


def test_the_only_passage_in_its_language_keeps_its_merit() -> None:
    """One article in a language, with the terms, stands above others that match alike."""
    max_sim = np.array([0.5, 0.5, 0.5], dtype=np.float32)
    scores = combine(max_sim, np.array([0.0, 0.8, 0.0], dtype=np.float32), ["ar", "de", "ar"])
    assert int(np.argmax(scores)) == 1


def test_nothing_to_rank() -> None:
    """Without candidates there are no scores."""
    nothing = np.empty(0, dtype=np.float32)
    assert len(combine(nothing, nothing, [])) == 0
