"""What a format's reader hands over: an article as its file tells it, not yet cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qa_service.types import DroppedText


@dataclass(frozen=True, slots=True)
class Draft:
    """One article before cleaning; None and "" mean that the file does not say.

    `published` is the date as written. `line` is the line of the file that the article starts on,
    when the file holds several. `headings` are lines of the text that the format marks as headings,
    and `is_title_in_text` says that the first of the text's lines may be a title.
    """

    text: str
    id: str | None = None
    title: str | None = None
    source: str | None = None
    url: str | None = None
    author: str | None = None
    published: str | None = None
    language: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    line: int | None = None
    is_title_in_text: bool = False
    dropped: tuple[DroppedText, ...] = ()


@dataclass(frozen=True, slots=True)
class Drafts:
    """Everything one file holds, in its order, with what was amiss in it for a person to read."""

    articles: tuple[Draft, ...]
    warnings: tuple[str, ...] = ()
