"""What the store needs of centring, which makes vectors comparable between languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]


class FittedCentering(Protocol):
    """Moves vectors so that languages become comparable; never changes once fitted."""

    def passages(
        self, vectors: NDArray[np.float32], languages: Sequence[str]
    ) -> NDArray[np.float32]:
        """Return the vectors to search among, float32 (n, dimension), rows of unit length."""
        ...

    def query(self, vector: NDArray[np.float32], language: str) -> NDArray[np.float32]:
        """Return the vector to search with for a question in this language, (dimension,)."""
        ...

    def to_arrays(self) -> Arrays:
        """Return everything needed to restore it."""
        ...


class Centering(Protocol):
    """Makes and restores `FittedCentering`."""

    def fit(self, vectors: NDArray[np.float32], languages: Sequence[str]) -> FittedCentering:
        """Learn from passage vectors as the encoder gives them, and their languages."""
        ...

    def restore(self, arrays: Arrays) -> FittedCentering:
        """Undo `to_arrays`; other arrays are ignored."""
        ...
