"""Embeddings of a run that has not committed yet, so that nothing is embedded twice.

The journal is one SQLite file in `index/cache/`, written a batch at a time. A killed process loses
the batch under way; a damaged journal costs time, never answers, and is started afresh.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qa_service.indexes.packing import EmbeddingSize, PackedEmbedding

KEYS_PER_QUERY = 900
SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (
    hash BLOB PRIMARY KEY, vector BLOB NOT NULL, tokens BLOB NOT NULL
) WITHOUT ROWID
"""
JOURNAL_FILES = ("embeddings.db", "embeddings.db-wal", "embeddings.db-shm")


class Journal:
    """Remembers embeddings by their hash until `clear`."""

    def __init__(self, folder: Path, size: EmbeddingSize) -> None:
        self._folder = folder
        self._size = size
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            self._delete()
            self._connection = self._open()

    def find(self, hashes: Sequence[bytes]) -> dict[bytes, PackedEmbedding]:
        """Return the embeddings that are known."""
        try:
            return self._find(hashes)
        except sqlite3.DatabaseError:
            self.clear()
            return {}

    def add(self, embeddings: Mapping[bytes, PackedEmbedding]) -> None:
        """Remember a batch; once this returns, a killed process does not lose it."""
        rows = [
            (key, item.vector.tobytes(), item.tokens.tobytes()) for key, item in embeddings.items()
        ]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)

    def clear(self) -> None:
        """Forget everything."""
        self._connection.close()
        self._delete()
        self._connection = self._open()

    def close(self) -> None:
        """Let go of the file, keeping what it holds."""
        self._connection.close()

    def _find(self, hashes: Sequence[bytes]) -> dict[bytes, PackedEmbedding]:
        found = {}
        vector_bytes, token_bytes = self._size.vector_bytes, self._size.token_bytes
        for start in range(0, len(hashes), KEYS_PER_QUERY):
            some = hashes[start : start + KEYS_PER_QUERY]
            rows = self._connection.execute(
                "SELECT hash, vector, tokens FROM embeddings WHERE hash IN "
                f"({','.join('?' * len(some))})",
                some,
            )
            for key, vector, tokens in rows:
                if len(vector) == vector_bytes and len(tokens) % token_bytes == 0:
                    found[key] = PackedEmbedding(
                        np.frombuffer(vector, np.uint8).reshape(1, -1),
                        np.frombuffer(tokens, np.uint8).reshape(-1, token_bytes),
                    )
        return found

    def _open(self) -> sqlite3.Connection:
        self._folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._folder / JOURNAL_FILES[0])
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(SCHEMA)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        for name in JOURNAL_FILES:
            (self._folder / name).unlink(missing_ok=True)
