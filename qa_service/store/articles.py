"""Reads articles, passages and files back from a generation's `articles.db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ArticleNotFoundError
from qa_service.store import schema
from qa_service.store.connections import ReadOnlyDatabase
from qa_service.types import (
    Article,
    ArticleName,
    ArticlePage,
    ArticleSummary,
    DroppedText,
    FileOutcome,
    FilePage,
    FileState,
    Filters,
    Passage,
    Span,
)

# SQLite allows at least 999 parameters in a statement.
KEYS_PER_QUERY = 900


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was when last read; counts leave duplicates out.

    `path` is the file's id. `mtime_ns` is 0 when the file might have changed right after.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    state: FileState
    reason: str | None
    dropped: tuple[DroppedText, ...]
    articles: int
    passages: int


class Articles:
    """The articles of one generation. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._database = ReadOnlyDatabase(path)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def article(self, article_id: str) -> Article:
        """Return an article; for one that repeats another's text, the other.

        Raises:
            ArticleNotFoundError: no article has that id.
        """
        with self._database.connection() as connection:
            row = connection.execute(
                f"SELECT {_prefixed('o')} FROM articles a "
                "JOIN articles o ON o.number = coalesce(a.duplicate_of, a.number) WHERE a.id = ?",
                (article_id,),
            ).fetchone()
            if row is None:
                raise _not_found(article_id)
            return schema.article_from_row(row, _text_of(connection, row[0]))

    def names(self, article_ids: Sequence[str]) -> dict[str, ArticleName]:
        """Return what those of the articles that are known are called, by their ids."""
        wanted = list(dict.fromkeys(article_ids))
        found = {}
        with self._database.connection() as connection:
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                some = wanted[start : start + KEYS_PER_QUERY]
                for row in connection.execute(
                    f"SELECT id, title, language FROM articles WHERE id IN "
                    f"({','.join('?' * len(some))})",
                    some,
                ):
                    found[row[0]] = ArticleName(*row)
        return found

    def passages(self, keys: Sequence[int] | NDArray[np.int64]) -> list[Passage]:
        """Return the passages of these keys, in the order given. KeyError for an unknown key."""
        wanted = [int(key) for key in keys]
        found: dict[int, Passage] = {}
        with self._database.connection() as connection:
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                some = wanted[start : start + KEYS_PER_QUERY]
                marks = ",".join("?" * len(some))
                found.update(_passages(connection, f"p.key IN ({marks})", some))
        return [found[key] for key in wanted]

    def passages_of(self, article_id: str) -> list[Passage]:
        """Return an article's passages from its start to its end; none for an unknown article."""
        with self._database.connection() as connection:
            return [passage for _, passage in _passages(connection, "a.id = ?", [article_id])]

    def passage(self, passage_id: str, article_id: str) -> Passage | None:
        """Return a passage by its id; None when the article does not hold it."""
        with self._database.connection() as connection:
            where = "a.id = ? AND p.id = ?"
            for _, passage in _passages(connection, where, [article_id, passage_id]):
                return passage
        return None

    def keys_of(self, article_id: str) -> NDArray[np.int64]:
        """Return the keys of an article's passages, ascending; empty for an unknown article."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT key FROM passages WHERE article = "
                "(SELECT coalesce(duplicate_of, number) FROM articles WHERE id = ?) ORDER BY key",
                (article_id,),
            ).fetchall()
        return np.array([row[0] for row in rows], dtype=np.int64)

    def keys(self) -> NDArray[np.int64]:
        """Return the keys of all passages, ascending."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT key FROM passages ORDER BY key")
            return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def duplicates(self) -> dict[str, str]:
        """Map the id of each article that is left out to the one whose text it repeats."""
        with self._database.connection() as connection:
            return dict(connection.execute(schema.DUPLICATES))

    def numbers_matching(self, filters: Filters) -> NDArray[np.int32]:
        """Return the numbers of the articles that pass the filters' source and dates, ascending."""
        conditions, values = ["duplicate_of IS NULL"], []
        for condition, value in (
            ("source = ?", filters.source),
            ("published >= ?", filters.published_from and filters.published_from.isoformat()),
            ("published <= ?", filters.published_to and filters.published_to.isoformat()),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        with self._database.connection() as connection:
            rows = connection.execute(
                f"SELECT number FROM articles WHERE {' AND '.join(conditions)} ORDER BY number",
                values,
            )
            return np.fromiter((row[0] for row in rows), dtype=np.int32)

    def page(self, offset: int, limit: int, query: str | None = None) -> ArticlePage:
        """List articles by title; `query` keeps those whose title, id or source contains it."""
        where, values = "a.duplicate_of IS NULL", []
        if query and query.strip():
            where += " AND instr(a.search_text, ?) > 0"
            values.append(schema.fold(query.strip()))
        with self._database.connection() as connection:
            (total,) = connection.execute(
                f"SELECT count(*) FROM articles a WHERE {where}", values
            ).fetchone()
            rows = connection.execute(
                "SELECT a.id, a.title, a.language, a.source, a.url, a.published, "
                "(SELECT count(*) FROM passages p WHERE p.article = a.number), "
                "(SELECT count(*) FROM articles s WHERE s.file = a.file) = 1 "
                f"FROM articles a WHERE {where} ORDER BY a.sort_title, a.id LIMIT ? OFFSET ?",
                [*values, limit, offset],
            ).fetchall()
        return ArticlePage(total=total, offset=offset, items=tuple(_summary(row) for row in rows))

    def file_of(self, article_id: str) -> str | None:
        """Return the id of the file that holds this article alone; None when it holds others.

        Raises:
            ArticleNotFoundError: no article has that id.
        """
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT f.path, (SELECT count(*) FROM articles s WHERE s.file = a.file) "
                "FROM articles a JOIN files f ON f.number = a.file WHERE a.id = ?",
                (article_id,),
            ).fetchone()
        if row is None:
            raise _not_found(article_id)
        path, articles = row
        return str(path) if articles == 1 else None

    def sources(self) -> tuple[str, ...]:
        """Return every source that an article names, ascending."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT source FROM articles "
                "WHERE source IS NOT NULL AND duplicate_of IS NULL ORDER BY source"
            ).fetchall()
        return tuple(row[0] for row in rows)

    def files(self) -> dict[str, StoredFile]:
        """Return what is known of every file, by its id."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT path, size, mtime_ns, sha256, state, reason, dropped, "
                "(SELECT count(*) FROM articles a WHERE a.file = f.number "
                "AND a.duplicate_of IS NULL), "
                "(SELECT count(*) FROM articles a JOIN passages p ON p.article = a.number "
                "WHERE a.file = f.number) FROM files f ORDER BY path"
            ).fetchall()
        return {row[0]: _stored_file(row) for row in rows}

    def unread_files(self, offset: int, limit: int) -> FilePage:
        """List the files that hold no article, and why; by their ids."""
        where = "f.number NOT IN (SELECT file FROM articles)"
        with self._database.connection() as connection:
            (total,) = connection.execute(f"SELECT count(*) FROM files f WHERE {where}").fetchone()
            rows = connection.execute(
                f"SELECT path, state, reason FROM files f WHERE {where} "
                "ORDER BY path LIMIT ? OFFSET ?",
                [limit, offset],
            ).fetchall()
        items = (FileOutcome(path, FileState(state), reason=reason) for path, state, reason in rows)
        return FilePage(total, offset, tuple(items))

    def keys_by_embedding(self, hashes: Sequence[bytes]) -> dict[bytes, int]:
        """Find, for those of the hashes that are known, a passage with that embedding."""
        found: dict[bytes, int] = {}
        with self._database.connection() as connection:
            for start in range(0, len(hashes), KEYS_PER_QUERY):
                some = hashes[start : start + KEYS_PER_QUERY]
                found.update(
                    connection.execute(
                        "SELECT embedding_hash, min(key) FROM passages WHERE embedding_hash IN "
                        f"({','.join('?' * len(some))}) GROUP BY embedding_hash",
                        some,
                    )
                )
        return found

    def problems(self) -> Iterator[str]:
        """Check the database as such, and every offset of every passage against its article."""
        with self._database.connection() as connection:
            for (line,) in connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield f"articles.db: {line}"
            articles = connection.execute(
                "SELECT number, id, length, content_hash FROM articles "
                "WHERE duplicate_of IS NULL ORDER BY number"
            ).fetchall()
            for number, article_id, length, wanted_hash in articles:
                text = _text_of(connection, number)
                if len(text) != length or schema.content_hash(text) != wanted_hash:
                    yield f"article {article_id}: its text is not what was stored"
                for key, passage in _passages(connection, "p.article = ?", [number]):
                    if reason := _offset_problem(passage, text):
                        yield f"article {article_id}, passage {key}: {reason}"


