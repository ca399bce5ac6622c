"""Unicode normal forms in time that grows with the text, whatever the text is."""

from __future__ import annotations

import unicodedata
from typing import Literal

import regex

MAX_MARKS = 30
"""Marks on one letter that are compared: Unicode's bound for text that can be read as a stream."""

# Putting marks into their order takes time that grows with the square of how many there are in a
# row; no writing system has more on a letter than two or three.
_MANY_MARKS = regex.compile(rf"(\p{{M}}{{{MAX_MARKS}}})\p{{M}}+")


def normalized(form: Literal["NFC", "NFKC", "NFD"], text: str) -> str:
    """Return a text in a normal form, without the marks that are too many; for matching only."""
    if not text.isascii():
        text = _MANY_MARKS.sub(r"\1", text)
    return unicodedata.normalize(form, text)
