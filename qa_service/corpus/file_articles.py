"""What a file's drafts become: articles, cleaned and described. Runs in the reading process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from qa_service.corpus.article_fields import language_code
from qa_service.corpus.boilerplate.cleaning import clean_text
from qa_service.corpus.boilerplate.repetition import without_repeated_lines
from qa_service.corpus.dates import parse_date
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.stored_text import stored_text
from qa_service.errors import UnreadableFileError
from qa_service.text.language import UNKNOWN_LANGUAGE, detect_language
from qa_service.types import Article, DroppedText

_MAX_TITLE_FROM_TEXT = 100
_MAX_ID_LENGTH = 500
# A heading of a page may be all of its text; what is shown and compared as one line may not.
_MAX_LINE_LENGTH = 2000
_MAX_WARNINGS = 200
_MAX_DROPPED = 10_000
_SENTENCE_END = re.compile(r"(?<=[.!?؟。！？।۔])\s|\n")


@dataclass(frozen=True, slots=True)
class FileArticles:
    """What one file holds: its articles, the stretches left out of them, and what was amiss."""

    articles: tuple[Article, ...]
    dropped: tuple[DroppedText, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """What is said of a file beside its articles: the first of it, and how much more there is."""

    dropped: list[DroppedText] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    more_dropped: int = 0
    more_warnings: int = 0

    def warn(self, warnings: Sequence[str]) -> None:
        """Take what was amiss."""
        room = max(0, _MAX_WARNINGS - len(self.warnings))
        self.warnings.extend(warnings[:room])
        self.more_warnings += len(warnings[room:])

    def drop(self, dropped: Sequence[DroppedText]) -> None:
        """Take stretches that were left out."""
        room = max(0, _MAX_DROPPED - len(self.dropped))
        self.dropped.extend(dropped[:room])
        self.more_dropped += len(dropped[room:])

    def all_warnings(self) -> list[str]:
        """Return what was amiss, and what of it is not listed."""
        more = [f"… and {self.more_warnings} more"] if self.more_warnings else []
        if self.more_dropped:
            more.append(f"{self.more_dropped} more lines were left out than are listed")
        return [*self.warnings, *more]


@dataclass(frozen=True, slots=True)
class _Taken:
    """Where an id of this file was first met, and the digest of its text."""

    where: str
    text: bytes


class _Ids:
    """The ids that a file's articles go by, each once."""

    def __init__(self) -> None:
        self._taken: dict[str, _Taken] = {}
        # Where the search for a free number goes on: counting from 2 each time would never end
        # for a file whose lines all have one id.
        self._next: dict[str, int] = {}

    def first(self, article_id: str) -> _Taken | None:
        """Return who goes by an id already."""
        return self._taken.get(article_id)

    def take(self, article_id: str, where: str, digest: bytes) -> None:
        """Give an id away."""
        self._taken[article_id] = _Taken(where, digest)

    def numbered(self, article_id: str) -> str:
        """Return the id with the first number that makes it free."""
        number = self._next.get(article_id, 2)
        while (numbered := f"{article_id}~{number}") in self._taken:
            number += 1
        self._next[article_id] = number + 1
        return numbered


def articles_of(
    drafts: Drafts, file_id: str, repeated: Set[str], notes: Notes
) -> Iterator[Article | None]:
    """Yield the article of each draft in turn, None for one that gives none; fill the notes.

    Raises:
        UnreadableFileError: there is none at all.
    """
    notes.warn(drafts.warnings)
    ids = _Ids()
    count = 0
    for draft in drafts.articles:
        article = _next_article(draft, file_id, repeated, ids, notes)
        count += article is not None
        yield article
    if not count:
        raise UnreadableFileError("it holds no article text. Fill or remove it.")


def _next_article(
    draft: Draft, file_id: str, repeated: Set[str], ids: _Ids, notes: Notes
) -> Article | None:
    where = "" if draft.line is None else f"line {draft.line}: "
    read = _article(file_id, draft, repeated)
    notes.drop(read.dropped)
    notes.warn([f"{where}{warning}" for warning in read.warnings])
    if not read.articles:
        return None
    article = read.articles[0]
    digest = _digest(article.text)
    first = ids.first(article.id)
    if first is not None and first.text == digest:
        notes.warn([f"{where}repeats {first.where}; left out"])
        return None
    if first is not None:
        article = replace(article, id=ids.numbered(article.id))
        notes.warn(
            [f"{where}its id is taken by {first.where}; this article goes by {article.id!r}"]
        )
    ids.take(article.id, where.rstrip(": ") or "another article", digest)
    return article


def _article(file_id: str, draft: Draft, repeated: Set[str]) -> FileArticles:
    """Clean and describe one draft; no article comes back when it holds no text."""
    warnings: list[str] = []
    text = stored_text(draft.text)
    if not any(character.isalnum() for character in text):
        return FileArticles((), draft.dropped, ("it holds no article text; left out",))
    language = None if draft.language is None else language_code(draft.language)
    if draft.language is not None and language is None:
        warnings.append(f"language {draft.language!r} is no ISO 639-1 code; detected instead")
    if language in (None, UNKNOWN_LANGUAGE):
        language = detect_language(text)
    clean = clean_text(text, _one_line(draft.title), language)
    body = without_repeated_lines(clean.text, repeated)
    published = None if draft.published is None else parse_date(draft.published, language)
    if draft.published is not None and published is None:
        warnings.append(f"date {draft.published!r} is not understood; write it as 2020-11-16")
    article_id = _full_line(draft.id) or (file_id if draft.line is None else _content_id(text))
    if len(article_id) > _MAX_ID_LENGTH:
        warnings.append(f"id of {len(article_id)} characters is too long; a hash stands in for it")
        article_id = _content_id(article_id)
    article = Article(
        id=article_id,
        title=clean.title or _title_from_text(body.text),
        text=body.text,
        language=language or UNKNOWN_LANGUAGE,
        source=_one_line(draft.source) or clean.source,
        url=_one_line(draft.url),
        author=_one_line(draft.author) or clean.author,
        published=published or clean.published,
        metadata=draft.metadata,
    )
    dropped = (*draft.dropped, *clean.dropped, *body.dropped)
    return FileArticles((article,), dropped, tuple(warnings))


def _full_line(value: str | None) -> str | None:
    return None if value is None else " ".join(stored_text(value).split()) or None


def _one_line(value: str | None) -> str | None:
    line = _full_line(value)
    return line if line is None or len(line) <= _MAX_LINE_LENGTH else f"{line[:_MAX_LINE_LENGTH]}…"


def _content_id(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _title_from_text(text: str) -> str:
    """Return the beginning of a text that has no title: its first sentence, cut at a word."""
    first = _SENTENCE_END.split(text.strip(), maxsplit=1)[0].strip()
    if len(first) <= _MAX_TITLE_FROM_TEXT:
        return first
    cut = first[:_MAX_TITLE_FROM_TEXT]
    at_word = cut.rsplit(None, 1)[0] if " " in cut[_MAX_TITLE_FROM_TEXT // 2 :] else cut
    return f"{at_word}…"
