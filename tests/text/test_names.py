"""Names in many scripts: one key for those that sound alike, none for words that tell little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.text.names import name_key


@pytest.mark.parametrize(
    "spellings",
    [
        ["lavrov", "лавров", "لافروف", "लावरोव", "λαβροφ", "לברוב", "լավրով"],
        ["mnatsakanyan", "мнацаканян", "مناتساكانيان", "մնացականյան"],
        ["putin", "путин", "بوتين", "पुतिन", "פוטין", "პუტინი"],
        ["george", "джордж", "جورج", "জর্জ"],
        ["jacksonville", "джексонвилл", "جاكسونفيل"],
    ],
)
def test_transliterations_share_a_key(spellings: list[str]) -> None:
    """A name has one key in the scripts that write consonants."""
    assert len({name_key(spelling) for spelling in spellings} - {""}) == 1
    assert all(map(name_key, spellings))


@pytest.mark.parametrize("word", ["", "a", "the", "هدنة"[:2], "停火", "หยุดยิง", "안녕", "カナ"])
def test_words_that_tell_too_little_have_no_key(word: str) -> None:
    """Short words, and scripts whose letters name no consonants, give none."""
    assert name_key(word) == ""


@pytest.mark.parametrize("word", ["lavrov", "لافروف", "लावरोव", "лавров"])
def test_keys_are_bounded_and_plain(word: str) -> None:
    """A name as long as a page has a key of twelve letters."""
    key = name_key(word * 1000)
    assert key.isascii()
    assert 3 <= len(key) <= 12


@given(st.text(st.characters()))
def test_any_word_has_a_key_or_none(word: str) -> None:
    """Whatever it is written with, and the same every time."""
    key = name_key(word)
    assert key == name_key(word)
    assert key == "" or (len(key) >= 3 and key.isprintable())
