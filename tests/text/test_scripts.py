"""Scripts of letters, of texts and of languages."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.text.scripts import SHARED, UNSPACED_SCRIPTS, dominant_script, script_of, scripts_of


@pytest.mark.parametrize(
    ("letters", "script"),
    [
        ("aéßªＡ", "latin"),
        ("عپڤ", "arabic"),
        ("运々〇"[:1], "han"),
        ("あアｱ", "kana"),
        ("한ﾡ", "hangul"),
        ("กฮ", "thai"),
        ("कऋ", "devanagari"),
        ("я", "cyrillic"),
        ("١2٪.!؟ \u064e\u0e34🙂\u200d", SHARED),
        ("\ud800\ue000", SHARED),
    ],
)
def test_script_of_a_letter(letters: str, script: str) -> None:
    """Letters have a script; digits, marks and signs go with any."""
    assert {script_of(letter) for letter in letters} == {script}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("القناة Suez 1869", "arabic"),
        ("运河全长82公里 canal", "han"),
        ("東京へ行きます", "kana"),
        ("ประกาศหยุดยิงแล้ว ceasefire", "thai"),
        ("नदी 12", "devanagari"),
        ("Kyiv Київ", "latin"),
        ("123 …؟ 🙂", SHARED),
        ("", SHARED),
    ],
)
def test_script_of_most_letters(text: str, script: str) -> None:
    """Names in another script do not decide; Japanese is told by its kana; ties are settled."""
    assert dominant_script(text) == script


def test_a_long_text_is_judged_by_all_of_it() -> None:
    """A head in another script does not decide."""
    assert dominant_script("a" * 1000 + "ع" * 50_000) == "arabic"


@pytest.mark.parametrize(
    ("language", "scripts"),
    [
        ("ar", {"arabic"}),
        ("zh", {"han"}),
        ("ja", {"han", "kana"}),
        ("sr", {"cyrillic", "latin"}),
        ("en", {"latin"}),
        ("und", set()),
    ],
)
def test_scripts_of_a_language(language: str, scripts: set[str]) -> None:
    """Latin unless known otherwise, several where several are written."""
    assert scripts_of(language) == scripts


@given(st.text(st.characters()))
def test_any_text_has_a_script(text: str) -> None:
    """One of its letters', or that of signs."""
    found = dominant_script(text)
    assert found in {script_of(char) for char in text} | {SHARED, "kana"}


def test_every_script_without_spaces_is_one_that_letters_have() -> None:
    """A misspelt name in the list would be met by no text."""
    met = {script_of(chr(code)) for code in range(sys.maxunicode + 1)}
    assert met >= UNSPACED_SCRIPTS
