"""Articles cut into marked stretches."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.types import Span
from qa_service.web.highlighting import (
    Marks,
    mark_paragraphs,
    mark_text,
    marks_of_passage,
    parse_spans,
)

TEXTS = st.text(alphabet=st.sampled_from("aé ب长ि🐝\n\r.\u2028 "), max_size=60)
SPANS = st.tuples(st.integers(0, 70), st.integers(0, 70)).map(lambda p: Span(min(p), max(p)))


@given(TEXTS, SPANS, SPANS, st.lists(SPANS, max_size=5))
def test_marks_change_no_text(
    text: str, passage: Span, sentence: Span, matches: list[Span]
) -> None:
    """Whatever is marked, the visible text stays, and each character has its own marks."""
    marks = Marks(passage, sentence, tuple(matches))
    stretches = mark_text(text, marks)
    assert "".join(stretch.text for stretch in stretches) == text
    place = 0
    for stretch in stretches:
        for position in range(place, place + len(stretch.text)):
            assert stretch.in_passage == (passage.start <= position < passage.end)
            assert stretch.in_sentence == (sentence.start <= position < sentence.end)
            assert stretch.is_match == any(s.start <= position < s.end for s in matches)
        place += len(stretch.text)
    paragraphs = mark_paragraphs(text, marks)
    shown = ["".join(stretch.text for stretch in paragraph) for paragraph in paragraphs]
    assert shown == [line for line in re.split(r"[\r\n\u2028\u2029]+", text) if line.strip()]


@given(TEXTS, SPANS)
def test_passage_has_one_anchor(text: str, passage: Span) -> None:
    """A passage with anything visible in it has exactly one first stretch, however it is cut."""
    paragraphs = mark_paragraphs(text, Marks(passage=passage, matches=(Span(1, 3), Span(5, 9))))
    anchors = sum(stretch.is_first for paragraph in paragraphs for stretch in paragraph)
    assert anchors == bool(text[passage.start : passage.end].strip())


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("3-8,12-20", (Span(3, 8), Span(12, 20))),
        ("12-20, 3-8", (Span(3, 8), Span(12, 20))),
        ("", ()),
        ("8-3", ()),
        ("5-5", ()),
        ("-1-4,a-b,1,2-,-", ()),
        ("١-٣", ()),
        ("1-9999999999", ()),
        ("1-2,x,3-4", (Span(1, 2), Span(3, 4))),
    ],
)
def test_parse_spans(text: str, spans: tuple[Span, ...]) -> None:
    """Spans are read from an address; what is none is left out."""
    assert parse_spans(text) == spans


def test_marks_stay_inside_the_passage() -> None:
    """Offsets beyond the passage, as in an edited address, mark nothing outside it."""
    marks = marks_of_passage(Span(10, 20), (Span(0, 3), Span(8, 99), Span(50, 60)), Span(5, 99))
    assert marks.matches == (Span(10, 13), Span(18, 20))
    assert marks.sentence == Span(15, 20)
    assert marks_of_passage(Span(10, 20), (), Span(11, 12)).sentence is None
