"""Answers are compared word by word, in scripts without words by character."""

from __future__ import annotations

import pytest

from training.reader.answers import holds_any, is_exact, normalize, overlap, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Café, 1911!", "the cafe 1911"),
        ("الأمير سَالِم", "الأمير سالم"),
        ("١٩٣٣", "1933"),
        ("२०५ मीटर", "205 मीटर"),
        ("１９５７年", "1957年"),
        ("שָׁלוֹם", "שלום"),
    ],
)
def test_spellings_of_one_answer(one: str, other: str) -> None:
    """Case, accents, optional vowel signs, digits and punctuation tell no answers apart."""
    assert normalize(one) == normalize(other)


def test_vowels_of_indic_scripts_are_letters() -> None:
    """Words of Hindi and Thai that differ in a vowel sign are different words."""
    assert normalize("कि") != normalize("की")
    assert normalize("กี่") != normalize("กา")


def test_words_by_script() -> None:
    """Chinese, Japanese and Thai fall into characters, Korean and Arabic into words."""
    assert words("长江桥1957", "zh") == ["长", "江", "桥", "1957"]
    assert len(words("สะพาน", "th")) == 5
    assert words("한강 다리", "ko") == ["한강", "다리"]
    assert words("the Bridge", "en") == ["bridge"]


def test_overlap() -> None:
    """F1 counts what both have; an answer without words equals only another such."""
    assert overlap("Hans Meier", "Dr Hans Meier", "en") == pytest.approx(0.8)
    assert overlap("梅春先生", "梅春", "zh") == pytest.approx(2 * 2 / 6)
    assert overlap("", "x", "en") == 0
    assert is_exact("The bridge.", ["bridge"], "en")
    assert not is_exact("梅春先生", ["梅春"], "zh")


def test_an_answer_inside_another_word_is_none() -> None:
    """A passage with "19113" does not hold "1911"; characters of Chinese need no gap."""
    assert not holds_any(normalize("House 19113"), ["1911"])
    assert holds_any(normalize("Built in 1911."), ["1911"])
    assert holds_any(normalize("设计者是梅春先生"), ["梅春"])
    assert not holds_any(normalize("anything"), ["…"])
