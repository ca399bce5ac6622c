"""An engine that keeps nothing in files, as a distributed one does: generations by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import IndexCorruptError
from qa_service.indexes.engine import Center
from qa_service.indexes.packing import (
    EmbeddingSize,
    PackedEmbedding,
    unpack_tokens,
    unpack_vectors,
)
from qa_service.indexes.protocols import Candidates, TokenBatch

Keys = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """A passage."""

    embedding: PackedEmbedding
    terms: Mapping[str, int]


@dataclass(slots=True)
class Rows:
    """The passages of a generation, and the vectors to search among; open for reading."""

    rows: dict[int, Row] = field(default_factory=dict)
    searched: dict[int, Vectors] = field(default_factory=dict)

    @property
    def embeddings(self) -> Embeddings:
        """Their embeddings."""
        return Embeddings(self.rows)

    @property
    def lexical(self) -> Terms:
        """Looks among their terms."""
        return Terms(self.rows)

    @property
    def vectors(self) -> Nearest:
        """Looks among their vectors."""
        return Nearest(self.searched)

    def counts(self) -> Mapping[str, int]:
        """Count rows."""
        return {"rows": len(self.rows), "searched": len(self.searched)}

    def keys_by_part(self) -> Iterator[tuple[str, Keys]]:
        """Name the keys of both parts."""
        yield "rows", np.array(sorted(self.rows), dtype=np.int64)
        yield "searched", np.array(sorted(self.searched), dtype=np.int64)

    def problems(self) -> Iterator[str]:
        """Find none."""
        return iter(())


class Embeddings:
    """Unpacks embeddings."""

    def __init__(self, rows: Mapping[int, Row]) -> None:
        self._rows = rows

    def vectors(self, keys: Keys) -> Vectors:
        """Return vectors as encoded."""
        return unpack_vectors(self._together([one.vector for one in self.packed(keys)]))

    def tokens(self, keys: Keys) -> TokenBatch:
        """Unpack tokens."""
        tokens = [one.tokens for one in self.packed(keys)]
        offsets = np.cumsum([0, *map(len, tokens)]).astype(np.int64)
        return unpack_tokens(self._together(tokens), offsets)

    def packed(self, keys: Keys) -> list[PackedEmbedding]:
        """Return embeddings."""
        return [self._rows[key].embedding for key in keys.tolist()]

    def _together(self, rows: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        if rows:
            return np.concatenate(rows)
        return next(iter(self._rows.values())).embedding.vector[:0]


class Nearest:
    """Compares every vector."""

    def __init__(self, searched: Mapping[int, Vectors]) -> None:
        self._searched = searched

    def search(self, vector: Vectors, top_k: int, allowed: Keys | None = None) -> Candidates:
        """Return the nearest."""
        scores = {key: float(row @ vector) for key, row in self._searched.items()}
        return _best(scores, top_k, allowed)


class Terms:
    """Counts the terms that passages share with a question."""

    def __init__(self, rows: Mapping[int, Row]) -> None:
        self._rows = rows

    def search(
        self,
        terms: Sequence[str],
        top_k: int,
        allowed: Keys | None = None,
        weights: Sequence[float] | None = None,
    ) -> Candidates:
        """Return those that share most."""
        worth = dict(zip(terms, weights or [1.0] * len(terms), strict=True))
        scores = {
            key: sum(weight for term, weight in worth.items() if term in row.terms)
            for key, row in self._rows.items()
        }
        return _best({key: score for key, score in scores.items() if score}, top_k, allowed)

    def attainable_score(
        self, terms: Sequence[str], weights: Sequence[float] | None = None
    ) -> float:
        """Return the score of a passage that holds every term."""
        return sum(dict(zip(terms, weights or [1.0] * len(terms), strict=True)).values())


class MemoryEngine:
    """Keeps generations for as long as it lives."""

    embedding_files = ()

    def __init__(self) -> None:
        self._generations: dict[str, Rows] = {}

    def open(self, folder: Path, size: EmbeddingSize, center: Center) -> Rows:
        """Open a generation by the name of its folder."""
        del size, center
        if folder.name not in self._generations:
            raise IndexCorruptError(f"{folder.name} is not there")
        return self._generations[folder.name]

    def begin(self, folder: Path, size: EmbeddingSize, base: Path | None) -> Writer:
        """Start a generation with the rows of another."""
        del size
        rows = {} if base is None else dict(self._generations[base.name].rows)
        searched = {} if base is None else dict(self._generations[base.name].searched)
        return Writer(self._generations, folder.name, Rows(rows, searched))


class Writer:
    """Writes one generation."""

    def __init__(self, generations: dict[str, Rows], name: str, rows: Rows) -> None:
        self._generations = generations
        self._name = name
        self._rows = rows

    def append(self, key: int, embedding: PackedEmbedding, terms: Sequence[str]) -> None:
        """Add a row."""
        self._rows.rows[key] = Row(embedding, Counter(terms))

    def finish_embeddings(self, keys: Keys) -> Embeddings:
        """Keep some rows."""
        self._rows.rows = {key: self._rows.rows[key] for key in keys.tolist()}
        return self._rows.embeddings

    def finish_terms(self, removed: Keys) -> None:
        """Have nothing to do: terms lie in the rows."""

    def finish_vectors(
        self, keys: Keys, added: Keys, removed: Keys, center: Center, *, is_stale: bool
    ) -> None:
        """Centre the vectors that are new, and come into being."""
        for key in removed.tolist():
            del self._rows.searched[key]
        new = keys if is_stale else added
        if len(new):
            moved = center(new, self._rows.embeddings.vectors(new))
            self._rows.searched |= dict(zip(new.tolist(), moved, strict=True))
        self._generations[self._name] = self._rows

    def abandon(self) -> None:
        """Come to nothing."""
        self._generations.pop(self._name, None)


def _best(scores: Mapping[int, float], top_k: int, allowed: Keys | None) -> Candidates:
    among = scores.keys() if allowed is None else scores.keys() & set(allowed.tolist())
    order = sorted(among, key=lambda key: (-scores[key], key))[:top_k]
    return Candidates(
        np.array(order, dtype=np.int64), np.array([scores[key] for key in order], dtype=np.float32)
    )
