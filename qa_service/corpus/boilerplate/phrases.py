"""What web boilerplate looks like, line by line: phrases in many languages, and shapes."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from qa_service.text.normal_forms import normalized

_FOLDS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ة": "ه", "ؤ": "و",
     "ئ": "ي", "ک": "ك", "ہ": "ه", "ـ": None, "\u0670": None, "ё": "е", "ı": "i", "\u0307": None}
    | {chr(code): None for code in range(0x064B, 0x0653)}
)  # fmt: skip
_NUMBER = re.compile(r"\d+(?:[.,٫٬\u00a0\u202f ]?\d+)*\s?(?:[kKmM]\b)?")
_NOT_WORD = re.compile(r"[^\w#\u0300-\u036f\u0900-\u0dff\u0e31-\u0e4e]+|_")

_IMAGE_FILE = re.compile(
    r"[^\s/\\]*[\w)%-]\.(?:jpe?g|png|gif|webp|svg|bmp|avif|tiff?|heic)(?:\?\S*)?", re.IGNORECASE
)
_FONT_BUTTON = re.compile(
    r"(?:[+\-–−]\s?[AaАа]|[AaАа]\s?[+\-–−]|[Tt]\s?[+\-–−])(?:\s+\S{1,2}){0,3}|A(?:\s+A){1,3}"
)
_SEPARATOR = re.compile(r"[\s*\-_=~•·.…—–―─━|/\\+#<>«»‹›×✕✖▲▼►◄←→↑↓■□●○◆◇★☆]+")
_BREADCRUMB_SIGN = re.compile(r"\s*[>›»«‹\\]\s*|\s/\s")
_MAX_CRUMBS, _MAX_CRUMB_LENGTH = 7, 60
_CLOSING = "\"'”’»›)]}」』）】》 \u200e\u200f"
_SENTENCE_ENDS = ".!?…。！？｡؟۔।॥።։⸮‥"
_FULL_STOPS = ".…。｡۔।॥።։"

# How wide a line must be to be prose, in letters; a Chinese character is worth 2.5 of them.
_WIDE_CHARACTER = 2.5
_PROSE_WIDTH = 80
_LONG_LINE = 700
_SENTENCE_WIDTH = 40


@dataclass(frozen=True, slots=True)
class BoilerplatePhrases:
    """Phrases by what they give away, folded for comparison.

    `anywhere` and `edges` map a whole line to its reason, the latter where it stands above or
    below the body only; `openings` map the beginning of a line; `labels` are what stands before a
    value, as in `Source: Reuters`.
    """

    anywhere: Mapping[str, str]
    edges: Mapping[str, str]
    openings: tuple[tuple[str, str], ...]
    labels: Mapping[str, frozenset[str]]
    agencies: frozenset[str]


@functools.lru_cache(maxsize=1)
def boilerplate_phrases() -> BoilerplatePhrases:
    """Load the phrases that ship with the package."""
    raw = json.loads(resources.files(__package__).joinpath("phrases.json").read_text("utf-8"))
    openings = _reason_by_phrase(raw["openings"])
    return BoilerplatePhrases(
        anywhere=_reason_by_phrase(raw["anywhere"]),
        edges=_reason_by_phrase(raw["edges"]),
        openings=tuple(sorted(openings.items())),
        labels={
            reason: frozenset(_reason_by_phrase({reason: by_language}))
            for reason, by_language in raw["labels"].items()
        },
        agencies=frozenset(
            fold_line(phrase) for phrases in raw["agencies"].values() for phrase in phrases
        ),
    )


def _reason_by_phrase(raw: Mapping[str, Mapping[str, Iterable[str]]]) -> dict[str, str]:
    return {
        fold_line(phrase): reason
        for reason, by_language in raw.items()
        for phrases in by_language.values()
        for phrase in phrases
    }


def fold_line(line: str) -> str:
    """Reduce a line to its kind: every number is `#`, signs and case are gone.

    So `12 comments` is one phrase with `3 comments`; but so is `Chapter 2` with `Chapter 1`, which
    `fold_words` keeps apart.
    """
    return _joined_words(_NUMBER.sub(" # ", _without_case(line)))


def fold_words(line: str) -> str:
    """Reduce a line to its words and numbers, for telling whether two lines say the same."""
    return _joined_words(
        "".join(
            str(unicodedata.decimal(character)) if character.isdecimal() else character
            for character in _without_case(line)
        )
    )


def _without_case(line: str) -> str:
    return normalized("NFKC", line).casefold().translate(_FOLDS)


def _joined_words(folded: str) -> str:
    return " ".join(_NOT_WORD.sub(" ", folded).split())


def line_width(line: str) -> float:
    """Measure a line in letters, so that scripts that say more in a character compare.

    A line far longer than any rule asks about is measured roughly.
    """
    if len(line) > _LONG_LINE:
        return float(len(line))
    return sum(
        _WIDE_CHARACTER if unicodedata.east_asian_width(character) in "WF" else 1.0
        for character in line
        if not unicodedata.combining(character)
    )


def ends_sentence(line: str) -> bool:
    """Tell whether a line ends the way sentences do, quotes and brackets aside."""
    return line.rstrip(_CLOSING)[-1:] in tuple(_SENTENCE_ENDS)


def ends_with_full_stop(line: str) -> bool:
    """Tell whether a line ends in the stop of a statement, which headlines and links go without."""
    return line.rstrip(_CLOSING)[-1:] in tuple(_FULL_STOPS)


def is_prose(line: str) -> bool:
    """Tell whether a line is too long, or too much of a sentence, to be anything but body text."""
    width = line_width(line)
    return width >= _PROSE_WIDTH or (width >= _SENTENCE_WIDTH and ends_sentence(line))


def shape_of_boilerplate(line: str) -> str | None:
    """Name the boilerplate that a line's shape alone gives away, wherever it stands."""
    stripped = line.strip()
    if len(stripped) <= _LONG_LINE and _IMAGE_FILE.fullmatch(stripped):
        return "image_file"
    if _FONT_BUTTON.fullmatch(stripped):
        return "font_size"
    if _SEPARATOR.fullmatch(stripped):
        return "separator"
    return None


def is_breadcrumb(line: str) -> bool:
    """Tell `Home > News > World` and its like."""
    crumbs = _BREADCRUMB_SIGN.split(line.strip()[: _MAX_CRUMBS * _MAX_CRUMB_LENGTH])
    return (
        2 <= len(crumbs) <= _MAX_CRUMBS
        and all(len(crumb) <= _MAX_CRUMB_LENGTH for crumb in crumbs)
        and boilerplate_phrases().edges.get(fold_line(crumbs[0])) == "navigation"
    )


def split_label(line: str, kind: str) -> str | None:
    """Return what follows the label of this kind, "" after a bare label, None without a label."""
    labels = boilerplate_phrases().labels[kind]
    head, colon, rest = _partition_at_colon(line)
    if colon and fold_line(head) in labels:
        return rest.strip(" \t|،,-–—")
    return "" if fold_line(line) in labels else None


def is_agency(text: str) -> bool:
    """Tell whether a text names one or more news agencies or picture libraries and nothing else."""
    parts = [fold_line(part) for part in re.split(r"[+/,،;؛|&()\[\]]|\sو(?=\s)", text)]
    named = [part for part in parts if part]
    return bool(named) and all(part in boilerplate_phrases().agencies for part in named)


def _partition_at_colon(line: str) -> tuple[str, str, str]:
    match = re.search(r"\s*[:：﹕|]\s*|\s+[-–—]\s+", line)
    if match is None:
        return line, "", ""
    return line[: match.start()], match.group(), line[match.end() :]
