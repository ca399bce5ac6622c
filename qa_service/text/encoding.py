"""Whether a string can be written down: halves of surrogate pairs cannot."""

from __future__ import annotations


def has_utf8_form(text: str) -> bool:
    """Tell whether a text can be written in UTF-8.

    Names of files, arguments and broken JSON can hold halves of surrogate pairs, which cannot.
    """
    return half_surrogate_at(text) is None


def half_surrogate_at(text: str) -> int | None:
    """Return where the first half of a surrogate pair stands; None when there is none."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None
