"""Read-only connections to one SQLite file that never changes, shared by threads."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from qa_service.errors import IndexCorruptError


class ReadOnlyDatabase:
    """Lends connections to an immutable file, as many as are asked for at one time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Immutable: SQLite takes no locks and needs no files beside it, even in a read-only folder.
        self._uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        self._idle: deque[sqlite3.Connection] = deque()
        self._pid = os.getpid()

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to the calling thread alone.

        Raises:
            IndexCorruptError: the file is missing, or SQLite finds it damaged.
        """
        if self._pid != os.getpid():
            # A connection must not be used on both sides of a fork.
            self._idle, self._pid = deque(), os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._corrupt(error) from error
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def close(self) -> None:
        """Close the connections that are not lent out."""
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self._uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._corrupt(error) from error

    def _corrupt(self, error: sqlite3.Error) -> IndexCorruptError:
        return IndexCorruptError(
            f"{self._path} cannot be read ({error}). Run: qa-service index, which makes it anew, "
            "or qa-service rollback"
        )
