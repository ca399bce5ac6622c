"""Which writing system a character belongs to, and which systems are written without spaces."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

SHARED = "shared"
"""The script of digits, punctuation, symbols and marks: they go with any letters."""

_FIRST_WORDS = {
    "CJK": "han",
    "IDEOGRAPHIC": "han",
    "HALFWIDTH": "kana",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "KATAKANA-HIRAGANA": "kana",
    "FULLWIDTH": "latin",
    "MODIFIER": SHARED,
    "FEMININE": "latin",
    "MASCULINE": "latin",
}

UNSPACED_SCRIPTS = frozenset(
    {"han", "kana", "bopomofo", "thai", "lao", "khmer", "myanmar", "tibetan", "javanese", "yi"}
    | {"balinese", "tai", "new", "cham"}
)
"""Scripts that put no space between words; "new" and "tai" are New Tai Lue, Tai Le, Tai Tham."""

_LANGUAGES_BY_SCRIPT = {
    "arabic": "ar arz ary fa ur ps ckb ug sd ks azb pnb",
    "hebrew": "he yi",
    "cyrillic": "ru uk bg be mk sr kk ky mn tg tt ba cv ce os",
    "greek": "el",
    "armenian": "hy",
    "georgian": "ka",
    "devanagari": "hi mr ne sa mai bho new",
    "bengali": "bn as",
    "gurmukhi": "pa",
    "gujarati": "gu",
    "oriya": "or",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "sinhala": "si",
    "thai": "th",
    "lao": "lo",
    "myanmar": "my shn",
    "khmer": "km",
    "tibetan": "bo dz",
    "ethiopic": "am ti",
    "thaana": "dv",
    "hangul": "ko",
    "han": "zh yue wuu ja ko",
    "kana": "ja",
    "latin": "sr kk tg",
}
_SCRIPTS_BY_LANGUAGE = {
    language: frozenset(
        script for script, codes in _LANGUAGES_BY_SCRIPT.items() if language in codes.split()
    )
    for codes in _LANGUAGES_BY_SCRIPT.values()
    for language in codes.split()
}


def scripts_of(language: str) -> frozenset[str]:
    """Name the scripts a language is written in: Latin unless known otherwise; none for "und"."""
    if language == "und":
        return frozenset()
    return _SCRIPTS_BY_LANGUAGE.get(language, frozenset({"latin"}))


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """Name the script of a letter in lower case ("latin", "arabic", "han", "kana", "thai", …).

    Chinese characters are "han" in every language and both Japanese syllabaries are "kana".
    Whatever is not a letter is `SHARED`.
    """
    if not char.isalpha():
        return SHARED
    first_word = unicodedata.name(char, "").split(" ", 1)[0]
    if first_word == "HALFWIDTH" and "HANGUL" in unicodedata.name(char):
        return "hangul"
    return _FIRST_WORDS.get(first_word, first_word.lower() or SHARED)


def dominant_script(text: str, *, sample: int = 2000) -> str:
    """Name the script of most letters; `SHARED` without letters.

    Long texts are judged by about `sample` characters, evenly spread. Japanese counts as "kana"
    though largely written in Chinese characters: a tenth of kana tells it.
    """
    counts = Counter(map(script_of, text[:: max(1, len(text) // sample)]))
    del counts[SHARED]
    if not counts:
        return SHARED
    if counts["kana"] * 9 >= counts["han"] > 0:
        counts["kana"] += counts.pop("han")
    return max(counts, key=lambda script: (counts[script], script))
