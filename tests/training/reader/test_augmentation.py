"""Questions are changed as people type them, and stay the same question."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest

from training.reader.augmentation import (
    Augmenter,
    QuestionPlan,
    with_other_digits,
    without_marks,
)

NONE = QuestionPlan(**{field.name: 0.0 for field in fields(QuestionPlan)})
COMMON = [("en", f"What is the name of the {word}?") for word in ("sea", "king", "town", "hill")]


def changed(question: str, language: str, seed: int = 1, **plan: float) -> str:
    """Return a question after the changes that are named."""
    augmenter = Augmenter(replace(NONE, **plan), COMMON)
    return augmenter.change(question, language, random.Random(seed))


@pytest.mark.parametrize("question", ["Wer war es?", "متى بني؟", "何ですか？", "คืออะไร", "क्या है?"])
def test_nothing_is_changed_without_a_plan(question: str) -> None:
    """Where all is off, questions stay as they are."""
    assert changed(question, "de") == question


def test_the_same_for_the_same_seed() -> None:
    """What is drawn follows from the generator alone."""
    plan = QuestionPlan(*[0.5] * len(fields(QuestionPlan)))
    found = [
        [
            Augmenter(plan).change("متى بني الجسر عام 1933؟", "ar", random.Random(n))
            for n in range(20)
        ]
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert len(set(found[0])) > 10


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("When was it built?", "en"),
        ("متى بني الجسر؟", "ar"),
        ("桥有多长？", "zh"),
        ("ยาวเท่าไร", "th"),
    ],
)
def test_greetings_and_thanks_go_around(question: str, language: str) -> None:
    """The question is whole inside what is put around it."""
    found = changed(question, language, greeting=1.0, thanks=1.0, asking=1.0)
    assert question in found
    assert not found.startswith(question)
    assert not found.endswith(question)


def test_question_mark_and_case() -> None:
    """Marks at the end of any script go; capitals and small letters are all of it."""
    assert changed("متى بني؟", "ar", no_question_mark=1.0) == "متى بني"
    assert changed("谁？", "zh", no_question_mark=1.0) == "谁"
    assert changed("Wer war Änne?", "de", capitals=1.0) == "WER WAR ÄNNE?"
    assert changed("Кто Он?", "ru", lower=1.0) == "кто он?"


def test_marks() -> None:
    """Accents and optional vowel signs go, vowels of Indic and Thai letters stay."""
    assert without_marks("Où est Łódź") == "Ou est Łodz"
    assert without_marks("مُحَمَّد") == "محمد"
    assert without_marks("שָׁלוֹם") == "שלום"
    assert without_marks("कितने की") == "कितने की"
    assert without_marks("เมื่อไร") == "เมื่อไร"


def test_digits_go_both_ways() -> None:
    """Western digits become native ones and native ones western; others stay."""
    assert with_other_digits("عام 1933", "ar") == "عام ١٩٣٣"
    assert with_other_digits("عام ١٩٣٣", "ar") == "عام 1933"
    assert with_other_digits("سال 1402", "fa") == "سال ۱۴۰۲"
    assert with_other_digits("1943 में", "hi") == "१९४३ में"
    assert with_other_digits("1911", "de") == "1911"


def test_keywords() -> None:
    """Question words and the commonest others go; a question of those alone stays."""
    assert changed("What is the height of Ada Bridge?", "en", keywords=1.0) == "height Ada Bridge"
    assert changed("What is it?", "en", keywords=1.0) == "What is it?"
    assert changed("长江桥的设计者是谁？", "zh", keywords=1.0) == "长江桥的设计者是"


def test_question_word_of_another_language() -> None:
    """Only the question word is another language's."""
    found = changed("Who drew the plans?", "en", other_word=1.0)
    assert found.endswith(" drew the plans?")
    assert not found.startswith("Who")
    assert changed("长江桥在哪里", "zh", other_word=1.0).startswith("长江桥在")
