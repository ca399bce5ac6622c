"""PDF files: their text in reading order, whatever the direction of its script."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.psexceptions import PSException
from pdfminer.utils import decode_text

from qa_service.corpus.boilerplate.phrases import ends_sentence, fold_line
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import open_regular
from qa_service.corpus.formats.pdf_direction import (
    is_in_reading_order,
    is_right_to_left,
    read_order,
    unshaped,
)
from qa_service.corpus.formats.pdf_glyphs import GlyphCollector, GlyphPage
from qa_service.corpus.formats.pdf_layout import Line, lines_in_reading_order
from qa_service.errors import UnreadableFileError
from qa_service.types import DroppedText

MAX_BYTES = MAX_FILE_BYTES[".pdf"]
MAX_PAGES = 3000
MAX_GLYPHS = 20_000_000

# What the parser raises on damaged pages, beside its own exceptions.
_STUMBLES = (
    PDFException, PSException, ValueError, TypeError, KeyError, IndexError, AttributeError,
    AssertionError, OverflowError, ZeroDivisionError,
)  # fmt: skip

_MAX_UNMAPPED_SHARE = 0.3
_EDGE_SHARE = 0.1
_MIN_PAGES_OF_HEADER = 3
_MAX_SIZE_CHANGE = 0.15
_MIN_WRAPPED = 25
_MAX_WORD_LETTERS = 24
_ROOM_TO_SPARE = 1.5
_TITLE_SCALE = 1.25
_MAX_TITLE_LENGTH = 250
_FILE_NAME = re.compile(
    r"(?:Microsoft (?:Word|PowerPoint)\b.*|untitled|document\d*|.*\.\w{2,4})", re.IGNORECASE
)
# What programs put down for an author when nobody told them.
_NOBODY = frozenset(("anonymous", "administrator", "admin", "user", "unknown", "root", "author"))
_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:\w{1,8}\.?\s)?\d{1,4}(?:\s?(?:/|of|de|von|из|من|sur)\s?\d{1,4})?[-–—|\s]*"
)
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class _TextLine:
    """A line as it is read, and where it stands."""

    text: str
    line: Line
    page: int
    is_edge: bool


def read_pdf(path: Path) -> Drafts:
    """Read a PDF as one article.

    Raises:
        UnreadableFileError: it is damaged, locked by a password, or holds pictures of text only.
    """
    with open_regular(path, MAX_BYTES) as stream:
        if b"%PDF-" not in stream.read(1024):
            raise UnreadableFileError("it is not a PDF: it does not begin with %PDF-.")
        stream.seek(0)
        try:
            document = _open(stream)
            pages, warnings = _pages(document)
            info = _info(document)
        except _STUMBLES as error:
            detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise UnreadableFileError(f"it is damaged ({detail}). Save it anew.") from error
    _refuse_textless(pages)
    lines = _read_lines(pages)
    body, boilerplate = _without_page_boilerplate(lines, len(pages))
    title_lines = _title_lines(body)
    title = " ".join(line.text for line in title_lines) or _usable_title(info.get("Title"))
    text = _paragraphs([line for line in body if line not in title_lines])
    if not text and title_lines:
        text = title
    draft = Draft(
        text=text,
        title=title or None,
        author=_usable_author(info.get("Author")),
        dropped=tuple(boilerplate),
        metadata={"pages": len(pages)},
    )
    return Drafts((draft,), tuple(warnings))


def _open(stream: BinaryIO) -> PDFDocument:
    try:
        return PDFDocument(PDFParser(stream))
    except PDFPasswordIncorrect as error:
        raise UnreadableFileError(
            "it is locked by a password. Save a copy of it without one."
        ) from error
    except PDFEncryptionError as error:
        raise UnreadableFileError(
            f"it is encrypted in an unknown way ({error}). Save a copy of it without encryption."
        ) from error


def _pages(document: PDFDocument) -> tuple[list[GlyphPage], list[str]]:
    resources = PDFResourceManager()
    collector = GlyphCollector(resources)
    interpreter = PDFPageInterpreter(resources, collector)
    pages: list[GlyphPage] = []
    warnings: list[str] = []
    glyphs = 0
    for number, page in enumerate(PDFPage.create_pages(document), start=1):
        if number > MAX_PAGES or glyphs > MAX_GLYPHS:
            warnings.append(f"only the first {number - 1} pages were read; split the file")
            break
        try:
            interpreter.process_page(page)
        except _STUMBLES as error:
            warnings.append(f"page {number} is damaged and left out ({type(error).__name__})")
            continue
        if (drawn := collector.take_page()) is not None:
            pages.append(drawn)
            glyphs += len(drawn.glyphs)
    if not pages:
        raise UnreadableFileError("no page of it can be read. Save it anew.")
    return pages, warnings


def _info(document: PDFDocument) -> dict[str, str]:
    info: dict[str, str] = {}
    for entries in document.info:
        for name in ("Title", "Author"):
            value = entries.get(name) if isinstance(entries, dict) else None
            if isinstance(value, bytes):
                info[name] = " ".join(decode_text(value).split())
    return info


def _usable_title(title: str | None) -> str:
    return "" if title is None or _FILE_NAME.fullmatch(title) else title


def _usable_author(author: str | None) -> str | None:
    return None if author is None or author.casefold() in _NOBODY else author or None


def _refuse_textless(pages: Sequence[GlyphPage]) -> None:
    glyphs = sum(len(page.glyphs) for page in pages)
    unmapped = sum(page.unmapped for page in pages)
    if glyphs == 0 and unmapped == 0:
        images = sum(page.images for page in pages)
        what = "pictures only, so it was probably scanned" if images else "no text"
        raise UnreadableFileError(
            f"its {len(pages)} pages hold {what}. Run text recognition (OCR) on it first."
        )
    if unmapped > _MAX_UNMAPPED_SHARE * (glyphs + unmapped):
        raise UnreadableFileError(
            f"its fonts do not say which letters they draw ({unmapped} of {glyphs + unmapped} are "
            "unknown). Run text recognition (OCR) on it, or save it as text."
        )


def _read_lines(pages: Sequence[GlyphPage]) -> list[_TextLine]:
    right_to_left = is_right_to_left(glyph.text for page in pages for glyph in page.glyphs)
    base = "R" if right_to_left else "L"
    found = [
        (number, page, line)
        for number, page in enumerate(pages)
        for line in lines_in_reading_order(page.glyphs, is_right_to_left=right_to_left)
        if line.clusters
    ]
    is_turned = not is_in_reading_order([line.clusters for _, _, line in found], base=base)
    return [
        _TextLine(
            read_order(line.clusters, base=base, is_turned=is_turned),
            line,
            number,
            line.y0 > (1 - _EDGE_SHARE) * page.height or line.y1 < _EDGE_SHARE * page.height,
        )
        for number, page, line in found
    ]


def _without_page_boilerplate(
    lines: Sequence[_TextLine], pages: int
) -> tuple[list[_TextLine], list[DroppedText]]:
    """Part page numbers, and what heads or foots most pages, from the text."""
    at_edges: dict[str, set[int]] = {}
    for line in lines:
        if line.is_edge:
            at_edges.setdefault(fold_line(line.text), set()).add(line.page)
    needed = max(_MIN_PAGES_OF_HEADER, pages // 3)
    body: list[_TextLine] = []
    boilerplate: list[DroppedText] = []
    for line in lines:
        is_repeated = line.is_edge and len(at_edges[fold_line(line.text)]) >= needed
        if is_repeated and not _PAGE_NUMBER.fullmatch(line.text):
            boilerplate.append(DroppedText(line.text, "page_header"))
        elif line.is_edge and pages > 1 and _PAGE_NUMBER.fullmatch(line.text):
            boilerplate.append(DroppedText(line.text, "page_number"))
        else:
            body.append(line)
    return body, boilerplate


def _title_lines(lines: Sequence[_TextLine]) -> list[_TextLine]:
    """Return the lines at the head of the first page that are set in its largest type."""
    first = [line for line in lines if line.page == 0]
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.line.size, 1)] += len(line.text)
    if not first or len(sizes) < 2:
        return []
    usual = sizes.most_common(1)[0][0]
    largest = max(line.line.size for line in first[:8])
    if largest < _TITLE_SCALE * usual:
        return []
    title: list[_TextLine] = []
    for line in first[:12]:
        if line.line.size >= 0.95 * largest:
            title.append(line)
        elif title:
            break
    return title if sum(len(line.text) for line in title) <= _MAX_TITLE_LENGTH else []


def _paragraphs(lines: Sequence[_TextLine]) -> str:
    """Join lines into paragraphs, by the room between them, their indents and their ends."""
    if not lines:
        return ""
    pitch = _usual_pitch(lines)
    paragraphs = [[lines[0].text]]
    for before, line in itertools.pairwise(lines):
        if _begins_paragraph(before, line, pitch):
            paragraphs.append([line.text])
        else:
            paragraphs[-1][-1:] = _joined(paragraphs[-1][-1], line.text)
    return "\n\n".join(unshaped("".join(paragraph)) for paragraph in paragraphs)


def _usual_pitch(lines: Sequence[_TextLine]) -> float:
    steps = [
        before.line.y0 - line.line.y0
        for before, line in itertools.pairwise(lines)
        if before.page == line.page and 0.9 < (before.line.y0 - line.line.y0) / line.line.size < 4
    ]
    # Inside paragraphs, that is: the smaller steps, as the larger ones are between them.
    return sorted(steps)[len(steps) // 10] if steps else 0.0


def _begins_paragraph(before: _TextLine, line: _TextLine, pitch: float) -> bool:
    sizes = (before.line.size, line.line.size)
    if max(sizes) - min(sizes) > _MAX_SIZE_CHANGE * max(sizes):
        return True
    em = line.line.size
    step = before.line.y0 - line.line.y0
    if before.page != line.page or step <= 0:
        # The next column or page goes on with the sentence, or begins anew.
        is_wrapped = len(before.text) > _MIN_WRAPPED and not ends_sentence(before.text)
        return not is_wrapped or line.text[:1].isupper()
    if step > 1.25 * pitch and step > 1.3 * em:
        return True
    # A line that was broken although the next word had room on it was meant to end there.
    is_rtl = is_right_to_left([before.text])
    indent, room = _margins(before.line, is_rtl=is_rtl)
    if room > _first_word_width(line) + _ROOM_TO_SPARE * em:
        return True
    is_indented = _margins(line.line, is_rtl=is_rtl)[0] > em + indent
    return ends_sentence(before.text) and (is_indented or step > 1.6 * em)


def _margins(line: Line, *, is_rtl: bool) -> tuple[float, float]:
    """Return the room before and after a line in its column."""
    left, right = line.x0 - line.left, line.right - line.x1
    return (right, left) if is_rtl else (left, right)


def _first_word_width(line: _TextLine) -> float:
    word = re.split(r"\s", line.text, maxsplit=1)[0]
    # Scripts without spaces break anywhere: a few characters stand for a word.
    letters = min(len(word), _MAX_WORD_LETTERS)
    return letters / max(len(line.text), 1) * (line.line.x1 - line.line.x0)


def _joined(before: str, line: str) -> list[str]:
    """Return a line and the wrapped one after it as they go on in a row, without hyphenation."""
    if re.search(r"[^\W\d_][-\u2010\u00ad]$", before[-3:]) and line[:1].islower():
        return [before[:-1], line]
    if before and line and _WIDE.match(before[-1]) and _WIDE.match(line[0]):
        return [before, line]
    return [before, f" {line}"]
