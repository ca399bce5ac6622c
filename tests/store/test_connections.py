"""Connections to a file that never changes: lent, used again, and damaged ones told of."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from qa_service.errors import IndexCorruptError
from qa_service.store.connections import ReadOnlyDatabase

WORDS = ["كلمة", "词", "คำ", "शब्द", "word 词 كلمة"]
# What would end the name in the address of a database, or mean another one.
NAMES = ["articles.db", "what? #1 100%.db", "قاعدة 数据.db"]


def make(path: Path) -> ReadOnlyDatabase:
    """Write a table of words, and return what reads it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in WORDS])
    return ReadOnlyDatabase(path)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_opened_and_nothing_put_beside_it(tmp_path: Path, name: str) -> None:
    """The file is read whatever it is called, and its folder stays as it was."""
    with closing(make(tmp_path / name)) as database, database.connection() as connection:
        assert [word for (word,) in connection.execute("SELECT word FROM words")] == WORDS
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_connections_are_used_again_one_by_one(tmp_path: Path) -> None:
    """Who asks later gets the one that was given back; who asks meanwhile another."""
    database = make(tmp_path / "articles.db")
    with database.connection() as first, database.connection() as second:
        assert first is not second
    with database.connection() as third:
        assert third is second or third is first
    database.close()


def test_threads_read_at_one_time(tmp_path: Path) -> None:
    """Each has a connection of its own while all of them read."""
    database = make(tmp_path / "articles.db")
    together = Barrier(4, timeout=60)

    def read(_: int) -> list[str]:
        with database.connection() as connection:
            together.wait()
            return [word for (word,) in connection.execute("SELECT word FROM words")]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [WORDS] * 4
    database.close()


def test_nothing_can_be_written(tmp_path: Path) -> None:
    """A statement that would change the file is refused, and the file stays."""
    database = make(tmp_path / "articles.db")
    with pytest.raises(IndexCorruptError), database.connection() as connection:
        connection.execute("DELETE FROM words")
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM words").fetchone() == (len(WORDS),)


@pytest.mark.parametrize("content", [None, b"garbage" * 1000])
def test_a_missing_or_damaged_file_is_named_with_the_mend(
    tmp_path: Path, content: bytes | None
) -> None:
    """The error says which file it is and what to run."""
    path = tmp_path / "articles.db"
    if content is not None:
        path.write_bytes(content)
    with (
        pytest.raises(IndexCorruptError, match=r"articles\.db cannot be read.*qa-service index"),
        ReadOnlyDatabase(path).connection() as connection,
    ):
        connection.execute("SELECT * FROM words")
