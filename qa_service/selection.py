"""Which ranked passages are shown: the same story once, and no article takes all the room."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from qa_service.types import Passage

# Texts are compared by runs of this many letters, in any script.
SHINGLE = 5
# Two passages tell the same when this share of the shorter one's shingles is in the other.
SAME_STORY = 0.8
# A text shorter than this has too few shingles to tell.
SHORTEST_TO_COMPARE = 40
# How many passages of one article may stand among the first shown, as long as others are relevant.
PER_ARTICLE = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """A passage to show: its place in the ranking, and the other articles that tell the same."""

    place: int
    also_in: tuple[str, ...]


def choose(
    passages: Sequence[Passage], is_relevant: Sequence[bool], top_k: int
) -> tuple[Choice, ...]:
    """Choose at most `top_k` of the ranked passages to show, best first.

    A passage nearly identical to a better one is not shown; its article is named with that one.
    An article's fourth passage waits until no other article has a relevant one left.

    Args:
        passages: the ranking, best first.
        is_relevant: whether each of them may answer at all.
        top_k: how many to return at most.
    """
    distinct, also_in = _tell_apart(passages)
    shown: list[int] = []
    waiting: list[int] = []
    count: dict[str, int] = {}
    for place in distinct:
        article = passages[place].article_id
        if count.get(article, 0) >= PER_ARTICLE:
            waiting.append(place)
        elif not is_relevant[place] and any(is_relevant[earlier] for earlier in waiting):
            continue
        else:
            count[article] = count.get(article, 0) + 1
            shown.append(place)
        if len(shown) == top_k:
            break
    rest = [place for place in distinct if place not in set(shown)]
    places = shown + rest[: top_k - len(shown)]
    return tuple(Choice(place, also_in[place]) for place in places)


def _tell_apart(
    passages: Sequence[Passage],
) -> tuple[list[int], dict[int, tuple[str, ...]]]:
    """Return the places of distinct passages, and for each the other articles that repeat it."""
    distinct: list[int] = []
    shingles: list[frozenset[str]] = []
    repeated_in: dict[int, list[str]] = {}
    for place, passage in enumerate(passages):
        own = _shingles(passage.text)
        for earlier, known in zip(distinct, shingles, strict=True):
            if _is_same(own, known):
                articles = repeated_in[earlier]
                known_ids = (passages[earlier].article_id, *articles)
                if passage.article_id not in known_ids:
                    articles.append(passage.article_id)
                break
        else:
            distinct.append(place)
            shingles.append(own)
            repeated_in[place] = []
    return distinct, {place: tuple(articles) for place, articles in repeated_in.items()}


def _is_same(one: frozenset[str], other: frozenset[str]) -> bool:
    shorter, longer = sorted((one, other), key=len)
    # A short passage inside a long one is a quotation, not the same story.
    if len(shorter) < SHORTEST_TO_COMPARE or len(longer) > 2 * len(shorter):
        return False
    return len(shorter & longer) >= SAME_STORY * len(shorter)


def _shingles(text: str) -> frozenset[str]:
    letters = "".join(
        char
        for char in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(char)[0] in "LN"
    )
    return frozenset(
        letters[start : start + SHINGLE] for start in range(max(1, len(letters) - SHINGLE + 1))
    )
