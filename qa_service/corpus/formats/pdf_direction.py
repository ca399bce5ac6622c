"""Text as it stands on a line, from left to right, to text as it is read.

Arabic and Hebrew run from right to left, and most PDFs place each glyph where it is seen. The
bidirectional algorithm turns what is read into what is seen; applied to what is seen it gives back
what is read, except around numbers, where the result is checked by turning it forth again. A few
programs do not shape or turn such text at all, and write letters in the order they are read; which
of the two a file is shows in its words: letters that only end words begin none.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from bidi import get_display  # type: ignore[import-untyped]

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEFT_TO_RIGHT = re.compile("[A-Za-z\u00c0-\u058f\u0900-\u1fff\u3040-\u9fff\uac00-\ud7af]")
_WORD = re.compile("[\u0590-\u06d3\u06d5-\u08ff\u200c]+")
# Letters that stand at the end of words only: Arabic ta marbuta and alef maqsura, Hebrew finals.
_FINAL_ONLY = frozenset("ةىךםןףץ")
# Words that carry no meaning and half of any text, in Arabic, Persian, Urdu and Hebrew.
_EVERYDAY = frozenset(
    ("في", "من", "على", "إلى", "عن", "أن", "هذا", "التي", "الذي", "و", "به", "در", "از", "که", "را",
     "این", "با", "است", "برای", "کے", "کی", "میں", "ہے", "سے", "کو", "اور", "של", "את", "על", "לא",
     "הוא", "היא", "כי", "זה", "עם")
)  # fmt: skip
_NUMBERS = re.compile(r"\d+(?:\s?[-–—/.:]\s?\d+)+")
_MAX_NUMBERS_TO_TRY = 4

# Shapes of letters, ligatures and radicals that PDFs name instead of the letters themselves. NFKC
# undoes these; elsewhere it would change what people see, such as full-width punctuation or ½.
_SHAPES = re.compile(
    "[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufb4f\ufb50-\ufdfb\ufe70-\ufefc\u2f00-\u2fd5]+"
)
# NFKC sets a lone Arabic mark on a space; it belongs to the letter before it.
_MARK_ON_SPACE = re.compile("[ \u0640]([\u064b-\u0652])")
_RADICALS = str.maketrans(
    "⺁⺄⺆⺈⺌⺍⺗⺝⺟⺠⺫⺮⺶⺻⺼⻁⻄⻅⻆⻈⻉⻋⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳",
    "厂乙冂刀小小心月母民目竹羊聿肉虎西见角讠贝车长门雨青韦页风飞食马骨鬼鱼鸟麦黄齐齿龙龟",
)


def is_right_to_left(texts: Iterable[str]) -> bool:
    """Tell whether most letters of these lines belong to right-to-left scripts."""
    right = left = 0
    for text in texts:
        right += len(_RIGHT_TO_LEFT.findall(text))
        left += len(_LEFT_TO_RIGHT.findall(text))
    return right > left


def is_in_reading_order(lines: Sequence[Sequence[str]], *, base: str) -> bool:
    """Tell whether the lines' right-to-left words already stand in the order they are read."""
    as_is = turned = 0
    for clusters in lines:
        if not any(_RIGHT_TO_LEFT.search(cluster) for cluster in clusters):
            continue
        as_is += _wordiness(unshaped("".join(clusters)))
        turned += _wordiness(unshaped(_turned(clusters, base)))
    return as_is > turned


def read_order(clusters: Sequence[str], *, base: str, is_turned: bool) -> str:
    """Return a line as it is read.

    Args:
        clusters: the line's letters with their marks, from left to right.
        base: "R" for pages of right-to-left text, else "L".
        is_turned: False when the words stand in reading order already.
    """
    text = "".join(clusters)
    if is_turned and _RIGHT_TO_LEFT.search(text):
        text = _turned(clusters, base)
    return unshaped(text)


def unshaped(text: str) -> str:
    """Replace letter shapes by the letters."""
    text = _SHAPES.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return _MARK_ON_SPACE.sub(r"\1", text.translate(_RADICALS))


def _turned(clusters: Sequence[str], base: str) -> str:
    # A glyph that says several letters says them in reading order; seen from the left, the last
    # one stands first.
    seen = "".join(
        cluster[::-1] if len(cluster) > 1 and _RIGHT_TO_LEFT.search(cluster) else cluster
        for cluster in clusters
    )
    read = str(get_display(seen, base_dir=base))
    return (
        read if str(get_display(read, base_dir=base)) == seen else _mend_numbers(read, seen, base)
    )


def _mend_numbers(read: str, seen: str, base: str) -> str:
    """Find the order of number ranges and dates that looks like what is seen."""
    groups = list(_NUMBERS.finditer(read))[:_MAX_NUMBERS_TO_TRY]
    for choice in itertools.product((False, True), repeat=len(groups)):
        candidate = read
        for match, is_reversed in zip(groups, choice, strict=True):
            if is_reversed:
                parts = re.findall(r"\d+|\D+", match[0])
                candidate = (
                    candidate[: match.start()] + "".join(parts[::-1]) + candidate[match.end() :]
                )
        if str(get_display(candidate, base_dir=base)) == seen:
            return candidate
    return read


def _wordiness(text: str) -> int:
    score = 0
    for word in _WORD.findall(text):
        if word in _EVERYDAY:
            score += 2
        if len(word) > 2:
            score += (word[-1] in _FINAL_ONLY) - 2 * (word[0] in _FINAL_ONLY)
            score += word.startswith("ال") - word.endswith("لا")
    return score
