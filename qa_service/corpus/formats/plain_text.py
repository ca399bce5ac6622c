"""Plain text files, with or without a head of `key: value` lines."""

from __future__ import annotations

from pathlib import Path

from qa_service.corpus.article_fields import FieldNames, draft_from_fields
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.decoding import DecodedText, decode
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import read_bytes
from qa_service.corpus.front_matter import split_front_matter

MAX_BYTES = MAX_FILE_BYTES[".txt"]

HEAD_FIELDS = FieldNames(
    id=(),
    title=("title", "headline"),
    source=("source", "publisher", "site"),
    url=("url", "link", "canonical"),
    author=("author", "authors", "by"),
    published=("published", "date", "published_at", "pubdate"),
    language=("language", "lang"),
)


def read_plain_text(path: Path) -> Drafts:
    """Read a text file as one article."""
    decoded = decode(read_bytes(path, MAX_BYTES))
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    head = split_front_matter(text)
    draft: Draft = draft_from_fields(head.body, head.fields, HEAD_FIELDS)
    return Drafts((draft,), decoding_warnings(decoded))


def decoding_warnings(decoded: DecodedText) -> tuple[str, ...]:
    """Say what a person should know about how a file was decoded."""
    if decoded.damaged:
        return (f"{decoded.damaged} characters could not be decoded as {decoded.encoding}",)
    if not decoded.encoding.startswith(("utf-8", "utf-16", "utf-32")):
        return (f"not in UTF-8: read as {decoded.encoding}",)
    return ()
