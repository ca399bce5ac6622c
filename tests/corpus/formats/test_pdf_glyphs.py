"""Glyphs of a PDF page: where they stand decides, whatever the order they are drawn in."""

from __future__ import annotations

import pytest
from corpus_files import ReadBytes
from pdf_files import GLYPH_WIDTH, Run, pdf
from pdf_lines import ARABIC, from_right

from qa_service.corpus.formats.pdf_glyphs import Glyph


def test_letters_drawn_one_by_one_from_the_right(read_bytes: ReadBytes) -> None:
    """The order in which a program draws glyphs does not matter, only where they stand."""
    runs = []
    for number, line in enumerate(ARABIC):
        whole = from_right(line, 700 - 16 * number)
        letters = [
            Run(whole.x + at * GLYPH_WIDTH * 12, whole.y, glyph)
            for at, glyph in enumerate(whole.glyphs)
        ]
        runs.extend(reversed(letters))
    read = read_bytes("a.pdf", pdf([runs]))
    assert " ".join(read.articles[0].text.split()) == " ".join(ARABIC)


def test_marks_stay_on_their_letters(read_bytes: ReadBytes) -> None:
    """A mark drawn before or after its letter is read after it."""
    width = 12 * GLYPH_WIDTH
    runs = [
        *[Run(200 + at * width, 700, glyph) for at, glyph in enumerate("ةسردم يف")],
        Run(200 + 2 * width, 700, "\u0651"),
    ]
    assert read_bytes("a.pdf", pdf([runs])).articles[0].text == "في مدرّسة"
    thai = [Run(50 + at * width, 700, glyph) for at, glyph in enumerate("อย")]
    runs = [*thai, Run(50 + width, 700, "\u0e39"), Run(50 + width, 700, "\u0e48")]
    assert read_bytes("b.pdf", pdf([runs])).articles[0].text == "อยู่"


@pytest.mark.parametrize(
    ("text", "is_mark"),
    [
        ("\u064e", True),
        (" \u064e", True),
        ("\ufe76", True),
        ("\u0e34", True),
        ("ا", False),
        ("क", False),
        (" ", False),
        ("", False),
    ],
)
def test_marks_are_known_in_every_shape(text: str, *, is_mark: bool) -> None:
    """Those that stand over or under a letter, alone or on the space that fonts draw them on."""
    glyph = Glyph(text, 10.0, 14.0, 0.0, 12.0, 12.0, 0)
    assert glyph.is_mark is is_mark
    assert glyph.center == 12.0
