"""The direction that a language is written in."""

from __future__ import annotations

from typing import Literal

RIGHT_TO_LEFT_LANGUAGES = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
)


Direction = Literal["ltr", "rtl", "auto"]


def text_direction(language: str) -> Direction:
    """Tell "rtl" or "ltr" for an ISO 639 language code; unknown languages read "auto"."""
    if language == "und":
        return "auto"
    return "rtl" if language in RIGHT_TO_LEFT_LANGUAGES else "ltr"
