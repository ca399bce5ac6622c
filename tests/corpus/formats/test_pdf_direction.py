"""Right-to-left lines of a PDF come out in the order they are read."""

from __future__ import annotations

import pytest
from bidi import get_display
from corpus_files import ReadBytes
from pdf_files import Run, pdf
from pdf_lines import ARABIC, HEBREW, PERSIAN, from_left, from_right

from qa_service.corpus.formats.pdf_direction import (
    is_in_reading_order,
    is_right_to_left,
    read_order,
    unshaped,
)


@pytest.mark.parametrize("lines", [ARABIC, HEBREW, PERSIAN], ids=["ar", "he", "fa"])
def test_lines_placed_as_they_are_seen(read_bytes: ReadBytes, lines: list[str]) -> None:
    """Letters, numbers, ranges, brackets and foreign words all come out in reading order."""
    runs = [from_right(line, 700 - 16 * number) for number, line in enumerate(lines)]
    read = read_bytes("a.pdf", pdf([runs]))
    assert " ".join(read.articles[0].text.split()) == " ".join(lines)


@pytest.mark.parametrize("lines", [ARABIC, HEBREW, PERSIAN], ids=["ar", "he", "fa"])
def test_lines_written_in_reading_order(read_bytes: ReadBytes, lines: list[str]) -> None:
    """Programs that know nothing of right-to-left text write it as it is read."""
    runs = [from_left(line, 700 - 16 * number) for number, line in enumerate(lines)]
    read = read_bytes("a.pdf", pdf([runs]))
    assert " ".join(read.articles[0].text.split()) == " ".join(lines)


def test_ligatures_and_shapes_become_letters(read_bytes: ReadBytes) -> None:
    """One glyph for several letters, or for a letter's shape, says plain letters."""
    # «الأولاد في السلام», as seen from the left, with lam-alef as one glyph of two letters.
    glyphs = ["ﻡ", "لا", "ﺳ", "ﻟ", "ﺍ", " ", "ﻲ", "ﻓ", " ", "ﺩ", "لا", "ﻭ", "لأ", "ﺍ"]
    text = read_bytes("a.pdf", pdf([[Run(200, 700, glyphs)]])).articles[0].text
    assert text == "الأولاد في السلام"


@pytest.mark.parametrize("lines", [ARABIC, HEBREW, PERSIAN], ids=["ar", "he", "fa"])
def test_what_is_seen_is_turned_into_what_is_read(lines: list[str]) -> None:
    """Line by line, without a page around it; and which of the two it is shows in the words."""
    seen = [list(get_display(line, base_dir="R")) for line in lines]
    assert is_right_to_left(lines)
    assert not is_in_reading_order(seen, base="R")
    assert is_in_reading_order([list(line) for line in lines], base="R")
    assert [read_order(line, base="R", is_turned=True) for line in seen] == lines
    assert [read_order(list(line), base="R", is_turned=False) for line in lines] == lines


@pytest.mark.parametrize("line", ["运河全长82公里。", "ตลาดน้ำ 12-13", "नहर (82)", "Canal 1/2"])
def test_other_scripts_are_left_as_they_stand(line: str) -> None:
    """They are written from left to right."""
    assert not is_right_to_left([line])
    assert read_order(list(line), base="L", is_turned=True) == line


@pytest.mark.parametrize(
    ("shaped", "plain"),
    [("ﻼ", "لا"), ("ﺳﻼم", "سلام"), ("ﬁnd", "find"), ("⼈⻔", "人门"), ("½ Ａ！", "½ Ａ！")],
)
def test_shapes_are_undone_and_nothing_else(shaped: str, plain: str) -> None:
    """Presentation forms and radicals become letters; what people see otherwise stays."""
    assert unshaped(shaped) == plain
