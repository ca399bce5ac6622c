"""What tells languages of one script apart: telling letters and everyday words."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
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
    """What tells the languages of a script apart, by script and then by language.

    `priors` say how likely a language is before a word is read: 1 for those that write most of the
    world's articles, less for those that a statistical model likes to guess for short or odd text.
    `telling_letters` are written by few languages of the script. `everyday_words` are what a
    question or a short sentence nearly always holds.
    """

    priors: Mapping[str, Mapping[str, float]]
    telling_letters: Mapping[str, Mapping[str, str]]
    everyday_words: Mapping[str, Mapping[str, frozenset[str]]]


@functools.lru_cache(maxsize=1)
def language_marks() -> LanguageMarks:
    """Load the marks that ship with the package."""
    raw = json.loads(resources.files(__package__).joinpath("languages.json").read_text("utf-8"))
    everyday_words = {
        script: {language: frozenset(words.split()) for language, words in by_language.items()}
        for script, by_language in raw["everyday_words"].items()
    }
    return LanguageMarks(raw["priors"], raw["telling_letters"], everyday_words)
