"""Lines that a corpus repeats: site names, slogans and menus that no list of phrases knows.

How to use it: count the lines of every article once (`LineCounter`, or `repeated_lines` when all
are at hand), keep the resulting set with the index, and give that same set to every reading that
goes into it. An incremental run passes the set of the generation that it builds on, so that
unchanged files keep their text, and with it their passages and vectors; the set is counted anew
when the index is rebuilt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

from qa_service.corpus.clutter import ends_sentence, fold_line, line_width
from qa_service.types import DroppedText

_MIN_ARTICLES = 3
_MIN_SHARE = 0.5
_MAX_WIDTH = 80
# No script needs this many code points for 80 letters, marks included.
_MAX_LENGTH = 4 * _MAX_WIDTH
_MAX_DISTINCT_LINES = 1_000_000


@dataclass(frozen=True, slots=True)
class RemainingText:
    """A text without its repeated lines, and those lines."""

    text: str
    dropped: tuple[DroppedText, ...] = ()


class LineCounter:
    """Counts in how many articles each line stands, in memory that does not grow without end."""

    def __init__(self) -> None:
        self._articles = 0
        self._counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count the lines of one article's text."""
        self._articles += 1
        self._counts.update(
            {fold_line(line) for line in text.split("\n") if _may_be_furniture(line)} - {""}
        )
        if len(self._counts) > _MAX_DISTINCT_LINES:
            # What has been seen once by now will not turn out to stand in most articles.
            self._counts = Counter({line: n for line, n in self._counts.items() if n > 1})

    def repeated(self) -> frozenset[str]:
        """Return the lines, folded, that stand in three articles or more and in half of them."""
        needed = max(_MIN_ARTICLES, _MIN_SHARE * self._articles)
        return frozenset(line for line, count in self._counts.items() if count >= needed)


def repeated_lines(texts: Iterable[str]) -> frozenset[str]:
    """Find the lines that most articles of a corpus share, in the form `read_file` takes.

    Only short lines that end no sentence count, and only where they stand in at least three
    articles and in at least half of all: a refrain of the site, never of a story.
    """
    counter = LineCounter()
    for text in texts:
        counter.add(text)
    return counter.repeated()


def without_repeated_lines(text: str, repeated: Set[str]) -> RemainingText:
    """Drop the repeated lines from an article's text; one that holds nothing else stays whole."""
    if not repeated:
        return RemainingText(text)
    kept: list[str] = []
    dropped: list[DroppedText] = []
    for line in text.split("\n"):
        if _may_be_furniture(line) and fold_line(line) in repeated:
            dropped.append(DroppedText(line.strip(), "repeated_across_corpus"))
        else:
            kept.append(line)
    if not dropped or not any(character.isalnum() for line in kept for character in line):
        return RemainingText(text)
    body = re.sub("\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
    return RemainingText(body, tuple(dropped))


def _may_be_furniture(line: str) -> bool:
    # Most lines of a corpus are far too long, and telling how wide exactly takes a while.
    if len(line) > _MAX_LENGTH or not line.strip():
        return False
    return line_width(line) <= _MAX_WIDTH and not ends_sentence(line)
