"""Dates as people and web pages write them."""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import re
import unicodedata
from collections.abc import Mapping

_EARLIEST_YEAR, _LATEST_YEAR = 1500, 2200
_BUDDHIST_ERA = 543
_MAX_LENGTH = 100

# Months by their Levantine, Egyptian, Gulf and Maghrebi names, after folding of hamza.
_ARABIC_MONTHS = (
    "يناير|كانون الثاني|جانفي|كانون ثاني",
    "فبراير|شباط|فيفري",
    "مارس|اذار",
    "ابريل|نيسان|افريل",
    "مايو|ايار|ماي",
    "يونيو|حزيران|جوان|يونيه",
    "يوليو|تموز|جويليه|يوليوز|يوليه",
    "اغسطس|اب|اوت|غشت",
    "سبتمبر|ايلول|شتنبر",
    "اكتوبر|تشرين الاول|تشرين اول",
    "نوفمبر|تشرين الثاني|نونبر|تشرين ثاني",
    "ديسمبر|كانون الاول|دجنبر|كانون اول",
)
_MONTH_OF = {
    name: number for number, names in enumerate(_ARABIC_MONTHS, 1) for name in names.split("|")
}
_MONTH_NAMES = "|".join(sorted(_MONTH_OF, key=lambda name: (-len(name), name)))
_ARABIC_DATE = re.compile(
    rf"(?<!\d)(\d{{1,2}})\s+(?:من\s+)?({_MONTH_NAMES})(?:\s*[/(]\s*(?:{_MONTH_NAMES})\)?)?"
    r"[\s,،]+(?:عام\s+)?(\d{4})(?!\d)"
)
_YEAR_FIRST = re.compile(
    r"(?<!\d)(\d{4})\s?(?:[-./]|年|년)\s?(\d{1,2})\s?(?:[-./]|月|월)\s?(\d{1,2})(?!\d)\s?[日일]?"
)
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-./])(\d{1,2})\2(\d{4})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?:T\d+Z?)?(?!\d)")
_ANY_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_ANY_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_HIJRI = re.compile(r"هـ|(?<!\w)ه\.?(?!\w)|\bAH\b|هجري")
_TIME = re.compile(
    r"[T,،]?\s*(?:(?:at|um|à|a las|às|om|kl\.?|в|о|saat|الساعة|ساعت)\s+)?"
    r"(?<![\d:.])\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?(?![\d:])"
    r"\s*(?:[ap]\.?\s?m\b\.?|[صم](?!\w)|مساء|صباحا|uhr|h\b|hrs?\b)?"
    r"\s*(?:Z\b|(?:GMT|UTC|MSK|CET|CEST|EST|EDT|PST|PDT|BST|IST|МСК)?\s?(?:[+-]\d{1,2}(?::?\d{2})?)?"
    r"(?!\w))",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*[|•·]\s*|\s+[-–—ـ]\s+")
_ARABIC_FOLDS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه", "ى": "ي", "ـ": None})
_MAX_REST_WORDS = 3
_MAX_REST_LENGTH = 30

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")  # fmt: skip
# Where months have names; the language of the text itself is tried first.
_LANGUAGES_WITH_MONTHS = (
    "en", "fr", "es", "de", "it", "pt", "ru", "uk", "tr", "nl", "pl", "cs", "sv", "da", "nb", "fi",
    "el", "ro", "hu", "bg", "hr", "sr", "id", "vi", "th", "hi", "bn", "fa", "ur", "he", "az", "ka",
    "mr", "ta", "te", "sw",
)  # fmt: skip


def parse_date(value: str, language: str | None = None) -> dt.date | None:
    """Read the day a text names, in any of the usual notations, scripts and digits.

    A day of the Gregorian calendar must be there in full; a date of another calendar is not
    converted, save for the Thai Buddhist era. Where day and month can be mistaken for each other
    (03/04/2020), English texts have the month first, all others the day.

    Returns:
        The date, or None when there is none, only a part of one, or it is not understood.
    """
    value = _fold(value)
    if len(value) > _MAX_LENGTH or _HIJRI.search(value):
        return None
    found = _find_numeric(value, language)
    if found is not None:
        return found[0]
    compact = _COMPACT.fullmatch(value)
    if compact is not None:
        return _date(int(compact[1]), int(compact[2]), int(compact[3]))
    return _parse_words(value, language)


def parse_date_line(line: str, language: str | None = None) -> dt.date | None:
    """Read the day from a line that holds a date and nothing else that matters.

    Beside the date there may be a weekday, a time, a time zone and a place of a word or two.
    """
    line = _fold(line)
    if len(line) > _MAX_LENGTH or _HIJRI.search(line) or not _ANY_YEAR.search(line):
        return None
    day: dt.date | None = None
    for part in _PARTS.split(line):
        without_time = _TIME.sub(" ", part).strip(" ,،.")
        found = _find_numeric(without_time, language)
        if found is not None:
            day = day or found[0]
            rest = found[1]
        elif any(character.isdigit() for character in without_time):
            in_words = _parse_words(without_time, language)
            if in_words is None:
                return None
            day = day or in_words
            rest = ""
        else:
            rest = without_time
        if not _is_aside(rest):
            return None
    return day


def _is_aside(rest: str) -> bool:
    words = rest.split()
    return (
        len(words) <= _MAX_REST_WORDS
        and len(rest) <= _MAX_REST_LENGTH
        and not any(character.isdigit() for character in rest)
    )


def _fold(value: str) -> str:
    digits = "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in unicodedata.normalize("NFC", value[: 2 * _MAX_LENGTH])
    )
    return " ".join(re.sub("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]", "", digits).split())


