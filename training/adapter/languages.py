"""Which languages are used, by ISO 639-1 code, and how packages spell them."""

from __future__ import annotations

PIVOT = "en"
"""The language that all sources were translated from, or all have."""

# Of those that the model was trained on, what the sources hold enough of.
_NAMES = (
    "am ar bg bn ca cs da de el en es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn "
    "ko lt lv mk ml mr nl no pa pl pt ro ru si sk sl sq sr sv sw ta te th tr uk ur uz vi zh"
)
LANGUAGES = frozenset(_NAMES.split())
# Written otherwise than the language's other texts, or a language of its own.
_LEFT_OUT = frozenset({"zh-tw", "zh-hk", "zh-hant", "sr-latin", "sr-latn", "ca-valencia", "en-gb"})
_OTHER_NAMES = {"c": "en", "nb": "no", "nn": "", "tl": "", "cmn": "zh", "arb": "ar", "prs": ""}


def language_of(tag: str) -> str | None:
    """Return the language that a package's tag (`pt_BR`, `ar-MA`, `C`) means; None for no use."""
    spelled = tag.lower().replace("_", "-").replace("@", "-")
    if spelled in _LEFT_OUT:
        return None
    base = spelled.split("-")[0]
    language = _OTHER_NAMES.get(base, base)
    return language if language in LANGUAGES else None
