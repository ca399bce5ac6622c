"""The names of what lies in the index folder, and the parts that are made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.protocols import LexicalIndex

CURRENT = "CURRENT"
GENERATIONS = "generations"
BUILDING = "building"
CACHE = "cache"
REMOVED = "removed"
LOCK = "write.lock"
WRITER = "writer.json"
# Lies in the index folder, and among the removed files, to tell what they are on their own.
MARKER = ".qa-service-index"

ARTICLES = "articles.db"
KEYS = "keys.npy"
COLUMNS = "columns.npy"
RAW_VECTORS = "vectors"
VECTORS = "vectors.faiss"
VECTORS_INFO = "vectors.json"
TOKENS = "tokens"
LEXICAL = "lexical"
STATISTICS = "statistics.npz"

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

    def to_arrays(self) -> Mapping[str, NDArray[np.generic]]:
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


class StoredLexicalIndex(LexicalIndex, Protocol):
    """A lexical index in a folder; whoever only searches never calls the methods that change it.

    Files that are in the folder are shared between generations: they are replaced or unlinked,
    never written in place.
    """

    def add(self, key: int, terms: Sequence[str]) -> None:
        """Add a passage; seen by searches after `commit` and opening anew."""
        ...

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Remove passages; unknown keys are ignored."""
        ...

    def commit(self) -> None:
        """Write all changes and let go of the files."""
        ...

    def abandon(self) -> None:
        """Drop all changes and let go of the files."""
        ...


class LexicalEngine(Protocol):
    """Makes and opens `StoredLexicalIndex`."""

    def create(self, path: Path) -> StoredLexicalIndex:
        """Start an empty index in a folder that does not exist yet."""
        ...

    def open(self, path: Path) -> StoredLexicalIndex:
        """Open a stored index. IndexCorruptError when it cannot be read."""
        ...