def _find_numeric(value: str, language: str | None) -> tuple[dt.date, str] | None:
    """Find a date written in figures, or with an Arabic month, and what stands around it."""
    folded = value.translate(_ARABIC_FOLDS)
    for pattern in (_YEAR_FIRST, _ARABIC_DATE, _YEAR_LAST):
        match = pattern.search(folded)
        if match is None:
            continue
        if pattern is _YEAR_FIRST:
            year, month, day = int(match[1]), int(match[2]), int(match[3])
        elif pattern is _ARABIC_DATE:
            year, month, day = int(match[3]), _MONTH_OF[match[2]], int(match[1])
        else:
            year, month, day = _in_order(int(match[1]), int(match[3]), int(match[4]), language)
        found = _date(year, month, day)
        if found is not None:
            return found, f"{folded[: match.start()]} {folded[match.end() :]}".strip(" ,،.:-")
    return None


def _in_order(first: int, second: int, year: int, language: str | None) -> tuple[int, int, int]:
    month_first = second > 12 or (language == "en" and first <= 12)
    return (year, first, second) if month_first else (year, second, first)


def _date(year: int, month: int, day: int) -> dt.date | None:
    if year - _BUDDHIST_ERA >= 1900 and year > _LATEST_YEAR:
        year -= _BUDDHIST_ERA
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


@functools.lru_cache(maxsize=1024)
def _parse_words(value: str, language: str | None) -> dt.date | None:
    """Read a date whose month is a word."""
    if not (_ANY_YEAR.search(value) and _ANY_DAY.search(value)):
        return None
    words = _words(value)
    if not words:
        return None
    # Most lines with a year and a number are no date, and the parser takes long to find that out
    # in three dozen languages: it is asked about those alone that call a month so.
    months = _month_words()
    languages = [name for name in _LANGUAGES_WITH_MONTHS if words & months[name]]
    if not languages:
        return None
    # Heavy, and needed by few files only.
    import dateparser  # type: ignore[import-untyped]

    if language in languages:
        languages.remove(language)
        languages.insert(0, language)
    parsed = dateparser.parse(
        value,
        languages=languages,
        settings={
            "PARSERS": ["absolute-time"],
            "REQUIRE_PARTS": ["day", "month", "year"],
            "DATE_ORDER": "MDY" if language == "en" else "DMY",
        },
    )
    return None if parsed is None else _date(parsed.year, parsed.month, parsed.day)


def _words(text: str) -> frozenset[str]:
    """Return the words of a text without marks and case, as names of months are compared."""
    letters = (
        letter
        for letter in unicodedata.normalize("NFKD", text[: 2 * _MAX_LENGTH]).casefold()
        if unicodedata.category(letter)[0] != "M"
    )
    return frozenset(re.findall(r"[^\W\d_]+", "".join(letters)))


@functools.lru_cache(maxsize=1)
def _month_words() -> Mapping[str, frozenset[str]]:
    """Return the words that name months, by language."""
    found = {}
    for language in _LANGUAGES_WITH_MONTHS:
        names = importlib.import_module(f"dateparser.data.date_translation_data.{language}").info
        months = (name for month in _MONTHS for name in names[month])
        found[language] = frozenset(word for name in months for word in _words(name))
    return found
