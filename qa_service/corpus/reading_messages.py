"""What the indexing and the reading process say to each other: lines of JSON, never pickles."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

from qa_service.types import Article, DroppedText

Message = Mapping[str, object]


def to_line(message: Message) -> bytes:
    """Return a message as a line; what is in it may be any text, halves of surrogate pairs too."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def from_line(line: bytes) -> dict[str, object]:
    """Undo `to_line`.

    Raises:
        ValueError: it is none.
    """
    message = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(message, dict):
        raise ValueError(f"expected an object, found {type(message).__name__}")
    return message


def article_to_json(article: Article) -> Message:
    """Return an article as a message."""
    published = None if article.published is None else article.published.isoformat()
    fields = {name: getattr(article, name) for name in Article.__slots__}
    return fields | {"published": published, "metadata": dict(article.metadata)}


def article_from_json(fields: object) -> Article:
    """Undo `article_to_json`; fields that hold several values come back as lists."""
    if not isinstance(fields, dict):
        raise ValueError(f"expected an article, found {type(fields).__name__}")
    published = fields["published"]
    day = None if published is None else dt.date.fromisoformat(published)
    return Article(**{**fields, "published": day})


def dropped_from_json(entries: object) -> tuple[DroppedText, ...]:
    """Return what was left out of a file, from pairs of a text and its reason."""
    if not isinstance(entries, list):
        raise ValueError(f"expected a list, found {type(entries).__name__}")
    return tuple(DroppedText(text, reason) for text, reason in entries)