def _not_found(article_id: str) -> ArticleNotFoundError:
    return ArticleNotFoundError(
        f"No article has the id {article_id!r}. See the list of articles for those that are "
        "indexed."
    )


def _offset_problem(passage: Passage, text: str) -> str | None:
    if not 0 <= passage.start < passage.end <= len(text):
        return f"offsets {passage.start}:{passage.end} lie outside the text of {len(text)}"
    if passage.text != text[passage.start : passage.end]:
        return f"its text is not what stands at {passage.start}:{passage.end}"
    previous = Span(passage.start, passage.start)
    for span in passage.sentences:
        if span.start < previous.end or span.end < span.start or span.end > passage.end:
            return (
                f"sentence {span.start}:{span.end} does not follow {previous.start}:{previous.end}"
            )
        previous = span
    return None


def _passages(
    connection: sqlite3.Connection, where: str, values: Sequence[object]
) -> Iterator[tuple[int, Passage]]:
    """Yield keys and passages, by article and start."""
    length = schema.PAGE_LENGTH
    rows = connection.execute(
        f"SELECT {schema.PASSAGE_COLUMNS}, "
        f'substr(t.text, p.start % {length} + 1, p."end" - p.start) '
        "FROM passages p JOIN articles a ON a.number = p.article "
        f"LEFT JOIN texts t ON t.article = p.article AND t.page = p.start / {length} "
        f"WHERE {where} ORDER BY p.article, p.start, p.key",
        values,
    ).fetchall()
    for key, passage_id, start, end, language, sentences, article, article_id, text in rows:
        whole = text or ""
        if end // length != start // length:
            whole = _slice(connection, article, start, end)
        yield (
            key,
            Passage(
                id=passage_id,
                article_id=article_id,
                start=start,
                end=end,
                text=whole,
                language=language,
                sentences=schema.unpack_sentences(sentences, start),
            ),
        )


