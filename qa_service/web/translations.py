"""The interface in eight languages."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from babel.units import format_unit

from qa_service.text.direction import text_direction

INTERFACE_LANGUAGES: Final = ("ar", "en", "es", "fr", "hi", "ru", "tr", "zh")
DEFAULT_LANGUAGE: Final = "en"

# Arabic readers expect their own digits; Babel leaves them European.
_NUMBERS: Final = {"ar": "arab"}
_DIGITS: Final = {"ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")}


@cache
def _load(name: str) -> Mapping[str, str]:
    """Return a file of messages."""
    text = (files("qa_service.web") / "messages" / f"{name}.json").read_text(encoding="utf-8")
    messages: dict[str, str] = json.loads(text)
    return messages


def choose_language(wishes: Sequence[str | None]) -> str:
    """Return the first interface language among the wishes, such as "fr" for "fr-CA"."""
    for wish in wishes:
        base = (wish or "").lower().replace("_", "-").split("-")[0]
        if base in INTERFACE_LANGUAGES:
            return base
    return DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Interface:
    """The words, dates and digits of the page in one language."""

    language: str

    @property
    def direction(self) -> str:
        """The direction the page is laid out in: "rtl" or "ltr"."""
        return text_direction(self.language)

    @property
    def messages(self) -> Mapping[str, str]:
        """Every message of this language by its key."""
        return _load(self.language)

    def say(self, key: str, **values: object) -> str:
        """Return a message with its `{names}` filled in."""
        return self.messages[key].format(**values)

    def date(self, day: dt.date) -> str:
        """Write a date out as readers of this language do."""
        return self._with_own_digits(format_date(day, format="long", locale=self.language))

    def number(self, value: int) -> str:
        """Write a number with this language's digits and separators."""
        system = _NUMBERS.get(self.language, "latn")
        return self._with_own_digits(
            format_decimal(value, locale=self.language, numbering_system=system)
        )

    def size(self, size_bytes: int) -> str:
        """Write a size in megabytes out."""
        text = format_unit(
            round(size_bytes / 1e6, 1), "digital-megabyte", length="short", locale=self.language
        )
        return self._with_own_digits(text)

    def language_name(self, code: str) -> str:
        """Name a language in this language; its code where no name is known, "" for "und"."""
        if code == "und":
            return ""
        try:
            name = Locale.parse(code, sep="-").get_display_name(self.language)
        except (UnknownLocaleError, ValueError):
            name = Locale.parse(self.language).languages.get(code)
        return name or code

    def _with_own_digits(self, text: str) -> str:
        return text.translate(_DIGITS.get(self.language, {}))


@cache
def own_name(code: str) -> str:
    """Name an interface language in itself."""
    name = Locale.parse(code).get_display_name(code) or code
    return name[:1].upper() + name[1:]
