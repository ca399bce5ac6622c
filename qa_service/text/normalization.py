"""Spellings that mean the same → one spelling, before words are told apart.

For matching only: what people see is the stored text.
"""

from __future__ import annotations

import re
import unicodedata

import regex

from qa_service.text.normal_forms import normalized

DECIMAL_MARK = "٫"
"""Stands in every decimal number after `normalize`; a point may also stand in a date."""

_TURKIC_LANGUAGES = frozenset({"tr", "az"})

# Python's own `re`: it knows the digits that `unicodedata` knows the value of, and no newer ones.
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
# 1,234,567 · 1.234.567 · 1 234 567 · ١٬٢٣٤ · 12,34,567: three digits end it, one mark throughout.
_GROUPED = regex.compile(
    r"(?<![\d.,])\d{1,3}([.,٬'’ \u00a0\u2009\u202f])\d{3}(?:\1\d{3})*(?![\d]|[.,٬]\d{3})"
    r"|(?<![\d.,])\d{1,2}(?:,\d{2})+,\d{3}(?!\d)"
)
_NOT_DIGIT = regex.compile(r"\D")
_DECIMAL = regex.compile(r"(?<![\d.,٫])(\d+)[.,٫](\d+)(?![\d]|[.,٫]\d)")
_LEADING_ZEROS = regex.compile(r"(?<![\d.٫])0+(?=\d)(?!0٫)")

# Invisible marks that only shape or direct letters; U+200C separates in Arabic script alone.
_ARABIC_NON_JOINER = regex.compile(r"(?<=\p{Arabic})\u200c(?=\p{Arabic})")
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Cs}\u0307\u034f\ufe00-\ufe0f]")
_ARABIC_MARKS = regex.compile(r"[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08d3-\u08ff]")
_HEBREW_MARKS = regex.compile(r"[\u0591-\u05c7]|(?<=\p{Hebrew})['\"׳״](?=\p{Hebrew}|$|\s)")
_INNER_APOSTROPHE = regex.compile(
    r"(?<=[\p{Cyrillic}\p{Armenian}])['’ʼ](?=[\p{Cyrillic}\p{Armenian}])"
)
_LETTERS = str.maketrans(
    {
        # Arabic: forms of alef, hamza seats, final ya; Persian and Urdu letters.
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىئیےۓې", "ي"),
        "ؤ": "و",
        **dict.fromkeys("کڪ", "ك"),
        **dict.fromkeys("ہھۀۂەۃ", "ه"),
        "ё": "е",
        "ς": "σ",
    }
)


def normalize(text: str, language: str) -> str:
    """Return text as words are compared: one form per letter, digit and number, in lower case."""
    text = _unify_numbers(_OTHER_DIGIT.sub(_as_ascii, text))
    text = normalized("NFKC", text)
    if language in _TURKIC_LANGUAGES:
        text = text.replace("İ", "i").replace("I", "ı")
    text = _ARABIC_NON_JOINER.sub(" ", text.casefold())
    # U+0307 goes too: "İ" outside Turkish folds to i and a dot above.
    text = _INVISIBLE.sub("", text)
    text = _ARABIC_MARKS.sub("", text)
    text = _HEBREW_MARKS.sub("", text)
    text = _INNER_APOSTROPHE.sub("", text)
    return normalized("NFKC", text).translate(_LETTERS)


def _as_ascii(digit: re.Match[str]) -> str:
    return str(unicodedata.decimal(digit[0]))


def _unify_numbers(text: str) -> str:
    text = _GROUPED.sub(lambda match: _NOT_DIGIT.sub("", match.group()), text)
    text = _DECIMAL.sub(_unify_decimal, text)
    return _LEADING_ZEROS.sub("", text)


def _unify_decimal(match: regex.Match[str]) -> str:
    return f"{match[1]}{DECIMAL_MARK}{match[2]}".rstrip("0").rstrip(DECIMAL_MARK)


_PLAIN_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ة": "ه"}
)
_ACCENTS = regex.compile(r"(?<=[\p{Latin}\p{Greek}]\p{Mn}*)\p{Mn}+")


def fold_accents(word: str) -> str:
    """Return a normalised word without the accents of Latin and Greek letters.

    Marks of other scripts are letters in their own right and stay.
    """
    if word.isascii():
        return word
    decomposed = normalized("NFD", word)
    return normalized("NFC", _ACCENTS.sub("", decomposed)).translate(_PLAIN_LETTERS)
