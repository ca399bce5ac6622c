"""Fields that files give about an article: names, and values brought to one form."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_service.corpus.draft import Draft

_MAX_VALUE_LENGTH = 2000
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9-_]*)?")
_OLD_CODES = {
    "iw": "he", "in": "id", "ji": "yi", "nb": "no", "nn": "no",
    "ara": "ar", "deu": "de", "ger": "de", "eng": "en", "fas": "fa", "per": "fa", "fra": "fr",
    "fre": "fr", "hin": "hi", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl", "por": "pt",
    "rus": "ru", "spa": "es", "tur": "tr", "ukr": "uk", "urd": "ur", "zho": "zh", "chi": "zh",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The names under which a format may give each field, most usual first."""

    id: tuple[str, ...] = ("id",)
    title: tuple[str, ...] = ("title",)
    source: tuple[str, ...] = ("source",)
    url: tuple[str, ...] = ("url",)
    author: tuple[str, ...] = ("author",)
    published: tuple[str, ...] = ("published",)
    language: tuple[str, ...] = ("language",)


def draft_from_fields(
    text: str,
    fields: Mapping[str, object],
    names: FieldNames,
    line: int | None = None,
) -> Draft:
    """Make a draft of a text and the fields given with it; fields of no use here are metadata."""
    left = dict(fields)

    def take(candidates: Sequence[str]) -> str | None:
        for name in candidates:
            if name in left and (value := as_line(left[name])):
                del left[name]
                return value
        return None

    published = next((left.get(name) for name in names.published if name in left), None)
    if isinstance(published, int | float) and not isinstance(published, bool):
        for name in names.published:
            left.pop(name, None)
        day: str | None = _day_of_timestamp(published)
    else:
        day = take(names.published)
    return Draft(
        text=text,
        id=take(names.id),
        title=take(names.title),
        source=take(names.source),
        url=take(names.url),
        author=take(names.author),
        published=day,
        language=take(names.language),
        metadata={name: value for name, value in left.items() if value not in (None, "")},
        line=line,
    )


def as_line(value: object) -> str | None:
    """Bring a field to one line, several values joined by commas; None if it says nothing."""
    if isinstance(value, str):
        return " ".join(value[:_MAX_VALUE_LENGTH].split()) or None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return str(value) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(as_line, value))) or None
    if isinstance(value, dict):
        return as_line(value.get("name"))
    return None


def language_code(value: str) -> str | None:
    """Bring a language tag such as `ar-EG`, `eng` or `iw` to ISO 639-1; None if it is not one."""
    match = _LANGUAGE_TAG.fullmatch(value.strip())
    if match is None:
        return None
    code = match[1].lower()
    return _OLD_CODES.get(code, code)


def _day_of_timestamp(seconds: float) -> str | None:
    if not math.isfinite(seconds):
        return None
    if abs(seconds) > 1e11:  # milliseconds, as JavaScript counts
        seconds /= 1000
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return None
