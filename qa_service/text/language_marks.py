"""What tells languages of one script apart: telling letters and everyday words."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib import resources

# Scripts that settle the language by themselves.
LANGUAGE_OF_SCRIPT: Mapping[str, str] = {
    "armenian": "hy", "bopomofo": "zh", "ethiopic": "am", "georgian": "ka", "greek": "el",
    "gujarati": "gu", "gurmukhi": "pa", "han": "zh", "hangul": "ko", "hebrew": "he", "kana": "ja",
    "kannada": "kn", "khmer": "km", "lao": "lo", "malayalam": "ml", "myanmar": "my", "oriya": "or",
    "sinhala": "si", "tamil": "ta", "telugu": "te", "thaana": "dv", "thai": "th", "tibetan": "bo",
}  # fmt: skip

# Labels of the statistical model that stand for a language named otherwise.
SAME_LANGUAGE: Mapping[str, str] = {
    "arz": "ar", "ary": "ar", "sdh": "ku", "nn": "no", "nb": "no", "gom": "mr", "uzs": "uz",
    "wuu": "zh", "yue": "zh", "hbo": "he", "iw": "he", "in": "id", "ckb": "ku",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LanguageMarks:
    """What tells the languages of a script apart, by script.

    `priors` say how likely a language is before a word is read: 1 for those that write most of the
    world's articles, less for those that a statistical model likes to guess for short or odd text.
    `telling_letters` are written by few languages of the script, `everyday_words` are what a
    question or a short sentence nearly always holds: each with the languages that it is a mark of.
    """

    priors: Mapping[str, Mapping[str, float]]
    telling_letters: Mapping[str, Mapping[str, tuple[str, ...]]]
    everyday_words: Mapping[str, Mapping[str, tuple[str, ...]]]


@functools.lru_cache(maxsize=1)
def language_marks() -> LanguageMarks:
    """Load the marks that ship with the package."""
    raw = json.loads(resources.files(__package__).joinpath("languages.json").read_text("utf-8"))
    telling_letters = {
        script: _languages_of({language: set(letters) for language, letters in own.items()})
        for script, own in raw["telling_letters"].items()
    }
    everyday_words = {
        script: _languages_of({language: set(words.split()) for language, words in own.items()})
        for script, own in raw["everyday_words"].items()
    }
    return LanguageMarks(raw["priors"], telling_letters, everyday_words)


def _languages_of(marks: Mapping[str, Set[str]]) -> dict[str, tuple[str, ...]]:
    """Turn the marks of each language into the languages of each mark."""
    languages: dict[str, tuple[str, ...]] = {}
    for language, own in marks.items():
        for mark in own:
            languages[mark] = (*languages.get(mark, ()), language)
    return languages
