"""An article's own lines, parted from what the web page put around them.

A file saved from a web page holds share buttons, comment forms, counters and repeated headlines
beside the article. Losing a sentence of an article is worse than keeping a button, so a line goes
only when all of it is known boilerplate, or when its place above or below the body and its shape
both say so. Whatever goes is reported with a reason; date, author and source lines become metadata.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qa_service.corpus.boilerplate.line_kinds import (
    MAX_TITLE_WIDTH,
    beside_boilerplate,
    edge_boilerplate,
    is_credited_caption,
    is_related_label,
    is_related_link,
    is_repetition,
    line_metadata,
    opening_boilerplate,
)
from qa_service.corpus.boilerplate.phrases import (
    boilerplate_phrases,
    ends_with_full_stop,
    fold_line,
    fold_words,
    is_breadcrumb,
    is_prose,
    line_width,
    shape_of_boilerplate,
)
from qa_service.types import DroppedText

_MAX_LINKS = 12
# After a line of these kinds, what follows below the body belongs to it.
_TAIL_MARKERS = ("comment_form", "author_box")
# Boilerplate that comes in rows.
_COMPANY = frozenset(("share_button", "comment_form", "counter", "font_size", "date_line", "byline",
                      "agency_line", "image_file"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class CleanText:
    """A body without boilerplate, what the dropped lines told, and those lines in order."""

    text: str
    title: str | None
    published: dt.date | None
    author: str | None
    source: str | None
    dropped: tuple[DroppedText, ...]


def clean_text(text: str, title: str | None = None, language: str | None = None) -> CleanText:
    """Part an article's body from the boilerplate around it.

    Every line of the text that is not blank comes back: in the body, byte for byte, or as the
    title, or among the dropped. A text that would be left without a word is returned whole.

    Args:
        text: the stored form of the text (see `stored_text`).
        title: the title, if known; otherwise the first line that looks like one is taken.
        language: settles the order of day and month in dates such as 03/04/2020.
    """
    page = _Page([_Line(raw) for raw in text.split("\n")], title, language)
    page.mark()
    body = "\n".join(line.raw for line in page.lines if line.reason is None and not line.is_title)
    body = re.sub("\n{3,}", "\n\n", body).strip("\n")
    if not any(character.isalnum() for character in body):
        only_title = next((line.raw.strip() for line in page.lines if line.is_title), title)
        return CleanText(text, only_title, page.published, page.author, page.source, ())
    dropped = tuple(
        DroppedText(line.raw.strip(), line.reason) for line in page.lines if line.reason is not None
    )
    return CleanText(body, page.title, page.published, page.author, page.source, dropped)


@dataclass(slots=True)
class _Line:
    """One line on its way: `reason` says why it goes; None keeps it.

    `folded` is its kind, `words` is what it says (see `boilerplate`); "" where it is too long to be
    boilerplate.
    """

    raw: str
    reason: str | None = None
    is_title: bool = False
    folded: str = field(init=False)
    words: str = field(init=False)
    is_prose: bool = field(init=False)

    def __post_init__(self) -> None:
        is_short = len(self.raw) <= 2 * MAX_TITLE_WIDTH
        self.folded = fold_line(self.raw) if is_short else ""
        self.words = fold_words(self.raw) if is_short else ""
        self.is_prose = is_prose(self.raw)

    def repeats(self, title_words: str) -> bool:
        """Tell whether the line, still undecided, is the headline once more."""
        return self.is_open and is_repetition(self.raw, self.words, title_words)

    @property
    def is_blank(self) -> bool:
        return not self.raw.strip()

    @property
    def is_open(self) -> bool:
        """True while nothing has been decided about the line."""
        return not (self.is_blank or self.is_title or self.reason)


@dataclass(slots=True)
class _Page:
    """The lines of a text while the rules go over them, and what they tell about the article."""

    lines: list[_Line]
    title: str | None
    language: str | None
    published: dt.date | None = None
    author: str | None = None
    source: str | None = None

    def mark(self) -> None:
        """Decide about every line; later rules see what earlier ones decided."""
        self._mark_anywhere()
        self._mark_title()
        header = self._header()
        self._mark_header(header)
        footer = self._footer()
        self._mark_footer(footer)
        self._mark_beside_boilerplate()

    def _mark_anywhere(self) -> None:
        phrases = boilerplate_phrases().anywhere
        for line in self.lines:
            if line.is_blank:
                continue
            line.reason = shape_of_boilerplate(line.raw) or phrases.get(line.folded)
            if line.reason is None and is_related_link(line.raw):
                line.reason = "related_link"

    def _mark_title(self) -> None:
        if self.title is not None:
            words = fold_words(self.title)
            for line in self._before_prose(allow=words):
                if line.is_open and line.words == words:
                    line.reason = "repeated_headline"
            return
        at = self._find_title()
        if at is not None:
            self.lines[at].is_title = True
            self.title = self.lines[at].raw.strip()

    def _find_title(self) -> int | None:
        """Return the number of the first line that looks like a headline."""
        filled = [number for number, line in enumerate(self.lines) if not line.is_blank]
        section: int | None = None
        for place, number in enumerate(filled):
            line = self.lines[number]
            if line.reason is not None:
                continue
            if boilerplate_phrases().edges.get(line.folded) is not None or is_breadcrumb(line.raw):
                section = number if section is None else section
                continue
            if self._read_metadata(line, keep=False) is not None:
                continue
            following = filled[place + 1 :]
            return number if self._looks_like_title(number, following) else section
        return None

    def _looks_like_title(self, number: int, following: list[int]) -> bool:
        line = self.lines[number]
        rest = [self.lines[other] for other in following]
        if not any(other.reason is None for other in rest):
            return False
        width = line_width(line.raw)
        if width > MAX_TITLE_WIDTH or not any(character.isalpha() for character in line.raw):
            return False
        if any(other.repeats(line.words) for other in rest[:8]):
            return True
        if ends_with_full_stop(line.raw) or line.raw.rstrip()[-1:] in ",،;؛:：，、":
            return False
        is_apart = following[0] > number + 1 or rest[0].reason is not None
        if is_apart:
            return True
        # Directly above the body: a headline is clearly shorter; a wrapped line is not.
        return line_width(rest[0].raw) >= 1.5 * width

    def _before_prose(self, allow: str = "") -> Iterable[_Line]:
        """Yield the lines down to the first that can only be body text."""
        for line in self.lines:
            if line.is_prose and line.is_open and line.words != allow:
                return
            yield line

    def _header(self) -> list[_Line]:
        """Return the lines above the body: down to the first prose that repeats no headline."""
        title_words = fold_words(self.title) if self.title else ""
        header: list[_Line] = []
        for line in self.lines:
            if line.is_prose and line.is_open and not line.repeats(title_words):
                return header
            header.append(line)
        # No prose at all: only the lines down to the first that nothing explains are header.
        return self._explained(header)

    def _explained(self, lines: Iterable[_Line]) -> list[_Line]:
        explained: list[_Line] = []
        title_words = fold_words(self.title) if self.title else ""
        for line in lines:
            is_explained = (
                not line.is_open
                or line.repeats(title_words)
                or boilerplate_phrases().edges.get(line.folded) is not None
                or self._read_metadata(line, keep=False) is not None
            )
            if not is_explained:
                break
            explained.append(line)
        return explained

    def _mark_header(self, header: list[_Line]) -> None:
        title_words = fold_words(self.title) if self.title else ""
        after_image = False
        for line in header:
            if line.is_blank:
                continue
            if line.is_open:
                line.reason = (
                    ("repeated_headline" if line.repeats(title_words) else None)
                    or self._read_metadata(line)
                    or edge_boilerplate(line.raw.strip(), line.folded)
                    or ("photo_caption" if is_credited_caption(line.raw) else None)
                    or ("photo_caption" if after_image and not line.is_prose else None)
                )
            after_image = line.reason == "image_file"

    def _footer(self) -> list[_Line]:
        """Return the lines below the body, from the last prose that is not boilerplate itself."""
        if not any(line.is_prose and line.is_open for line in self.lines):
            lines = list(reversed(self._explained(reversed(self.lines))))
            return [line for line in lines if not line.is_title]
        footer: list[_Line] = []
        for line in reversed(self.lines):
            if (
                line.is_prose
                and line.is_open
                and opening_boilerplate(line.raw, line.folded) is None
            ):
                break
            footer.append(line)
        return footer[::-1]

    def _mark_footer(self, footer: list[_Line]) -> None:
        tail: str | None = None
        links_left = 0
        for line in footer:
            if line.is_blank:
                continue
            if line.is_open:
                reason = self._read_metadata(line) or edge_boilerplate(
                    line.raw.strip(), line.folded
                )
                # A page names its section above the article.
                line.reason = None if reason == "section_label" else reason
            if line.is_open and links_left and not ends_with_full_stop(line.raw):
                line.reason = "related_link"
                links_left -= 1
            if line.is_open and tail is not None and not line.is_prose:
                line.reason = tail
            if line.reason in _TAIL_MARKERS:
                tail = line.reason
            if line.reason == "related_link" and is_related_label(line.raw):
                links_left = _MAX_LINKS

    def _mark_beside_boilerplate(self) -> None:
        """Drop buttons, counters and bare labels where they stand in a row with boilerplate."""
        filled = [line for line in self.lines if not line.is_blank]
        for ordered in (filled, filled[::-1]):
            beside = False
            for line in ordered:
                if beside and line.is_open:
                    line.reason = beside_boilerplate(line.raw.strip(), line.folded)
                beside = line.reason in _COMPANY

    def _read_metadata(self, line: _Line, *, keep: bool = True) -> str | None:
        """Name the kind of a line that tells about the article; take what it tells if asked."""
        found = line_metadata(line.raw.strip(), self.language)
        if found is None:
            return None
        if keep:
            self.published = self.published or found.published
            self.author = self.author or found.author
            self.source = self.source or found.source
        return found.kind
