"""When two answers are the same, in any script."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import regex

# Vowel signs and tones are marks: without them words of Indic and Thai letters fall apart.
_NO_WORD = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_MARKS = re.compile(
    # Of Latin, Greek and Cyrillic; Hebrew; Arabic. Those of Indic scripts are vowels.
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]"
)
# Scripts without spaces between words: a character is the nearest thing to a word.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
# Articles of English count in no comparison of SQuAD; neither do those glued to an Arabic word.
_ARTICLES = {"en": frozenset({"a", "an", "the"})}


def normalize(text: str) -> str:
    """Return text in lower case without marks and punctuation, words parted by one space."""
    text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match[0], 0)), text)
    text = unicodedata.normalize("NFKC", _without_marks(text)).casefold()
    return _NO_WORD.sub(" ", text).strip()


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


def words(text: str, language: str) -> list[str]:
    """Return the words of an answer, and the characters of scripts without spaces."""
    spaced = _UNSPACED.sub(lambda match: f" {match[0]} ", normalize(text))
    articles = _ARTICLES.get(language, frozenset())
    return [word for word in spaced.split() if word not in articles]


def overlap(found: str, expected: str, language: str) -> float:
    """Return F1 of the words of two answers (Rajpurkar et al. 2016)."""
    ours, theirs = words(found, language), words(expected, language)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def best_overlap(found: str, expected: Sequence[str], language: str) -> float:
    """Return the F1 with the answer that is nearest."""
    return max(overlap(found, one, language) for one in expected)


def is_exact(found: str, expected: Sequence[str], language: str) -> bool:
    """Return whether an answer has the very words of an expected one."""
    ours = words(found, language)
    return any(ours == words(one, language) for one in expected)


def holds_any(normalized_passage: str, answers: Sequence[str]) -> bool:
    """Return whether one of the answers stands in a passage, as whole words where there are such.

    Args:
        normalized_passage: what `normalize` made of it.
        answers: as they are written.
    """
    for answer in answers:
        wanted = normalize(answer)
        if not wanted:
            continue
        if _UNSPACED.search(wanted):
            if wanted.replace(" ", "") in normalized_passage.replace(" ", ""):
                return True
        elif f" {wanted} " in f" {normalized_passage} ":
            return True
    return False
