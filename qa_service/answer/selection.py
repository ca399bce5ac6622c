"""Which ranked passages are shown: the same story once, and no article takes all the room."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qa_service.types import Passage

# Texts are compared by runs of this many letters, in any script.
SHINGLE = 5
# Two passages tell the same when this share of the shorter one's shingles is in the other.
SAME_STORY = 0.8
# A text shorter than this has too few shingles to tell.
SHORTEST_TO_COMPARE = 40
# How many passages of one article may stand among the first shown, as long as others are relevant.
PER_ARTICLE = 3
# What tells the same as a passage ranks beside it: so many in a row that repeat nothing shown, and
# the rest of the ranking is not looked at.
LOOKED_FURTHER = 10

# Wide enough that a passage sets few of the bits, or unrelated ones would look alike.
SKETCH_BITS = 12
# An odd number whose products spread over all 32 bits: the golden ratio's (Knuth 1973).
HASH_FACTOR = np.uint32(2654435769)
# A sketch takes about half a kilobyte beside the text, a set of shingles some sixty.
SKETCHES_TO_KEEP = 4096
SHINGLES_TO_KEEP = 64

# What is neither a letter nor a digit.
_OTHERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Choice:
    """A passage to show: its place in the ranking, and the other articles that tell the same."""

    place: int
    passage: Passage
    also_in: tuple[str, ...]


def choose(
    passages: Iterable[Passage], is_relevant: Sequence[bool], top_k: int
) -> tuple[Choice, ...]:
    """Choose at most `top_k` of the ranked passages to show, best first.

    A passage nearly identical to a better one is not shown; its article is named with that one.
    An article's fourth passage waits until no other article has a relevant one left.

    Args:
        passages: the ranking, best first; gone through as far as need be.
        is_relevant: whether each of them may answer at all.
        top_k: how many to return at most.
    """
    stories: list[_Story] = []
    shown: list[_Story] = []
    waiting: list[_Story] = []
    count: dict[str, int] = {}
    ranking = enumerate(passages)
    for place, passage in ranking:
        if _is_repetition(passage, stories):
            continue
        story = _Story(place, passage, is_relevant[place])
        stories.append(story)
        if count.get(passage.article_id, 0) >= PER_ARTICLE:
            waiting.append(story)
        elif not story.is_relevant and any(earlier.is_relevant for earlier in waiting):
            continue
        else:
            count[passage.article_id] = count.get(passage.article_id, 0) + 1
            shown.append(story)
        if len(shown) == top_k:
            break
    # Nothing more is shown; what repeats the shown is still named.
    others = 0
    for _, passage in ranking:
        others = 0 if _is_repetition(passage, stories) else others + 1
        if others == LOOKED_FURTHER:
            break
    places = {story.place for story in shown}
    rest = [story for story in stories if story.place not in places]
    return tuple(
        Choice(story.place, story.passage, tuple(story.also_in))
        for story in shown + rest[: top_k - len(shown)]
    )


class _Story:
    """A passage that later ones may repeat, and the articles of those that do."""

    def __init__(self, place: int, passage: Passage, is_relevant: bool) -> None:
        self.place = place
        self.passage = passage
        self.is_relevant = is_relevant
        self.also_in: list[str] = []


def _is_repetition(passage: Passage, stories: Sequence[_Story]) -> bool:
    """Tell whether a passage repeats one before it, and note its article there."""
    sketch = _sketch(passage.text)
    for story in stories:
        known = story.passage
        if not sketch.may_be_same(_sketch(known.text)):
            continue
        if _is_same(_shingles(passage.text), _shingles(known.text)):
            if passage.article_id not in (known.article_id, *story.also_in):
                story.also_in.append(passage.article_id)
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Sketch:
    """The shingles of a text in little room: a bit is set for each, by its hash.

    `least_shared` is how many of the bits a text must have, too, that holds enough of the shingles
    to tell the same: every bit that it lacks stands for one shingle at least that it lacks.
    """

    bits: int
    least_shared: int

    def may_be_same(self, other: _Sketch) -> bool:
        """Tell whether `_is_same` may hold of the shingles; never False when it does."""
        shared = (self.bits & other.bits).bit_count()
        return shared >= self.least_shared or shared >= other.least_shared


def _is_same(one: frozenset[str], other: frozenset[str]) -> bool:
    shorter, longer = sorted((one, other), key=len)
    # A short passage inside a long one is a quotation, not the same story.
    if len(shorter) < SHORTEST_TO_COMPARE or len(longer) > 2 * len(shorter):
        return False
    return len(shorter & longer) >= SAME_STORY * len(shorter)


@lru_cache(maxsize=SKETCHES_TO_KEEP)
def _sketch(text: str) -> _Sketch:
    codes = np.frombuffer(_letters(text).encode("utf-32-le"), dtype="<u4")
    # As many shingles as there are when none occurs twice.
    count = len(codes) - SHINGLE + 1
    if count < SHORTEST_TO_COMPARE:
        return _Sketch(bits=0, least_shared=1)
    hashes = np.zeros(count, dtype=np.uint32)
    for start in range(SHINGLE):
        hashes += codes[start : start + count]
        hashes *= HASH_FACTOR
    is_set = np.zeros(1 << SKETCH_BITS, dtype=np.bool_)
    is_set[hashes >> np.uint32(32 - SKETCH_BITS)] = True
    bits = int.from_bytes(np.packbits(is_set).tobytes(), "little")
    may_lack = count - math.ceil(SAME_STORY * count)
    return _Sketch(bits, least_shared=max(1, bits.bit_count() - may_lack))


@lru_cache(maxsize=SHINGLES_TO_KEEP)
def _shingles(text: str) -> frozenset[str]:
    letters = _letters(text)
    return frozenset(
        letters[start : start + SHINGLE] for start in range(max(1, len(letters) - SHINGLE + 1))
    )


def _letters(text: str) -> str:
    """Return the letters and digits of a text, in one spelling."""
    return _OTHERS.sub("", unicodedata.normalize("NFKC", text).casefold())
