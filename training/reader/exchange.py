"""Questions about what a passage does not have: one name or number exchanged for another."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

import regex

from training.reader.answers import normalize

_NUMBER = re.compile(r"\d+")
# Vowel signs are marks; words of Persian hold non-joiners.
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}’'\u200c\-]+")
_FOREIGN_RUN = re.compile(r"[\u30a0-\u30ff]{3,}|[A-Za-z][A-Za-z .\-]{2,}[A-Za-z]")
_UNSPACED = frozenset({"zh", "ja", "th"})
_LEAST_SHARED, _MOST_SHARED = 2, 12
_ONE_WORD = regex.compile(r"[\p{L}\p{M}]+")
# Words of a question that this few others have are names more often than not.
_RARE = 3
_DRAWS = 20


@dataclass(frozen=True, slots=True)
class Mention:
    """Part of a question that its passage has as well; `kind` tells what may take its place."""

    start: int
    end: int
    kind: str


class Exchanger:
    """Knows the names and numbers of one language's questions."""

    def __init__(self, language: str, questions: Iterable[tuple[str, str]]) -> None:
        """Take all questions with their passages, whose mentions are the stock to draw from."""
        self._language = language
        pairs = list(questions)
        self._counts: dict[str, int] = {}
        for question, _ in pairs:
            for word in set(_WORD.findall(question)):
                self._counts[word] = self._counts.get(word, 0) + 1
        self._stock: dict[str, list[str]] = {}
        for question, passage in pairs:
            for mention in self.mentions(question, passage):
                text = question[mention.start : mention.end]
                self._stock.setdefault(mention.kind, []).append(text)

    def exchange(self, question: str, passage: str, rng: random.Random) -> str:
        """Return the question about something that is not in the passage; "" if there is no way."""
        found = self.mentions(question, passage)
        known = normalize(passage).replace(" ", "")
        for mention in rng.sample(found, len(found)):
            stock = self._stock.get(mention.kind)
            for _ in range(_DRAWS if stock else 0):
                new = rng.choice(stock or [""])
                parts = normalize(new).split()
                # No word of the new name stands in the passage, let alone all of it.
                if parts and not any(part in known for part in parts):
                    return question[: mention.start] + new + question[mention.end :]
        return ""

    def mentions(self, question: str, passage: str) -> list[Mention]:
        """Return the names and numbers that question and passage share, without overlap."""
        found = [
            Mention(*match.span(), f"number {min(len(match[0]), 5)}")
            for match in _NUMBER.finditer(question)
            if match[0] in passage
        ]
        for start, end, kind in self._names(question, passage):
            if all(end <= one.start or one.end <= start for one in found):
                found.append(Mention(start, end, kind))
        return found

    def _names(self, question: str, passage: str) -> Iterable[tuple[int, int, str]]:
        if self._language in _UNSPACED:
            for run in _FOREIGN_RUN.finditer(question):
                if run[0] in passage:
                    yield *run.span(), "latin" if run[0].isascii() else "kana"
            yield from _shared_run(question, passage)
        elif _has_case(question):
            yield from _capitalised(question, passage)
        else:
            for match in _WORD.finditer(question):
                word = match[0]
                is_rare = self._counts.get(word, 0) <= _RARE
                if is_rare and len(word) > 2 and not word.isdecimal() and word in passage:
                    yield *match.span(), "rare word"


def _capitalised(question: str, passage: str) -> Iterable[tuple[int, int, str]]:
    """Yield runs of words with capitals; German nouns are exchanged for each other, too."""
    run: list[regex.Match[str]] = []
    found: list[regex.Match[str] | None] = [*_WORD.finditer(question), None]
    for match in found:
        is_part = match is not None and match[0][0].isupper() and match.start() > 0
        if is_part and match is not None:
            joined = not run or question[run[-1].end() : match.start()] == " "
            if joined:
                run.append(match)
                continue
        if run:
            start, end = run[0].start(), run[-1].end()
            name = question[start:end]
            if len(name) > 1 and not name.isdecimal() and name in passage:
                yield start, end, f"name of {min(len(run), 3)}, {name.isupper()}"
        run = [match] if is_part and match is not None else []


def _has_case(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    cased = sum(character.upper() != character.lower() for character in letters)
    return 2 * cased > len(letters)


def _shared_run(question: str, passage: str) -> Iterable[tuple[int, int, str]]:
    """Yield the longest run of characters that question and passage share, if it is a word's."""
    match = SequenceMatcher(None, question, passage, autojunk=False).find_longest_match()
    text = question[match.a : match.a + match.size]
    if _LEAST_SHARED < match.size <= _MOST_SHARED and _ONE_WORD.fullmatch(text):
        yield match.a, match.a + match.size, "run"
