"""The direction that a language is written in."""

from __future__ import annotations

import pytest

from qa_service.text.direction import RIGHT_TO_LEFT_LANGUAGES, text_direction
from qa_service.text.scripts import scripts_of


@pytest.mark.parametrize(
    ("language", "direction"),
    [
        ("ar", "rtl"), ("he", "rtl"), ("ur", "rtl"), ("fa", "rtl"), ("dv", "rtl"),
        ("zh", "ltr"), ("th", "ltr"), ("hi", "ltr"), ("en", "ltr"), ("xx", "ltr"),
        ("und", "auto"),
    ],
)  # fmt: skip
def test_direction_follows_from_the_language(language: str, direction: str) -> None:
    """What is not known is left to the browser."""
    assert text_direction(language) == direction


@pytest.mark.parametrize("script", ["arabic", "hebrew", "thaana"])
def test_no_language_of_a_right_to_left_script_is_forgotten(script: str) -> None:
    """Both tables name the same languages, but for those that are told as another one."""
    languages = {
        language
        for language in ["ar", "fa", "ur", "ps", "ckb", "ug", "sd", "ks", "he", "yi", "dv"]
        if script in scripts_of(language)
    }
    assert languages
    assert languages <= RIGHT_TO_LEFT_LANGUAGES
