"""Lines that a corpus repeats: site names, slogans and menus that no list of phrases knows.

Articles repeat lines of their own, too: `Ingredients` stands in every recipe, `Salt` may end each
list of them, and every book has its `Chapter 1`; none of it may be lost. So a line goes only from
below the body, where no heading can stand, and from above it only if no heading looks like it: a
line of several parts, as in `Home | World | Sport`, or a menu of three lines and more. It must
stand apart from the body, too, or it may be the end of a list or the head of a table. Numbers
count: `Chapter 2` is not `Chapter 1` once more.

How to use it: count the lines of every article once (`LineCounter`, or `repeated_lines` when all
are at hand), keep the resulting set with the index, and give that same set to every reading that
goes into it. An incremental run passes the set of the generation that it builds on, so that
unchanged files keep their text, and with it their passages and vectors; the set is counted anew
when the index is rebuilt.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from qa_service.corpus.boilerplate.phrases import ends_sentence, fold_words, line_width
from qa_service.types import DroppedText

_MIN_ARTICLES = 3
_MIN_SHARE = 0.5
_MAX_WIDTH = 80
# No script needs this many code points for 80 letters, marks included.
_MAX_LENGTH = 4 * _MAX_WIDTH
_MAX_DISTINCT_LINES = 1_000_000
# So many lines at the beginning that all articles share are a menu, and no heading.
_MENU_LINES = 3
# No site puts more than this around an article, once what every site has is gone.
_MAX_EDGE_LINES = 50
# What parts the items of a menu, or the name of a site from its slogan; and addresses. A line that
# begins or ends with a bar is a row of a table.
_SEVERAL_PARTS = re.compile(r"[^|]+(?:\|[^|]+)+|.*(?:\s[•·›]\s|©|\bwww\.|://).*")


@dataclass(frozen=True, slots=True)
class RemainingText:
    """A text without its repeated lines, and those lines."""

    text: str
    dropped: tuple[DroppedText, ...] = ()


class LineCounter:
    """Counts how many articles begin or end with each line, among others that may be furniture.

    Memory does not grow without end.
    """

    def __init__(self) -> None:
        self._articles = 0
        self._counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count the lines above and below the body of one article's text."""
        self._articles += 1
        lines = [line for line in text.split("\n") if line.strip()]
        head = itertools.takewhile(_may_be_furniture, lines[:_MAX_EDGE_LINES])
        foot = itertools.takewhile(_may_be_furniture, lines[: -_MAX_EDGE_LINES - 1 : -1])
        self._counts.update({fold_words(line) for line in (*head, *foot)} - {""})
        if len(self._counts) > _MAX_DISTINCT_LINES:
            # What has been seen once by now will not turn out to stand in most articles.
            self._counts = Counter({line: n for line, n in self._counts.items() if n > 1})

    def repeated(self) -> frozenset[str]:
        """Return the lines, folded, of three articles or more and of half of them."""
        needed = max(_MIN_ARTICLES, _MIN_SHARE * self._articles)
        return frozenset(line for line, count in self._counts.items() if count >= needed)


def repeated_lines(texts: Iterable[str]) -> frozenset[str]:
    """Find the lines that most articles of a corpus share, in the form `read_file` takes.

    Only short lines that end no sentence count, and only where they stand above or below the body
    of at least three articles and of at least half of all: a refrain of the site, not of a story.
    """
    counter = LineCounter()
    for text in texts:
        counter.add(text)
    return counter.repeated()


def without_repeated_lines(text: str, repeated: Set[str]) -> RemainingText:
    """Drop the repeated lines above and below an article's body, but never all of the article."""
    if not repeated:
        return RemainingText(text)
    lines = text.split("\n")
    end = _end_of_body(lines, repeated)
    start = _start_of_body(lines[:end], repeated)
    dropped = tuple(
        DroppedText(line.strip(), "repeated_across_corpus")
        for line in (*lines[:start], *lines[end:])
        if line.strip()
    )
    body = "\n".join(lines[start:end]).strip("\n")
    if not dropped or not any(character.isalnum() for character in body):
        return RemainingText(text)
    return RemainingText(body, dropped)


def _end_of_body(lines: Sequence[str], repeated: Set[str]) -> int:
    """Return where the repeated lines below the body begin: after a blank line or a sentence."""
    end = len(lines) - _run_length(lines[::-1], repeated)
    while 0 < end < len(lines) and lines[end - 1].strip() and not ends_sentence(lines[end - 1]):
        end += 1
    return end


def _start_of_body(lines: Sequence[str], repeated: Set[str]) -> int:
    """Return where the repeated lines above the body end: with a blank line, if they are a menu."""
    start = _run_length(lines, repeated)
    while start and lines[start - 1].strip():
        start -= 1
    return start if _is_menu(lines[:start]) else 0


def _run_length(lines: Sequence[str], repeated: Set[str]) -> int:
    """Count the lines, blank ones included, down to the first that is not repeated."""
    run = itertools.takewhile(
        lambda line: not line.strip() or (_may_be_furniture(line) and fold_words(line) in repeated),
        lines,
    )
    return sum(1 for _ in run)


def _is_menu(lines: Sequence[str]) -> bool:
    """Tell lines above the body that are no headings of what follows."""
    filled = [line for line in lines if line.strip()]
    return len(filled) >= _MENU_LINES or any(
        _SEVERAL_PARTS.fullmatch(line.strip()) for line in filled
    )


def _may_be_furniture(line: str) -> bool:
    # Most lines of a corpus are far too long, and telling how wide exactly takes a while.
    if len(line) > _MAX_LENGTH or not line.strip():
        return False
    return line_width(line) <= _MAX_WIDTH and not ends_sentence(line)