def _slice(connection: sqlite3.Connection, article: int, start: int, end: int) -> str:
    """Return a stretch of an article that runs over several pages."""
    first = start // schema.PAGE_LENGTH
    pages = connection.execute(
        "SELECT text FROM texts WHERE article = ? AND page BETWEEN ? AND ? ORDER BY page",
        (article, first, end // schema.PAGE_LENGTH),
    )
    text = "".join(page for (page,) in pages)
    return text[start - first * schema.PAGE_LENGTH : end - first * schema.PAGE_LENGTH]


def _text_of(connection: sqlite3.Connection, number: int) -> str:
    pages = connection.execute("SELECT text FROM texts WHERE article = ? ORDER BY page", (number,))
    return "".join(page for (page,) in pages)


def _summary(row: Sequence[object]) -> ArticleSummary:
    article_id, title, language, source, url, published, passages, is_removable = row
    return ArticleSummary(
        id=str(article_id),
        title=str(title),
        language=str(language),
        source=schema.optional_text(source),
        url=schema.optional_text(url),
        published=schema.optional_date(published),
        passages=int(str(passages)),
        is_removable=bool(is_removable),
    )


def _stored_file(row: Sequence[object]) -> StoredFile:
    path, size, mtime_ns, sha256, state, reason, dropped, articles, passages = row
    return StoredFile(
        path=str(path),
        size=int(str(size)),
        mtime_ns=int(str(mtime_ns)),
        sha256=str(sha256),
        state=FileState(str(state)),
        reason=schema.optional_text(reason),
        dropped=schema.unpack_dropped(str(dropped)),
        articles=int(str(articles)),
        passages=int(str(passages)),
    )


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{name.strip()}" for name in schema.ARTICLE_COLUMNS.split(","))
