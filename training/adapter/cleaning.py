"""What is left out of aligned texts: untranslated, garbled, repeated, too long."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from training.adapter.documents import Document, Kind, Unit

_SPACE = re.compile(r"\s+")
# Ranges of code points in which most letters of a language lie; other languages are written in
# Latin letters.
_SCRIPTS: Mapping[str, tuple[tuple[int, int], ...]] = {
    language: ranges
    for languages, ranges in (
        ("ar fa ur ps ug sd ckb", ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFEFF))),
        ("he yi", ((0x590, 0x5FF),)),
        ("ru uk bg sr mk be kk ky mn", ((0x400, 0x52F),)),
        ("el", ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
        ("hi mr ne sa", ((0x900, 0x97F),)),
        ("bn as", ((0x980, 0x9FF),)),
        ("pa", ((0xA00, 0xA7F),)),
        ("gu", ((0xA80, 0xAFF),)),
        ("or", ((0xB00, 0xB7F),)),
        ("ta", ((0xB80, 0xBFF),)),
        ("te", ((0xC00, 0xC7F),)),
        ("kn", ((0xC80, 0xCFF),)),
        ("ml", ((0xD00, 0xD7F),)),
        ("si", ((0xD80, 0xDFF),)),
        ("th", ((0xE00, 0xE7F),)),
        ("lo", ((0xE80, 0xEFF),)),
        ("my", ((0x1000, 0x109F),)),
        ("ka", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF))),
        ("hy", ((0x530, 0x58F),)),
        ("am", ((0x1200, 0x139F),)),
        ("km", ((0x1780, 0x17FF),)),
        ("zh ja", ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))),
        ("ko", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))),
    )
    for language in languages.split()
}
# Names of programs stay in Latin letters everywhere, so half is too much to ask.
_LEAST_OWN_SCRIPT = 0.35
_LEAST_LETTERS = 0.4
_LONGEST = 4_000
# A translation is longer or shorter than its original, but not by this much.
_LONGEST_RATIO = 4.0
_RATIO_FROM = 40
_REPEATED_FROM = 30


def clean_text(text: str) -> str:
    """Return a text on one line, composed, without soft hyphens and zero-width spaces."""
    composed = unicodedata.normalize("NFC", text)
    for invisible in ("\u00ad", "\u200b", "\ufeff"):
        composed = composed.replace(invisible, "")
    return _SPACE.sub(" ", composed).strip()


def is_written_in(text: str, language: str) -> bool:
    """Tell whether a text has letters, and enough of them in the language's own script."""
    letters = [character for character in text if unicodedata.category(character)[0] in "LM"]
    if len(letters) < _LEAST_LETTERS * len(text.replace(" ", "")) or not letters:
        return False
    ranges = _SCRIPTS.get(language, ((0x41, 0x24F), (0x1E00, 0x1EFF), (0x300, 0x36F)))
    own = "".join(
        letter for letter in letters if any(low <= ord(letter) <= high for low, high in ranges)
    )
    return _weighted_length(own) >= _LEAST_OWN_SCRIPT * _weighted_length("".join(letters))


def clean_unit(unit: Unit, pivot: str) -> Unit | None:
    """Return a unit with what is usable, or None when that is not at least two languages."""
    texts = {language: clean_text(text) for language, text in unit.texts.items()}
    original = texts.get(pivot, "")
    kept = {
        language: text
        for language, text in sorted(texts.items())
        if 0 < len(text) <= _LONGEST
        and is_written_in(text, language)
        and (language == pivot or text.casefold() != original.casefold())
        and _is_plausible(unit.kind, text, original)
    }
    if len(kept) < 2:
        return None
    return Unit(unit.kind, kept)


def _is_plausible(kind: Kind, text: str, original: str) -> bool:
    """Tell whether the lengths allow one text to be a translation of the other."""
    if kind is not Kind.TEXT or min(len(text), len(original)) < _RATIO_FROM:
        return True
    # Ideographs tell about three times as much each.
    lengths = [_weighted_length(text), _weighted_length(original)]
    return max(lengths) <= _LONGEST_RATIO * min(lengths)


def _weighted_length(text: str) -> int:
    return sum(3 if 0x3040 <= ord(character) <= 0xD7AF else 1 for character in text)


def clean_documents(documents: Iterable[Document], pivot: str) -> Iterator[Document]:
    """Yield the documents that are left when units that will not do are taken out.

    A paragraph that an earlier document of the same source has is left out, too: as somebody's
    negative it would be a right answer, and a validation document must not hold it.
    """
    seen: set[tuple[str, str]] = set()
    for document in documents:
        units = []
        for unit in document.units:
            cleaned = clean_unit(unit, pivot)
            if cleaned is None:
                continue
            text = next(iter(cleaned.texts.values()))
            text = cleaned.texts.get(pivot, text)
            if cleaned.kind is Kind.TEXT and len(text) >= _REPEATED_FROM:
                if (document.source, text) in seen:
                    continue
                seen.add((document.source, text))
            units.append(cleaned)
        if any(unit.kind is Kind.TEXT for unit in units):
            yield Document(document.source, document.name, tuple(units))
