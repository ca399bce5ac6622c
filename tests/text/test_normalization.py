"""Spellings that mean the same become one, and no other."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.text.normalization import fold_accents, normalize


def test_digits_of_every_script_are_read() -> None:
    """Every digit that `unicodedata` knows the value of is spelt as that value."""
    for code in range(sys.maxunicode + 1):
        value = unicodedata.decimal(chr(code), None)
        if value is not None:
            assert normalize(f"1{chr(code)}", "und") == f"1{value}", hex(code)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("مُدَرِّسَةٌ", "ar", "مدرسة"),
        ("أحمد إلى آسيا", "ar", "احمد الي اسيا"),
        ("کتاب‌ها", "fa", "كتاب ها"),
        ("क्‍ष", "hi", "क्ष"),
        ("ＡＢＣ １２３", "zh", "abc 123"),
        ("๑๒๓ กำ", "th", "123 กํา"),
        ("שָׁלוֹם", "he", "שלום"),
        ("İstanbul IŞIK", "tr", "istanbul ışık"),
        ("İstanbul IŞIK", "en", "istanbul işik"),
        ("Straße", "de", "strasse"),
        ("ЁЖ", "ru", "еж"),
        ("ΟΔΥΣΣΕΥΣ ς", "el", "οδυσσευσ σ"),
        ("об’єкт", "uk", "обєкт"),
        ("e\u0301", "fr", "é"),
        ("a\u200bb\ufe0f\u202ec", "en", "abc"),
    ],
)
def test_one_form_of_each_letter(text: str, language: str, expected: str) -> None:
    """Case, width, marks that are not spoken, and signs that nobody sees make no other word."""
    assert normalize(text, language) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234.567", "1234567"),
        ("1,5", "1٫5"),
        ("1.50", "1٫5"),
        ("12.05.2020", "12.05.2020"),
        ("007", "7"),
        ("0.5", "0٫5"),
        ("1,234.5", "1234٫5"),
    ],
)
def test_numbers_have_one_form(text: str, expected: str) -> None:
    """Groups are joined, decimals have one mark; dates and what cannot be told stay."""
    assert normalize(text, "und") == expected


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("café", "cafe"),
        ("łódź", "lodz"),
        ("ἄνθρωπος", "ανθρωπος"),
        ("þæt", "thaet"),
        ("मंत्री", "मंत्री"),
        ("กำลัง", "กำลัง"),
        ("パン", "パン"),
        ("مدرسة", "مدرسه"),
        ("йод", "йод"),
    ],
)
def test_accents_go_where_they_are_accents(word: str, folded: str) -> None:
    """On Latin and Greek letters; marks of other scripts are letters in their own right."""
    assert fold_accents(word) == folded


@given(st.text(st.characters()), st.sampled_from(["ar", "zh", "th", "hi", "tr", "und"]))
def test_any_text_can_be_folded(text: str, language: str) -> None:
    """The same every time, whatever it holds; and nothing is left that cannot be written down."""
    found = normalize(text, language)
    assert found == normalize(text, language)
    found.encode("utf-8")
    fold_accents(found)
