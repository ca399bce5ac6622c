"""Lines of a PDF page in the order they are read."""

from __future__ import annotations

import pytest
from corpus_files import ReadBytes
from pdf_files import pdf
from pdf_lines import from_left, from_right

from qa_service.corpus.formats.pdf_glyphs import Glyph
from qa_service.corpus.formats.pdf_layout import lines_in_reading_order


def test_columns_are_read_one_after_the_other(read_bytes: ReadBytes) -> None:
    """Left column first in English, right column first in Arabic, below a headline over both."""
    rows = range(6)
    english = [from_left("A headline that runs over both of the columns below", 740, size=18)]
    english += [
        from_left(f"left row {row} of the first column here", 700 - 16 * row) for row in rows
    ]
    english += [
        from_left(f"right row {row} of the second column", 700 - 16 * row, left=320) for row in rows
    ]
    text = read_bytes("en.pdf", pdf([english])).articles[0].text
    assert text.index("left row 5") < text.index("right row 0")
    arabic = [
        from_right(f"سطر أيمن {row} من العمود الأول في الصفحة", 700 - 16 * row) for row in rows
    ]
    arabic += [
        from_right(f"سطر أيسر {row} من العمود الثاني فيها", 700 - 16 * row, right=270)
        for row in rows
    ]
    text = read_bytes("ar.pdf", pdf([arabic])).articles[0].text
    assert text.index("أيمن 5") < text.index("أيسر 0")


def test_tables_are_read_row_by_row(read_bytes: ReadBytes) -> None:
    """Cells drawn row by row are no columns of prose."""
    runs = []
    for row in range(6):
        runs += [from_left(f"key{row}", 700 - 16 * row), from_left(f"{row}00", 700 - 16 * row, 300)]
    text = read_bytes("a.pdf", pdf([runs])).articles[0].text
    assert text.index("500") > text.index("key4") > text.index("300")


def glyphs_of(*placed: tuple[str, float, float]) -> list[Glyph]:
    """Place each text's letters from x on, at height y, ten points high."""
    letters = [
        (letter, x + 5.0 * number, y) for text, x, y in placed for number, letter in enumerate(text)
    ]
    return [
        Glyph(letter, x, x + 5.0, y, y + 10.0, 10.0, order)
        for order, (letter, x, y) in enumerate(letters)
    ]


@pytest.mark.parametrize("text", ["运河全长", "ตลาดน", "canal", "نهر"])
def test_lines_come_from_the_top_whatever_was_drawn_first(text: str) -> None:
    """The order of the file does not matter, only where glyphs stand."""
    glyphs = glyphs_of((text, 50, 100), (text[::-1], 50, 300), (text, 50, 200))
    found = lines_in_reading_order(glyphs, is_right_to_left=False)
    assert [line.text for line in found] == [text[::-1], text, text]


def test_a_gap_is_a_space() -> None:
    """Words that are only placed apart are parted."""
    (line,) = lines_in_reading_order(
        glyphs_of(("four", 50, 100), ("locks", 73, 100)), is_right_to_left=False
    )
    assert line.text == "four locks"


def test_an_empty_page_has_no_lines() -> None:
    """Nor does one with nothing but marks."""
    assert lines_in_reading_order([], is_right_to_left=True) == []
    marks = glyphs_of(("\u064e\u064f", 50, 100))
    assert lines_in_reading_order(marks, is_right_to_left=True) == []
