"""The tables of `articles.db`, and how values are packed into them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import struct
import unicodedata
from collections.abc import Iterator, Sequence

from qa_service.types import Article, DroppedText, Passage, Span

_TWO_OFFSETS = struct.Struct("<ii")

# Text is cut into pages, so that a passage of a book costs no more to read than one of a report.
PAGE_LENGTH = 8192

SCHEMA = """
CREATE TABLE files (
    number INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    dropped TEXT NOT NULL
);
CREATE TABLE articles (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- a duplicate must never point to another article
    file INTEGER NOT NULL REFERENCES files (number),
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    source TEXT,
    url TEXT,
    author TEXT,
    published TEXT,
    metadata TEXT NOT NULL,
    length INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    duplicate_of INTEGER REFERENCES articles (number),
    sort_title TEXT NOT NULL,
    search_text TEXT NOT NULL
);
CREATE INDEX articles_by_file ON articles (file);
CREATE INDEX articles_by_content ON articles (content_hash);
CREATE INDEX articles_by_original ON articles (duplicate_of);
CREATE INDEX articles_by_title ON articles (sort_title, id);
CREATE TABLE texts (
    article INTEGER NOT NULL REFERENCES articles (number),
    page INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (article, page)
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY,
    article INTEGER NOT NULL REFERENCES articles (number),
    id TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    language TEXT NOT NULL,
    sentences BLOB NOT NULL,
    embedding_hash BLOB NOT NULL
);
CREATE INDEX passages_by_article ON passages (article, start);
CREATE INDEX passages_by_embedding ON passages (embedding_hash);
"""

# Articles that go by another id than they claim, since that one was taken. Made when it is missing:
# generations of earlier versions have no such table, and nothing but a writer looks into it.
CLAIMS = """
CREATE TABLE IF NOT EXISTS claims (
    article INTEGER PRIMARY KEY REFERENCES articles (number),
    id TEXT NOT NULL
);
"""

# Keys of passages whose files are being read again; gone when the writer is closed.
FREED_KEYS = """
CREATE TEMP TABLE freed (
    article TEXT, passage TEXT, language TEXT, embedding_hash BLOB, key INTEGER
);
CREATE INDEX temp.freed_by_article ON freed (article);
CREATE INDEX temp.freed_by_key ON freed (key);
"""

# Each article that is left out, and the one whose text it repeats.
DUPLICATES = (
    "SELECT a.id, o.id FROM articles a JOIN articles o ON o.number = a.duplicate_of ORDER BY a.id"
)

ARTICLE_COLUMNS = "number, id, title, language, source, url, author, published, metadata"
PASSAGE_COLUMNS = 'p.key, p.id, p.start, p."end", p.language, p.sentences, p.article, a.id'


def content_hash(text: str) -> bytes:
    """Return what tells an article's text from any other, 16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def embedding_hash(embedding: str, title: str, text: str) -> bytes:
    """Return what tells a passage's embedding from any other, 16 bytes.

    `embedding` names the model and codec (`Recipe.embedding`).
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (embedding, title, text):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.digest()


def pages_of(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text into numbered pages."""
    for start in range(0, len(text), PAGE_LENGTH):
        yield start // PAGE_LENGTH, text[start : start + PAGE_LENGTH]


def fold(text: str) -> str:
    """Return text as it is compared in lists: no difference of case, width or composition."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def pack_sentences(passage: Passage) -> bytes:
    """Pack sentence spans as 32-bit offsets from the passage's start."""
    return b"".join(
        _TWO_OFFSETS.pack(span.start - passage.start, span.end - passage.start)
        for span in passage.sentences
    )


def unpack_sentences(blob: bytes, start: int) -> tuple[Span, ...]:
    """Undo `pack_sentences`."""
    return tuple(
        Span(start + first, start + last) for first, last in _TWO_OFFSETS.iter_unpack(blob)
    )


def pack_dropped(dropped: Sequence[DroppedText]) -> str:
    """Pack what was left out of a file."""
    return json.dumps([[item.text, item.reason] for item in dropped], ensure_ascii=False)


def unpack_dropped(packed: str) -> tuple[DroppedText, ...]:
    """Undo `pack_dropped`."""
    return tuple(DroppedText(text, reason) for text, reason in json.loads(packed))


def article_from_row(row: Sequence[object], text: str) -> Article:
    """Make an article of `ARTICLE_COLUMNS` and its text."""
    _, article_id, title, language, source, url, author, published, metadata = row
    return Article(
        id=str(article_id),
        title=str(title),
        text=text,
        language=str(language),
        source=optional_text(source),
        url=optional_text(url),
        author=optional_text(author),
        published=optional_date(published),
        metadata=json.loads(str(metadata)),
    )


def optional_text(value: object) -> str | None:
    """Return a nullable text column's value."""
    return None if value is None else str(value)


def optional_date(value: object) -> dt.date | None:
    """Return a nullable date column's value."""
    return None if value is None else dt.date.fromisoformat(str(value))
