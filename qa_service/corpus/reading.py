"""A file becomes articles: parsed by its format, cleaned, and described."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Container, Mapping, Set
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from qa_service.corpus.boilerplate import clean_text
from qa_service.corpus.dates import parse_date
from qa_service.corpus.discovery import SUPPORTED_SUFFIXES, SourceFile
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.fields import language_code
from qa_service.corpus.formats.csv_table import read_csv
from qa_service.corpus.formats.json_lines import read_json_lines
from qa_service.corpus.formats.markdown import read_markdown
from qa_service.corpus.formats.plain_text import read_plain_text
from qa_service.corpus.language import UNKNOWN_LANGUAGE, detect_language
from qa_service.corpus.reader_process import Read, ReaderProcess
from qa_service.corpus.repetition import without_repeated_lines
from qa_service.corpus.stored_text import stored_text
from qa_service.errors import UnreadableFileError
from qa_service.types import Article, DroppedText

_MAX_TITLE_FROM_TEXT = 100
_MAX_ID_LENGTH = 500
_MAX_WARNINGS = 200
_SENTENCE_END = re.compile(r"(?<=[.!?؟。！？।۔])\s|\n")

OnShare = Callable[[float], None]
"""Is told what share of a file is read, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Where an id of this file was first met, and for what text."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class FileArticles:
    """What one file holds: its articles, the stretches left out of them, and what was amiss."""

    articles: tuple[Article, ...]
    dropped: tuple[DroppedText, ...] = ()
    warnings: tuple[str, ...] = ()


# Formats read here and now: their readers are linear in the size of the file.
_DIRECT: Mapping[str, Read] = {
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".md": read_markdown,
    ".txt": read_plain_text,
}
# Formats whose parsers can hang or swell are read in a child process, for so many seconds at most.
_ISOLATED: Mapping[str, float] = {".docx": 60.0, ".htm": 30.0, ".html": 30.0, ".pdf": 180.0}


class FileReader:
    """Turns files into articles, and keeps what that takes ready from one file to the next.

    Web pages, PDFs and Office documents are parsed in a child process that is started for the first
    of them and kept; use the reader as a context manager, or close it, to end the child. Safe to
    use from several threads.
    """

    def __init__(self) -> None:
        self._process = ReaderProcess()

    def read(
        self,
        file: SourceFile,
        repeated: Set[str] = frozenset(),
        on_share: OnShare | None = None,
    ) -> FileArticles:
        """Read a file.

        The same bytes always give the same articles.

        Args:
            file: as found by `discover`.
            repeated: lines that repeat across the corpus and are dropped (see `repetition`).
            on_share: told after each article what share of the file is read, from 0 to 1.

        Raises:
            UnreadableFileError: no article can be had from the file; names it, and says why.
        """
        try:
            drafts = self._parse(file)
            return _file_articles(file, drafts, repeated, on_share)
        except UnreadableFileError as error:
            raise UnreadableFileError(f"{file.path}: {error}") from error

    def close(self) -> None:
        """End the child process, if there is one."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _parse(self, file: SourceFile) -> Drafts:
        suffix = file.path.suffix.lower()
        if (read := _DIRECT.get(suffix)) is not None:
            return read(file.path)
        if (time_limit_s := _ISOLATED.get(suffix)) is not None:
            return self._process.read(suffix, file.path, time_limit_s)
        raise UnreadableFileError(
            f"unsupported format ({suffix or 'no suffix'}). "
            f"Articles are read from {' '.join(SUPPORTED_SUFFIXES)}."
        )


def read_file(file: SourceFile, repeated: Set[str] = frozenset()) -> FileArticles:
    """Read one file; for many, a `FileReader` saves starting a child process for each.

    Raises:
        UnreadableFileError: no article can be had from the file; names it, and says why.
    """
    with FileReader() as reader:
        return reader.read(file, repeated)


def _file_articles(
    file: SourceFile, drafts: Drafts, repeated: Set[str], on_share: OnShare | None
) -> FileArticles:
    articles: list[Article] = []
    dropped: list[DroppedText] = []
    warnings = list(drafts.warnings)
    taken: dict[str, _Taken] = {}
    for count, draft in enumerate(drafts.articles, start=1):
        where = "" if draft.line is None else f"line {draft.line}: "
        read = _article(file, draft, repeated)
        if on_share is not None:
            on_share(count / len(drafts.articles))
        dropped.extend(read.dropped)
        warnings.extend(f"{where}{warning}" for warning in read.warnings)
        if not read.articles:
            continue
        article = read.articles[0]
        first = taken.get(article.id)
        if first is not None and first.text == article.text:
            warnings.append(f"{where}repeats {first.where}; left out")
            continue
        if first is not None:
            article = replace(article, id=_numbered(article.id, taken))
            warnings.append(
                f"{where}its id is taken by {first.where}; this article goes by {article.id!r}"
            )
        taken[article.id] = _Taken(where.rstrip(": ") or "another article", article.text)
        articles.append(article)
    if not articles:
        raise UnreadableFileError("it holds no article text. Fill or remove it.")
    if len(warnings) > _MAX_WARNINGS:
        warnings[_MAX_WARNINGS:] = [f"… and {len(warnings) - _MAX_WARNINGS} more"]
    return FileArticles(tuple(articles), tuple(dropped), tuple(warnings))


def _numbered(article_id: str, taken: Container[str]) -> str:
    """Return the id with the first number that makes it free."""
    return next(
        numbered
        for number in itertools.count(2)
        if (numbered := f"{article_id}~{number}") not in taken
    )


def _article(file: SourceFile, draft: Draft, repeated: Set[str]) -> FileArticles:
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
    article_id = _one_line(draft.id) or (file.id if draft.line is None else _content_id(text))
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


def _one_line(value: str | None) -> str | None:
    return None if value is None else " ".join(stored_text(value).split()) or None


def _content_id(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _title_from_text(text: str) -> str:
    """Return the beginning of a text that has no title: its first sentence, cut at a word."""
    first = _SENTENCE_END.split(text.strip(), maxsplit=1)[0].strip()
    if len(first) <= _MAX_TITLE_FROM_TEXT:
        return first
    cut = first[:_MAX_TITLE_FROM_TEXT]
    at_word = cut.rsplit(None, 1)[0] if " " in cut[_MAX_TITLE_FROM_TEXT // 2 :] else cut
    return f"{at_word}…"
