"""What a single line of a web page is: a date, a byline, a caption, a link to other stories."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from qa_service.corpus.boilerplate.phrases import (
    boilerplate_phrases,
    ends_sentence,
    ends_with_full_stop,
    fold_line,
    is_agency,
    is_breadcrumb,
    is_prose,
    line_width,
    split_label,
)
from qa_service.corpus.dates import parse_date_line

MAX_TITLE_WIDTH = 300
MAX_CLUTTER_WIDTH = 160
_MAX_LINK_WIDTH = 220
_MAX_BYLINE_WIDTH = 90
_MAX_DATE_WIDTH = 100
_MAX_NAME_WORDS = 10
_MAX_CAPTION_BESIDE_TITLE = 80
_MIN_REPEATED_TITLE = 15
# A day by itself dates a page only since there are web pages; before, it belongs to the story.
_FIRST_WEB_YEAR = 1990

_CREDIT_IN_BRACKETS = re.compile(r"[(（\[]([^()（）\[\]]{2,60})[)）\]]\s*$")
_PLAIN_NUMBER = re.compile(r"\d[\d.,٫٬\u00a0\u202f ]*[kKmM]?")
_BAR = re.compile(r"\s*[|•·]\s*")
_MAX_PARTS = 4
_DASH = re.compile(r"\s*[-–—ـ|/]\s+|\s+[-–—ـ|/]\s*")
_NAME_PARTICLES = frozenset(("al", "at", "ben", "bin", "da", "de", "del", "della", "den", "der",
                             "di", "do", "dos", "du", "e", "el", "et", "for", "ibn", "in", "la",
                             "le", "och", "og", "the", "und", "van", "von", "with", "y", "and", "&",
                             "и", "та"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class LineMetadata:
    """What a line beside the body tells about the article; `kind` names the kind of line."""

    kind: str
    published: dt.date | None = None
    author: str | None = None
    source: str | None = None


def line_metadata(raw: str, language: str | None) -> LineMetadata | None:
    """Read a date, source, author or agency line; None when the line is none of these."""
    if line_width(raw) > MAX_CLUTTER_WIDTH:
        return None
    return _joined_metadata(raw, language) or _single_metadata(raw, language)


def _joined_metadata(raw: str, language: str | None) -> LineMetadata | None:
    """Read `By Jane Doe | 3 May 2024`: several kinds of line in one."""
    parts = _BAR.split(raw)
    if not 2 <= len(parts) <= _MAX_PARTS:
        return None
    found = [_single_metadata(part, language) for part in parts]
    known = [metadata for metadata in found if metadata is not None]
    if len(known) < len(parts):
        return None
    return LineMetadata(
        known[0].kind,
        next((metadata.published for metadata in known if metadata.published), None),
        next((metadata.author for metadata in known if metadata.author), None),
        next((metadata.source for metadata in known if metadata.source), None),
    )


def _single_metadata(raw: str, language: str | None) -> LineMetadata | None:
    if (day := _day(raw, language)) is not None:
        return LineMetadata("date_line", published=day)
    if (source := split_label(raw, "source_line")) and not is_prose(raw):
        return LineMetadata("source_line", source=source)
    if (author := _byline(raw)) is not None:
        return LineMetadata("byline", author=author)
    if (agency := _agencies(raw)) is not None:
        return LineMetadata("agency_line", source=agency)
    return None


def is_related_link(raw: str) -> bool:
    """Tell `Read also: Five bridges`, and a label of such links that is no plain word."""
    if line_width(raw) > _MAX_LINK_WIDTH:
        return False
    target = split_label(raw, "related_link")
    if target == "":
        return len(raw.split()) > 1 or raw.rstrip().endswith((":", "："))
    return target is not None and not ends_with_full_stop(target)


def is_related_label(raw: str) -> bool:
    """Tell a label that links to other stories stand under."""
    return split_label(raw, "related_link") == ""


def is_repetition(raw: str, words: str, title_words: str) -> bool:
    """Tell a line that repeats the headline, alone or with a caption put after it.

    `words` are those of `fold_words`, so that chapter 2 is no repetition of chapter 1.
    """
    if not title_words or not words:
        return False
    if words == title_words:
        return True
    if len(title_words) < _MIN_REPEATED_TITLE or not words.startswith(title_words + " "):
        return False
    caption = words[len(title_words) :]
    return len(caption) <= _MAX_CAPTION_BESIDE_TITLE and not ends_sentence(raw)


def edge_boilerplate(raw: str, folded: str) -> str | None:
    """Name the boilerplate that a line is when it stands above or below the body."""
    reason = boilerplate_phrases().edges.get(folded) or opening_boilerplate(raw, folded)
    if reason is not None:
        return reason
    if is_breadcrumb(raw):
        return "navigation"
    if is_prose(raw) or line_width(raw) > MAX_CLUTTER_WIDTH:
        return None
    if split_label(raw, "tags") or re.fullmatch(r"(?:#[\w\u0900-\u0dff]+[\s,،]*){2,}", raw):
        return "tags"
    if split_label(raw, "photo_caption"):
        return "photo_caption"
    words = folded.split()
    if 2 <= len(words) <= 8 and all(
        boilerplate_phrases().edges.get(word) == "share_button" for word in words
    ):
        return "share_button"
    return None


def beside_boilerplate(raw: str, folded: str) -> str | None:
    """Name the boilerplate that a line is when it stands next to boilerplate, wherever that is."""
    reason = boilerplate_phrases().edges.get(folded)
    if reason in ("share_button", "comment_form"):
        return reason
    if _PLAIN_NUMBER.fullmatch(raw):
        return "counter"
    if line_width(raw) > MAX_CLUTTER_WIDTH:
        return None
    if split_label(raw, "source_line") == "" or split_label(raw, "date_line") == "":
        return "label"
    return None


def opening_boilerplate(raw: str, folded: str) -> str | None:
    """Name the boilerplate that begins as this line does, such as a notice about cookies."""
    if not folded or line_width(raw) > 2 * MAX_CLUTTER_WIDTH:
        return None
    for opening, reason in boilerplate_phrases().openings:
        if folded == opening or folded.startswith(opening + " "):
            return reason
    return "copyright" if raw.lstrip().startswith(("©", "ⓒ")) else None


def is_credited_caption(raw: str) -> bool:
    """Tell `Soldiers on exercise - Reuters` and `The council in session (Reuters)`."""
    if line_width(raw) > MAX_CLUTTER_WIDTH or ends_with_full_stop(raw):
        return False
    in_brackets = _CREDIT_IN_BRACKETS.search(raw)
    if in_brackets is not None and is_agency(in_brackets[1]):
        return True
    parts = _DASH.split(raw.strip())
    return len(parts) >= 2 and is_agency(parts[-1])


def _agencies(raw: str) -> str | None:
    """Return the agencies of a line that names agencies alone, or a place and agencies."""
    if line_width(raw) > _MAX_BYLINE_WIDTH:
        return None
    if is_agency(raw):
        return raw
    parts = _DASH.split(raw.strip())
    if len(parts) == 2 and len(parts[0].split()) <= 2 and is_agency(parts[1]):
        return parts[1].strip()
    return None


def _byline(raw: str) -> str | None:
    """Return the name in an author line."""
    if line_width(raw) > _MAX_BYLINE_WIDTH or ends_with_full_stop(raw):
        return None
    labelled = split_label(raw, "byline")
    if labelled:
        return labelled if _is_name(labelled) else None
    openings = boilerplate_phrases().labels["byline_opening"]
    words = raw.split()
    for count in (3, 2, 1):
        if len(words) > count and fold_line(" ".join(words[:count])) in openings:
            name = " ".join(words[count:]).strip(" :：")
            return name if _is_name(name) else None
    return None


def _is_name(text: str) -> bool:
    words = [word for word in re.split(r"[\s,،;/&–—-]+", text) if word]
    if not 1 <= len(words) <= _MAX_NAME_WORDS or any(character.isdigit() for character in text):
        return False
    if any(character in '?!؟:"«»“”' for character in text):
        return False
    return all(
        not word[0].islower() or word.casefold() in _NAME_PARTICLES or "'" in word or "’" in word
        for word in words
    )


def _day(raw: str, language: str | None) -> dt.date | None:
    if not any(character.isdigit() for character in raw) or line_width(raw) > _MAX_DATE_WIDTH:
        return None
    labelled = _after_date_label(raw)
    day = parse_date_line(raw if labelled is None else labelled, language)
    if day is None or (labelled is None and day.year < _FIRST_WEB_YEAR):
        return None
    return day


def _after_date_label(raw: str) -> str | None:
    labelled = split_label(raw, "date_line")
    if labelled:
        return labelled
    labels = boilerplate_phrases().labels["date_line"]
    words = raw.split()
    for count in (3, 2, 1):
        if len(words) > count and fold_line(" ".join(words[:count])) in labels:
            return " ".join(words[count:])
    return None
