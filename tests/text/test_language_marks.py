"""The marks that tell languages of one script apart are those that texts can hold."""

from __future__ import annotations

import pytest

from qa_service.text.language_marks import LANGUAGE_OF_SCRIPT, SAME_LANGUAGE, language_marks
from qa_service.text.scripts import script_of, scripts_of


def test_every_letter_is_of_its_script() -> None:
    """A telling letter of another script would be met in no word of this one."""
    for script, letters in language_marks().telling_letters.items():
        assert {
            letter for letter in letters if script_of(letter) not in (script, "shared")
        } == set()


def test_every_word_is_written_in_its_script() -> None:
    """And in one word, as texts are compared: without capitals."""
    for script, words in language_marks().everyday_words.items():
        for word in words:
            assert word == word.casefold() or script == "latin", word
            assert {script_of(letter) for letter in word} <= {script, "shared"}, word
            assert len(word.split()) == 1


@pytest.mark.parametrize(
    ("script", "word", "language"),
    [
        ("arabic", "است", "fa"),
        ("arabic", "في", "ar"),
        ("devanagari", "है", "hi"),
        ("latin", "the", "en"),
    ],
)
def test_everyday_words_name_their_language(script: str, word: str, language: str) -> None:
    """Each word has the languages that it is a mark of."""
    assert language in language_marks().everyday_words[script][word]


def test_every_language_of_the_table_is_possible() -> None:
    """None is nought, which no word could outweigh."""
    for priors in language_marks().priors.values():
        assert priors
        assert all(prior > 0 for prior in priors.values())


def test_scripts_of_one_language_and_labels_lead_somewhere_else() -> None:
    """A script that settles the language is written by it; a label never stands for itself."""
    for script, language in LANGUAGE_OF_SCRIPT.items():
        assert script in scripts_of(language) | {"bopomofo"}
    assert all(label != language for label, language in SAME_LANGUAGE.items())
    assert set(SAME_LANGUAGE.values()).isdisjoint(SAME_LANGUAGE)
