"""What the store needs of a search engine: the one that is embedded, or a distributed one.

An engine keeps the vectors, terms and tokens of passages, generation by generation. It is given the
generation's folder, whose name is the generation's wherever the folder lies: it is written in one
place and moved to another when it goes into service. What an engine keeps in that folder is
checksummed with the rest, and linked into the folder of a generation that goes on from this one; so
its files are replaced or unlinked, never written in place. One that keeps nothing there has nothing
to link, and finds its data by the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from qa_service.indexes.packing import EmbeddingSize, PackedEmbedding
from qa_service.indexes.protocols import Keys, LexicalIndex, TokenBatch, VectorIndex, Vectors

Center = Callable[[Keys, Vectors], Vectors]
"""Turns vectors as the encoder gave them into those to search among, given whose they are."""


class StoredEmbeddings(Protocol):
    """The embeddings of a generation's passages. Safe to use from several threads.

    Each method takes keys in any order and answers in it; KeyError for an unknown one.
    """

    def vectors(self, keys: Keys) -> Vectors:
        """Return the passages' vectors as the encoder gave them, float32 (keys, dimension)."""
        ...

    def tokens(self, keys: Keys) -> TokenBatch:
        """Return the passages' tokens."""
        ...

    def packed(self, keys: Keys) -> list[PackedEmbedding]:
        """Return the embeddings as they were appended, for another generation."""
        ...


class Indexes(Protocol):
    """All that an engine keeps of one generation, opened. Safe to use from several threads."""

    @property
    def embeddings(self) -> StoredEmbeddings:
        """What was appended."""
        ...

    @property
    def vectors(self) -> VectorIndex:
        """Finds passages by their vectors, centred."""
        ...

    @property
    def lexical(self) -> LexicalIndex:
        """Finds passages by their terms."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return how many passages each part holds, by its name; cheap."""
        ...

    def keys_by_part(self) -> Iterator[tuple[str, Keys]]:
        """Return the name of each part that can tell, and the keys it holds, ascending."""
        ...

    def problems(self) -> Iterator[str]:
        """Look through what the parts hold; one line per problem."""
        ...


class IndexesWriter(Protocol):
    """Writes what an engine keeps of one generation. Not to be shared between threads.

    Called in this order: `append` for each added passage, `finish_embeddings`, `finish_terms`,
    `finish_vectors`; `abandon` at any time, the last one included, with nothing after it.
    """

    def append(self, key: int, embedding: PackedEmbedding, terms: Sequence[str]) -> None:
        """Take in a new passage. A term counts as often as it is given."""
        ...

    def finish_embeddings(self, keys: Keys) -> StoredEmbeddings:
        """Keep the embeddings of these passages (ascending), and no others; return them.

        Raises:
            KeyError: one of them has neither been appended nor is in the base.
        """
        ...

    def finish_terms(self, removed: Keys) -> None:
        """Keep the terms of all passages of the base, but those removed, and of those appended."""
        ...

    def finish_vectors(
        self, keys: Keys, added: Keys, removed: Keys, center: Center, *, is_stale: bool
    ) -> None:
        """Make the vectors of all passages searchable.

        Args:
            keys: every passage, ascending.
            added: those of them that the base lacks, ascending.
            removed: those of the base that are gone, ascending.
            center: makes the vectors to search among; whatever it returns stays the same.
            is_stale: what the base searches among was made by another `center`.
        """
        ...

    def abandon(self) -> None:
        """Let go of everything; the generation does not come into being. Raises no OSError."""
        ...


class Engine(Protocol):
    """Makes and opens the indexes of generations. Given to the store once."""

    @property
    def embedding_files(self) -> tuple[str, ...]:
        """The files and folders, inside a generation's, that `StoredEmbeddings` come from."""
        ...

    def open(self, folder: Path, size: EmbeddingSize, center: Center) -> Indexes:
        """Open a generation that was written.

        Args:
            folder: the generation's.
            size: that of its embeddings.
            center: as given to `finish_vectors`.

        Raises:
            IndexCorruptError: a part is missing or cannot be read.
        """
        ...

    def begin(self, folder: Path, size: EmbeddingSize, base: Path | None) -> IndexesWriter:
        """Start a generation.

        Args:
            folder: its folder, which holds links to what the engine keeps in that of `base`.
            size: that of its embeddings, and of the base's.
            base: the folder of the generation that it goes on from; None starts empty.

        Raises:
            IndexWriteError: nothing can be written there.
        """
        ...


def centered_by(embeddings: StoredEmbeddings, center: Center) -> Callable[[Keys], Vectors]:
    """Return what gives the vectors to search among by key, for engines that compare them."""

    def exact(keys: Keys) -> Vectors:
        return np.asarray(center(keys, embeddings.vectors(keys)))

    return exact
