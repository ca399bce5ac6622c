"""The form in which text is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.stored_text import stored_text


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("\n\n a  \n\n\n\n\u00a0\nb\t\n\n", " a\n\nb"),
        ("\ufeffمرحبا\u202e بالعالم\u202c", "مرحبا بالعالم"),
        ("می\u200cروم", "می\u200cروم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("Wort\u00adtrennung", "Worttrennung"),
        ("a\0b\x07c", "abc"),
        ("\ud800 half", "\ufffd half"),
        ("ﻣﺮﺣﺒﺎ ① ﬁ", "ﻣﺮﺣﺒﺎ ① ﬁ"),
        ("สวัสดี  ชาวโลก", "สวัสดี  ชาวโลก"),
        ("中文\u3000全角", "中文\u3000全角"),
    ],
)
def test_only_line_ends_and_invisible_controls_change(raw: str, stored: str) -> None:
    """What a reader sees stays; what nobody sees and breaks quotes goes."""
    assert stored_text(raw) == stored


@given(st.text(st.characters(exclude_categories=())))
def test_storing_again_changes_nothing(text: str) -> None:
    """The stored form is stable, and can be written down."""
    stored = stored_text(text)
    assert stored_text(stored) == stored
    stored.encode()
    assert "\n\n\n" not in stored
    assert all(line == line.rstrip() for line in stored.split("\n"))
