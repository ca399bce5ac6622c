"""Keys are found among others, and unknown ones are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.indexes.sorted_keys import places_of

KEYS = st.lists(st.integers(1, 2**40), unique=True, min_size=1, max_size=50).map(sorted)


@given(keys=KEYS, data=st.data())
def test_every_key_is_found_in_any_order(keys: list[int], data: st.DataObject) -> None:
    """Any number of times."""
    wanted = data.draw(st.lists(st.sampled_from(keys), max_size=20))
    places = places_of(np.array(keys), np.array(wanted, dtype=np.int64))
    assert [keys[place] for place in places.tolist()] == wanted


@given(keys=KEYS, unknown=st.integers(1, 2**41))
def test_the_first_unknown_key_is_named(keys: list[int], unknown: int) -> None:
    """Below, between and above those that are known."""
    if unknown in keys:
        return
    with pytest.raises(KeyError, match=str(unknown)):
        places_of(np.array(keys), np.array([keys[0], unknown, unknown + 2**42]))


def test_nothing_is_found_in_nothing() -> None:
    """No key wanted is no mistake; one is."""
    nothing = np.empty(0, dtype=np.int64)
    assert places_of(nothing, nothing).tolist() == []
    with pytest.raises(KeyError, match="7"):
        places_of(nothing, np.array([7]))
