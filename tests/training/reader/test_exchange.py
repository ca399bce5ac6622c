"""Questions are turned to what their passage does not have."""

from __future__ import annotations

import random

import pytest

from training.reader.answers import normalize
from training.reader.exchange import Exchanger

PAIRS = {
    "en": [
        ("When did Hans Meier build the Ada Bridge?", "Hans Meier built the Ada Bridge in 1911."),
        ("Who met Olga Brandt in 1954?", "In 1954 Olga Brandt met nobody."),
    ],
    "ar": [
        ("متى افتتح الأمير سالم الجسر؟", "افتتح الأمير سالم الجسر عام 1933."),
        ("ماذا حدث في بيروت عام 1978؟", "في بيروت عام 1978 بني برج."),
    ],
    "zh": [
        ("长江大桥建于哪年？", "长江大桥建于一九五七年。"),
        ("东方明珠有多高？", "东方明珠高468米。"),
    ],
    "ja": [
        ("エジソンは何を発明した?", "エジソンは電球を発明した。"),
        ("ナポレオンはどこで生まれた?", "ナポレオンはコルシカで生まれた。"),
    ],
    "hi": [
        ("1943 में क्या बना?", "1943 में लाल पुल बना।"),
        ("1857 में क्या हुआ?", "1857 में विद्रोह हुआ।"),
    ],
}


@pytest.mark.parametrize("language", PAIRS)
def test_exchanged_name_is_not_in_the_passage(language: str) -> None:
    """Something of the question is exchanged for what its passage does not have at all."""
    exchanger = Exchanger(language, PAIRS[language])
    for question, passage in PAIRS[language]:
        changed = exchanger.exchange(question, passage, random.Random(1))
        assert changed
        assert changed != question
        new = set(normalize(changed).split()) - set(normalize(question).split())
        assert new
        if language not in ("zh", "ja"):
            assert not new & set(normalize(passage).split())


def test_number_for_number_and_name_for_name() -> None:
    """A year is exchanged for a year, a name of two words for another such."""
    exchanger = Exchanger("en", PAIRS["en"])
    question, passage = PAIRS["en"][1]
    seen = {exchanger.exchange(question, passage, random.Random(seed)) for seed in range(30)}
    assert "Who met Hans Meier in 1954?" in seen
    assert not any("Bridge in 1954 in" in one for one in seen)


def test_no_way_to_exchange() -> None:
    """A question that names nothing its passage has is left alone."""
    exchanger = Exchanger("en", PAIRS["en"])
    assert not exchanger.exchange("how long is it?", "It is long.", random.Random(1))
    alone = Exchanger("en", PAIRS["en"][:1])
    assert not alone.exchange("When did it burn in 1911?", "It burnt in 1911.", random.Random(1))


def test_words_with_vowel_signs_are_whole() -> None:
    """A word of Hindi is exchanged as a whole, not up to its first vowel sign."""
    pairs = [
        ("विद्रोह कहाँ हुआ?", "विद्रोह मेरठ में हुआ।"),
        ("महोत्सव कहाँ हुआ?", "महोत्सव पटना में हुआ।"),
    ]
    changed = Exchanger("hi", pairs).exchange(*pairs[0], random.Random(1))
    assert changed == "महोत्सव कहाँ हुआ?"
