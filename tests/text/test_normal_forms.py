"""Normal forms of any text, in time that grows with it."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.text.normal_forms import MAX_MARKS, normalized

FORMS = ["NFC", "NFKC", "NFD"]
Form = Literal["NFC", "NFKC", "NFD"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text", ["plain", "مُحَمَّدٌ", "Việt Nam é", "क़िला हिन्दी", "กำลัง", "パンダ ガ", "한국어", "ﷺ Ａ½"]
)
def test_what_people_write_has_unicodes_own_form(form: Form, text: str) -> None:
    """No mark of any writing system is lost."""
    assert normalized(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("mark", ["\u0301", "\u064e", "\u0e34", "\u093f", "\u3099"])
def test_marks_beyond_the_bound_are_dropped(mark: str) -> None:
    """A letter keeps as many as can be compared, and the next letter keeps its own."""
    found = normalized("NFD", f"x{mark * 1000}y{mark}")
    assert found == f"x{mark * MAX_MARKS}y{mark}"


@given(st.sampled_from(FORMS), st.text(st.characters()))
def test_any_text_has_a_form_and_keeps_it(form: Form, text: str) -> None:
    """Halves of surrogate pairs included; a second time changes nothing."""
    once = normalized(form, text)
    assert normalized(form, once) == once
