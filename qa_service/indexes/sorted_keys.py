"""Looks passage keys up among others that ascend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.protocols import Keys


def places_of(keys: Keys, wanted: Keys) -> NDArray[np.intp]:
    """Return where each wanted key stands among the ascending keys. KeyError for an unknown key."""
    places = np.searchsorted(keys, wanted)
    if len(wanted):
        known = keys[np.minimum(places, len(keys) - 1)] if len(keys) else np.zeros_like(wanted)
        if not np.array_equal(known, wanted):
            raise KeyError(int(np.asarray(wanted)[known != wanted][0]))
    return places
