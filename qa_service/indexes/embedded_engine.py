"""The engine that runs inside this process and keeps everything in files of the generation.

vectors/        passage vectors as encoded, packed
tokens/         token codes, packed
lexical/        terms (tantivy)
vectors.faiss   centred vectors for searching, and vectors.json, which says what it is
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from qa_service.errors import IndexWriteError
from qa_service.indexes.engine import Center, centered_by
from qa_service.indexes.lexical import TantivyIndex
from qa_service.indexes.packing import (
    EmbeddingSize,
    PackedEmbedding,
    unpack_tokens,
    unpack_vectors,
)
from qa_service.indexes.protocols import Keys, TokenBatch, Vectors
from qa_service.indexes.rows import RowStore, RowWriter
from qa_service.indexes.vector import FaissIndex, FaissIndexWriter, needs_rebuild, read_info

RAW_VECTORS = "vectors"
TOKENS = "tokens"
LEXICAL = "lexical"
VECTORS = "vectors.faiss"

# Vectors are unpacked so many at a time, which takes three times the memory of the result.
UNPACKED_AT_ONCE = 8192


class EmbeddedEngine:
    """FAISS, tantivy and rows in files."""

    embedding_files = (RAW_VECTORS, TOKENS)

    def __init__(self, threads: int = 0) -> None:
        """Bound the threads that building a vector index uses; 0 takes every core."""
        self._threads = threads

    def open(self, folder: Path, size: EmbeddingSize, center: Center) -> EmbeddedIndexes:
        """Open a generation by mapping its files. IndexCorruptError when one cannot be read."""
        return EmbeddedIndexes(folder, size, center)

    def begin(self, folder: Path, size: EmbeddingSize, base: Path | None) -> EmbeddedWriter:
        """Start a generation. IndexWriteError."""
        return EmbeddedWriter(folder, size, base, self._threads)


class EmbeddingFiles:
    """Packed embeddings in files, unpacked when asked for."""

    def __init__(self, folder: Path, size: EmbeddingSize) -> None:
        self._dimension = size.dimension
        self.vector_rows = RowStore(folder / RAW_VECTORS, size.vector_bytes)
        self.token_rows = RowStore(folder / TOKENS, size.token_bytes)

    def vectors(self, keys: Keys) -> Vectors:
        """Return float32 (keys, dimension), in the order given. KeyError for an unknown key."""
        if len(keys) <= UNPACKED_AT_ONCE:
            return unpack_vectors(self.vector_rows.get_firsts(keys))
        found = np.empty((len(keys), self._dimension), dtype=np.float32)
        for start in range(0, len(keys), UNPACKED_AT_ONCE):
            end = start + UNPACKED_AT_ONCE
            found[start:end] = unpack_vectors(self.vector_rows.get_firsts(keys[start:end]))
        return found

    def tokens(self, keys: Keys) -> TokenBatch:
        """Return the tokens of these passages in the order given. KeyError for an unknown key."""
        batch = self.token_rows.get(keys)
        return unpack_tokens(batch.rows, batch.offsets)

    def packed(self, keys: Keys) -> list[PackedEmbedding]:
        """Return embeddings in the order given, as views of the files. KeyError."""
        return [
            PackedEmbedding(vector, tokens)
            for vector, tokens in zip(
                self.vector_rows.views(keys), self.token_rows.views(keys), strict=True
            )
        ]


class EmbeddedIndexes:
    """The files of one generation, mapped."""

    def __init__(self, folder: Path, size: EmbeddingSize, center: Center) -> None:
        self._folder = folder
        self.embeddings = EmbeddingFiles(folder, size)
        self.vectors = FaissIndex.open(folder / VECTORS, centered_by(self.embeddings, center))
        self._shadow: tempfile.TemporaryDirectory[str] | None = None
        self.lexical = self._open_lexical(folder / LEXICAL)

    def counts(self) -> Mapping[str, int]:
        """Return how many passages each part holds, by its name."""
        return {
            VECTORS: len(self.vectors),
            RAW_VECTORS: len(self.embeddings.vector_rows),
            TOKENS: len(self.embeddings.token_rows),
            LEXICAL: len(self.lexical),
        }

    def keys_by_part(self) -> Iterator[tuple[str, Keys]]:
        """Return the name of each part but the lexical one, and the keys it holds, ascending."""
        yield RAW_VECTORS, self.embeddings.vector_rows.keys
        yield TOKENS, self.embeddings.token_rows.keys
        yield VECTORS, self.vectors.keys()

    def problems(self) -> Iterator[str]:
        """Check that every row lies in its file; one line per problem."""
        yield from self.embeddings.vector_rows.problems()
        yield from self.embeddings.token_rows.problems()

    def _open_lexical(self, folder: Path) -> TantivyIndex:
        try:
            return TantivyIndex.open(folder)
        except IndexWriteError:
            # It keeps a lock file in its folder even for reading; on a read-only disk it gets a
            # folder elsewhere, with links to the files.
            self._shadow = tempfile.TemporaryDirectory(prefix="qa-service-")
            for path in folder.iterdir():
                if path.suffix != ".lock":
                    Path(self._shadow.name, path.name).symlink_to(path.absolute())
            return TantivyIndex.open(Path(self._shadow.name))


class EmbeddedWriter:
    """Writes the files of one generation, beside those that are its base's as well."""

    def __init__(self, folder: Path, size: EmbeddingSize, base: Path | None, threads: int) -> None:
        self._folder = folder
        self._size = size
        self._threads = threads
        self._embeddings: EmbeddingFiles | None = None
        before = None if base is None else EmbeddingFiles(base, size)
        for name in (RAW_VECTORS, TOKENS):
            (folder / name).mkdir(exist_ok=True)
        self._vectors = RowWriter(
            folder / RAW_VECTORS, size.vector_bytes, None if before is None else before.vector_rows
        )
        self._tokens = RowWriter(
            folder / TOKENS, size.token_bytes, None if before is None else before.token_rows
        )
        lexical = folder / LEXICAL
        self._lexical = TantivyIndex.create(lexical) if base is None else TantivyIndex.open(lexical)

    def append(self, key: int, embedding: PackedEmbedding, terms: Sequence[str]) -> None:
        """Write the rows of a new passage, and index its terms."""
        self._vectors.append(key, embedding.vector)
        self._tokens.append(key, embedding.tokens)
        self._lexical.add(key, terms)

    def finish_embeddings(self, keys: Keys) -> EmbeddingFiles:
        """Write the tables of rows and tidy their files up. KeyError for one without rows."""
        self._vectors.finish(keys)
        self._tokens.finish(keys)
        self._embeddings = EmbeddingFiles(self._folder, self._size)
        return self._embeddings

    def finish_terms(self, removed: Keys) -> None:
        """Commit the lexical index."""
        if len(removed):
            self._lexical.delete(removed)
        self._lexical.commit()

    def finish_vectors(
        self, keys: Keys, added: Keys, removed: Keys, center: Center, *, is_stale: bool
    ) -> None:
        """Write the vector index, going on from the base's where its vectors are still valid."""
        if self._embeddings is None:
            raise RuntimeError("finish_embeddings comes first")
        path = self._folder / VECTORS
        exact = centered_by(self._embeddings, center)
        writer = FaissIndexWriter(path, self._size.dimension, exact, self._threads)
        if is_stale or needs_rebuild(read_info(path), len(keys)):
            writer.build(keys)
        elif len(added) or len(removed):
            writer.update(added, removed)

    def abandon(self) -> None:
        """Close all files, whatever becomes of what they should have held."""
        for rows in (self._vectors, self._tokens):
            # Closing writes what is buffered, which a full disk does not take.
            with contextlib.suppress(OSError):
                rows.close()
        self._lexical.abandon()
