"""Questions as people type them: greetings, capitals, missing marks, keywords, other digits."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

_PHRASES = Path(__file__).with_name("phrases.json")
_MARKS_AT_END = " ?？؟;!.。፧՞"
# Digits of scripts by language, each from its zero on.
_DIGITS = {"ar": "٠", "fa": "۰", "ur": "۰", "hi": "०", "bn": "০", "te": "౦", "th": "๐"}
_UNSPACED = frozenset({"zh", "ja", "th"})
# Of the commonest words of a language's questions, which keywords go without.
_COMMON_WORDS = 30
_LEAST_KEYWORDS = 2
# A vowel sign alone tells nothing; whole words of Indic scripts would fall apart without theirs.
_OPTIONAL_MARK = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]"
)


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """How often each change is made; all of them may meet in one question.

    `greeting`, `thanks`, `asking`: put around it. `capitals`, `lower`: all of it.
    `no_question_mark`, `no_marks`: left out (accents, vowel signs). `digits`: native for western
    ones, or the other way. `other_word`: the question word in another language. `keywords`: what is
    left without question words and the commonest others. `other_language`: of the greetings and the
    like, how many are in another language than the question.
    """

    greeting: float = 0.05
    thanks: float = 0.04
    asking: float = 0.03
    capitals: float = 0.04
    lower: float = 0.08
    no_question_mark: float = 0.2
    no_marks: float = 0.06
    digits: float = 0.3
    other_word: float = 0.03
    keywords: float = 0.07
    other_language: float = 0.2


class Augmenter:
    """Changes questions as a plan says; what is drawn follows from the generator alone."""

    def __init__(self, plan: QuestionPlan, questions: Iterable[tuple[str, str]] = ()) -> None:
        """Load phrases, and learn the commonest words from (language, question)."""
        content: dict[str, Any] = json.loads(_PHRASES.read_text("utf-8"))
        self._plan = plan
        self._phrases: dict[str, dict[str, list[str]]] = {
            name: content[name] for name in ("greetings", "thanks", "asking")
        }
        self._words: dict[str, dict[str, list[str]]] = content["question_words"]
        counts: dict[str, Counter[str]] = {}
        for language, question in questions:
            counts.setdefault(language, Counter()).update(set(_words(question)))
        self._common = {
            language: {word for word, _ in found.most_common(_COMMON_WORDS)}
            for language, found in counts.items()
        }

    def phrases(self) -> list[str]:
        """Return all that may be put into a question."""
        found = [
            phrase
            for by_language in (*self._phrases.values(), *self._words.values())
            for phrases in by_language.values()
            for phrase in phrases
        ]
        return [*found, *(chr(ord(zero) + n) for zero in _DIGITS.values() for n in range(10))]

    def change(self, question: str, language: str, rng: random.Random) -> str:
        """Return a question as somebody may have typed it."""
        plan = self._plan
        if rng.random() < plan.keywords:
            question = self._as_keywords(question, language)
        elif rng.random() < plan.other_word:
            question = self._with_other_word(question, language, rng)
        if rng.random() < plan.no_question_mark:
            question = question.rstrip(_MARKS_AT_END)
        if rng.random() < plan.no_marks:
            question = without_marks(question)
        if rng.random() < plan.digits:
            question = with_other_digits(question, language)
        if rng.random() < plan.asking:
            question = self._put("asking", language, rng, question, is_before=True)
        if rng.random() < plan.greeting:
            question = self._put("greetings", language, rng, question, is_before=True)
        if rng.random() < plan.thanks:
            question = self._put("thanks", language, rng, question, is_before=False)
        if rng.random() < plan.capitals:
            return question.upper()
        return question.lower() if rng.random() < plan.lower else question

    def _put(
        self, name: str, language: str, rng: random.Random, question: str, *, is_before: bool
    ) -> str:
        known = self._phrases[name]
        if language not in known or rng.random() < self._plan.other_language:
            language = rng.choice(sorted(known))
        phrase = rng.choice(known[language])
        gap = "" if language in _UNSPACED else " "
        return f"{phrase}{gap}{question}" if is_before else f"{question}{gap}{phrase}"

    def _as_keywords(self, question: str, language: str) -> str:
        asking = {word for words in self._words.values() for word in words.get(language, ())}
        bare = question.strip(_MARKS_AT_END)
        if language in _UNSPACED:
            for word in sorted(asking, key=len, reverse=True):
                bare = bare.replace(word, " ")
            return " ".join(bare.split()) or question
        common = self._common.get(language, set()) | {
            one for word in asking for one in word.split()
        }
        kept = [word for word in bare.split() if word.casefold() not in common]
        return " ".join(kept) if len(kept) >= _LEAST_KEYWORDS else question

    def _with_other_word(self, question: str, language: str, rng: random.Random) -> str:
        for by_language in self._words.values():
            for word in by_language.get(language, ()):
                pattern = re.escape(word)
                if language not in _UNSPACED:
                    pattern = rf"(?<![\p{{L}}\p{{M}}]){pattern}(?![\p{{L}}\p{{M}}])"
                match = regex.search(pattern, question, regex.IGNORECASE)
                if match is not None:
                    other = rng.choice(sorted(by_language.keys() - {language}))
                    new = rng.choice(by_language[other])
                    return question[: match.start()] + new + question[match.end() :]
        return question


def without_marks(text: str) -> str:
    """Return text without accents and optional vowel signs; signs that are letters stay."""
    bare = _OPTIONAL_MARK.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


def with_other_digits(text: str, language: str) -> str:
    """Return text with the language's own digits for western ones, or the other way round."""
    zero = _DIGITS.get(language)
    if zero is None:
        return text
    native = {ord("0") + n: chr(ord(zero) + n) for n in range(10)}
    western = {ord(zero) + n: str(n) for n in range(10)}
    has_native = any(ord(character) in western for character in text)
    return text.translate(western if has_native else native)


def _words(question: str) -> list[str]:
    return [word.strip(_MARKS_AT_END).casefold() for word in question.split()]
