"""Changes the `articles.db` of a generation that is being written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.store import schema
from qa_service.types import Article, DroppedText, FileState, Passage

# The rollback journal lives in memory; this keeps it small.
FILES_PER_COMMIT = 500


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What to remember of a file, so that it need not be read again while it stays as it is."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    state: FileState
    dropped: tuple[DroppedText, ...] = ()


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage and the hash that its embedding is found by."""

    passage: Passage
    embedding_hash: bytes


@dataclass(frozen=True, slots=True)
class PendingPassage:
    """A passage that is in the database and not yet in the indexes."""

    key: int
    title: str
    text: str
    language: str
    embedding_hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """An id that an article of a file would go by if it were free."""

    file: str
    id: str


@dataclass(frozen=True, slots=True)
class StoredText:
    """An article's text and the file that it stands in."""

    file: str
    text: str


class ArticleWriter:
    """Adds and removes files with their articles and passages.

    The file is a private copy: a crash discards it, so nothing is synced before the end.
    """

    def __init__(self, path: Path, next_key: int) -> None:
        is_new = not path.exists()
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = MEMORY")
        self._connection.execute("PRAGMA synchronous = OFF")
        # What is deleted is not to be found in the file.
        self._connection.execute("PRAGMA secure_delete = FAST")
        if is_new:
            self._connection.executescript(schema.SCHEMA)
        self._connection.executescript(schema.CLAIMS)
        self._connection.executescript(schema.FREED_KEYS)
        self._connection.execute("BEGIN")
        self._files_since_commit = 0
        self.next_key = next_key

    def remove_file(self, path: str) -> str | None:
        """Forget a file with its articles and passages; their keys are kept for `add_passages`.

        Returns:
            the SHA-256 of its content, None when it was not known.
        """
        known = self._connection.execute(
            "SELECT number, sha256 FROM files WHERE path = ?", (path,)
        ).fetchone()
        if known is None:
            return None
        row, sha256 = known[:1], str(known[1])
        self._connection.execute(
            "INSERT INTO temp.freed SELECT a.id, p.id, p.language, p.embedding_hash, p.key "
            "FROM articles a JOIN passages p ON p.article = a.number WHERE a.file = ?",
            row,
        )
        of_file = "IN (SELECT number FROM articles WHERE file = ?)"
        for statement in (
            f"DELETE FROM passages WHERE article {of_file}",
            f"DELETE FROM texts WHERE article {of_file}",
            f"DELETE FROM claims WHERE article {of_file}",
            "DELETE FROM articles WHERE file = ?",
            "DELETE FROM files WHERE number = ?",
        ):
            self._connection.execute(statement, row)
        return sha256

    def set_time(self, path: str, mtime_ns: int) -> None:
        """Remember when a file was changed last, its content being what it was."""
        self._connection.execute("UPDATE files SET mtime_ns = ? WHERE path = ?", (mtime_ns, path))

    def orphaned_files(self) -> list[str]:
        """Return the files with articles that repeat a text no longer stored, ascending."""
        rows = self._connection.execute(
            "SELECT DISTINCT f.path FROM articles a JOIN files f ON f.number = a.file "
            "WHERE a.duplicate_of IS NOT NULL "
            "AND a.duplicate_of NOT IN (SELECT number FROM articles) ORDER BY f.path"
        )
        return [path for (path,) in rows]

    def add_file(self, record: ReadFile) -> int:
        """Remember a file; return its number."""
        self._files_since_commit += 1
        if self._files_since_commit >= FILES_PER_COMMIT:
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN")
            self._files_since_commit = 0
        return self._insert(
            "INSERT INTO files (path, size, mtime_ns, sha256, state, dropped) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            record.path,
            record.size,
            record.mtime_ns,
            record.sha256,
            record.state.value,
            schema.pack_dropped(record.dropped),
        )

    def set_reason(self, file: int, reason: str | None) -> None:
        """Remember why a file could not be read, or what was amiss in it."""
        self._connection.execute("UPDATE files SET reason = ? WHERE number = ?", (reason, file))

    def file_of(self, article_id: str) -> str | None:
        """Return the file whose article goes by this id, None when the id is free."""
        row = self._connection.execute(
            "SELECT f.path FROM articles a JOIN files f ON f.number = a.file WHERE a.id = ?",
            (article_id,),
        ).fetchone()
        return None if row is None else str(row[0])

    def free_claims(self) -> list[Claim]:
        """Return the claims to ids that were taken once and are free now, by file."""
        rows = self._connection.execute(
            "SELECT f.path, c.id FROM claims c JOIN articles a ON a.number = c.article "
            "JOIN files f ON f.number = a.file "
            "WHERE NOT EXISTS (SELECT 1 FROM articles o WHERE o.id = c.id) ORDER BY f.path, c.id"
        )
        return [Claim(path, claimed) for path, claimed in rows]

    def original_of(self, text: str) -> int | None:
        """Return the number of the stored article with exactly this text, if there is one."""
        row = self._connection.execute(
            "SELECT number FROM articles WHERE content_hash = ? AND duplicate_of IS NULL "
            "ORDER BY number LIMIT 1",
            (schema.content_hash(text),),
        ).fetchone()
        return None if row is None else int(row[0])

    def add_article(
        self,
        file: int,
        article: Article,
        duplicate_of: int | None = None,
        claimed: str | None = None,
    ) -> int:
        """Store an article; return its number.

        Args:
            file: the number of its file.
            article: what to store, under an id that is free.
            duplicate_of: the number of an article with the same text, which is then left out here.
            claimed: the id that it would go by if that were free.
        """
        number = self._insert(
            "INSERT INTO articles (file, id, title, language, source, url, author, published, "
            "metadata, length, content_hash, duplicate_of, sort_title, search_text) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            file,
            article.id,
            article.title,
            article.language,
            article.source,
            article.url,
            article.author,
            None if article.published is None else article.published.isoformat(),
            json.dumps(dict(article.metadata), ensure_ascii=False, default=str),
            len(article.text),
            schema.content_hash(article.text),
            duplicate_of,
            schema.fold(article.title),
            schema.fold("\n".join([article.title, article.id, article.source or ""])),
        )
        if duplicate_of is None:
            self._connection.executemany(
                "INSERT INTO texts (article, page, text) VALUES (?, ?, ?)",
                ((number, page, text) for page, text in schema.pages_of(article.text)),
            )
        if claimed is not None:
            self._connection.execute("INSERT INTO claims VALUES (?, ?)", (number, claimed))
        return number

    def add_passages(self, article: int, passages: Sequence[NewPassage]) -> None:
        """Store an article's passages.

        A passage that a removed file held in just the same form, in an article of the same id, gets
        its key back, and with it its place in all indexes.
        """
        freed = self._freed_keys(passages[0].passage.article_id) if passages else {}
        rows = []
        for new in passages:
            passage = new.passage
            if keys := freed.get((passage.id, passage.language, new.embedding_hash)):
                key = keys.pop(0)
                self._connection.execute("DELETE FROM temp.freed WHERE key = ?", (key,))
            else:
                key = self.next_key
                self.next_key += 1
            rows.append(
                (
                    key,
                    article,
                    passage.id,
                    passage.start,
                    passage.end,
                    passage.language,
                    schema.pack_sentences(passage),
                    new.embedding_hash,
                )
            )
        self._connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int32], list[str]]:
        """Return every passage's key (ascending), its article's number, and its language."""
        (count,) = self._connection.execute("SELECT count(*) FROM passages").fetchone()
        keys = np.empty(count, dtype=np.int64)
        articles = np.empty(count, dtype=np.int32)
        languages: list[str] = []
        known: dict[str, str] = {}
        rows = self._connection.execute("SELECT key, article, language FROM passages ORDER BY key")
        for place, (key, article, language) in enumerate(rows):
            keys[place], articles[place] = key, article
            # One string per language, not one per passage.
            languages.append(known.setdefault(language, language))
        return keys, articles, languages

    def pending(self, keys: NDArray[np.int64], batch_size: int) -> Iterator[list[PendingPassage]]:
        """Yield these passages (ascending keys), some at a time, with their articles' titles."""
        for start in range(0, len(keys), batch_size):
            some = keys[start : start + batch_size].tolist()
            yield [self._pending(key) for key in some]

    def texts(self) -> Iterator[StoredText]:
        """Yield the text of every article, by file; nothing may be changed meanwhile."""
        articles = self._connection.execute(
            "SELECT a.number, f.path FROM articles a JOIN files f ON f.number = a.file "
            "WHERE a.duplicate_of IS NULL ORDER BY f.path, a.number"
        )
        for number, path in articles:
            pages = self._connection.execute(
                "SELECT text FROM texts WHERE article = ? ORDER BY page", (number,)
            )
            yield StoredText(path, "".join(page for (page,) in pages))

    def counts(self) -> tuple[int, int]:
        """Count files and articles, those that repeat others left out."""
        (files,) = self._connection.execute("SELECT count(*) FROM files").fetchone()
        (articles,) = self._connection.execute(
            "SELECT count(*) FROM articles WHERE duplicate_of IS NULL"
        ).fetchone()
        return files, articles

    def duplicates(self) -> dict[str, str]:
        """Map the id of each article that is left out to the one whose text it repeats."""
        return dict(self._connection.execute(schema.DUPLICATES))

    def commit(self) -> None:
        """Write all changes to the file; none may follow."""
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file, dropping what was not finished."""
        self._connection.close()

    def _freed_keys(self, article_id: str) -> dict[tuple[str, str, bytes], list[int]]:
        rows = self._connection.execute(
            "SELECT passage, language, embedding_hash, key FROM temp.freed WHERE article = ? "
            "ORDER BY key",
            (article_id,),
        )
        freed: dict[tuple[str, str, bytes], list[int]] = {}
        for passage_id, language, embedding, key in rows:
            freed.setdefault((passage_id, language, embedding), []).append(key)
        return freed

    def _pending(self, key: int) -> PendingPassage:
        title, language, embedding, article, start, end = self._connection.execute(
            'SELECT a.title, p.language, p.embedding_hash, p.article, p.start, p."end" '
            "FROM passages p JOIN articles a ON a.number = p.article WHERE p.key = ?",
            (key,),
        ).fetchone()
        first = start // schema.PAGE_LENGTH
        pages = self._connection.execute(
            "SELECT text FROM texts WHERE article = ? AND page BETWEEN ? AND ? ORDER BY page",
            (article, first, end // schema.PAGE_LENGTH),
        )
        text = "".join(page for (page,) in pages)
        offset = first * schema.PAGE_LENGTH
        return PendingPassage(key, title, text[start - offset : end - offset], language, embedding)

    def _insert(self, statement: str, *values: object) -> int:
        number = self._connection.execute(statement, values).lastrowid
        assert number is not None  # noqa: S101 - an INSERT that did not raise has a row id
        return number
