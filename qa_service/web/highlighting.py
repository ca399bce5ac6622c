"""An article's text cut into paragraphs and stretches that carry the marks of a citation."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_service.types import Span

_MAX_SPANS = 200
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)
_LINE_BREAKS = re.compile(r"(?:\r\n|\r|\n|\u2028|\u2029)+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text that carries one set of marks. `is_first` holds for the passage's first stretch."""

    text: str
    in_passage: bool
    in_sentence: bool
    is_match: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """What to mark, as spans of the article."""

    passage: Span | None = None
    sentence: Span | None = None
    matches: tuple[Span, ...] = ()


def parse_spans(text: str) -> tuple[Span, ...]:
    """Read "3-8,12-20", leaving out what is no span: anyone can edit an address."""
    spans = []
    for part in text.split(",")[:_MAX_SPANS]:
        match = _SPAN.fullmatch(part.strip())
        if match and int(match[1]) < int(match[2]):
            spans.append(Span(int(match[1]), int(match[2])))
    return tuple(sorted(spans))


def marks_of_passage(
    passage: Span, highlights: Sequence[Span] = (), sentence: Span | None = None
) -> Marks:
    """Return a passage's marks; `highlights` and `sentence` count from the passage's start."""

    def place(span: Span) -> Span | None:
        start = passage.start + span.start
        end = min(passage.start + span.end, passage.end)
        return Span(start, end) if start < end else None

    return Marks(
        passage=passage,
        sentence=place(sentence) if sentence else None,
        matches=tuple(placed for span in highlights if (placed := place(span))),
    )


def mark_paragraphs(text: str, marks: Marks) -> tuple[tuple[Stretch, ...], ...]:
    """Cut a text into paragraphs of stretches; nothing but line breaks between them is left out."""
    bounds = _bounds(marks)
    paragraphs = []
    start = 0
    for gap in (*_LINE_BREAKS.finditer(text), None):
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            paragraphs.append(_stretches(text, Span(start, end), marks, bounds))
        start = gap.end() if gap else end
    return tuple(paragraphs)


def mark_text(text: str, marks: Marks) -> tuple[Stretch, ...]:
    """Cut a text into stretches, line breaks and all."""
    return _stretches(text, Span(0, len(text)), marks, _bounds(marks))


def _bounds(marks: Marks) -> list[int]:
    spans = [span for span in (marks.passage, marks.sentence, *marks.matches) if span]
    return sorted({edge for span in spans for edge in (span.start, span.end)})


def _stretches(text: str, whole: Span, marks: Marks, bounds: list[int]) -> tuple[Stretch, ...]:
    inner = bounds[bisect_right(bounds, whole.start) : bisect_left(bounds, whole.end)]
    edges = [whole.start, *inner, whole.end]
    return tuple(
        Stretch(
            text=text[start:end],
            in_passage=_holds(marks.passage, start),
            in_sentence=_holds(marks.sentence, start),
            is_match=any(_holds(span, start) for span in marks.matches),
            is_first=_begins(marks.passage, text, Span(start, end)),
        )
        for start, end in pairwise(edges)
        if start < end
    )


def _begins(passage: Span | None, text: str, stretch: Span) -> bool:
    """Tell whether a stretch holds the first visible character of the passage."""
    if passage is None or not _holds(passage, stretch.start):
        return False
    before = text[passage.start : stretch.start]
    return not before.strip() and bool(text[stretch.start : stretch.end].strip())


def _holds(span: Span | None, position: int) -> bool:
    return span is not None and span.start <= position < span.end
