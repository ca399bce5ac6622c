"""A document in two languages → passages, and questions that each is the answer to."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qa_service.text.sentences import split_sentences
from training.adapter.documents import Document, Kind, Unit

# Rough, to plan by: letters in a token.
_LETTERS_PER_TOKEN = 4.0
_WIDE_LETTERS_PER_TOKEN = 1.5
_SHORTEST_SENTENCE = 16
_LONGEST_QUESTION = 320
# A single word is the answer to nothing.
_SHORTEST_PASSAGE = 3
# What must be left of a passage when a sentence is taken out, in tokens.
_LEAST_LEFT = 12
# Below this many letters a heading says little without the title of its page.
_SHORT_HEADING = 24


@dataclass(frozen=True, slots=True)
class Passage:
    """Paragraphs of a document that stand together.

    `units`: their places in the document. `heading`: the text in each language of the heading right
    before them, empty when there is none. `section`: the same for all passages of a section.
    """

    units: tuple[int, ...]
    heading: Mapping[str, str]
    section: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class QuestionStyle:
    """How often each kind of question is asked, and what is done to sentences.

    `heading`, `title`, `sentence`: weights. `taken_out`: how often a sentence that is asked is not
    in the passage. `clipped`: how often only a part of it is asked.
    """

    heading: float = 1.0
    title: float = 0.3
    sentence: float = 0.5
    taken_out: float = 0.3
    clipped: float = 0.5


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the passage that answers in the asker's language, and in the other one.

    `document`, `section`: who has the same may answer, too, if the question is of that scope.
    `translation`: the question in the other language, empty where it is not known.
    """

    question: str
    own: str
    other: str
    kind: Kind
    document: str
    section: str
    translation: str = ""

    def may_answer(self, other: Example) -> bool:
        """Tell whether another example's passage may answer this question as well."""
        if self.own == other.own or self.other == other.other:
            return True
        if self.kind is Kind.TITLE:
            return self.document == other.document
        if self.kind is Kind.HEADING:
            return self.section == other.section
        return False


def tokens_of(text: str) -> float:
    """Return about how many tokens a text has."""
    wide = sum(
        unicodedata.east_asian_width(character) in "WF" or "\u0e00" <= character <= "\u0fff"
        for character in text
    )
    return wide / _WIDE_LETTERS_PER_TOKEN + (len(text) - wide) / _LETTERS_PER_TOKEN


def divide_passages(
    document: Document, languages: Sequence[str], target_tokens: float
) -> Iterator[Passage]:
    """Yield passages of about so many tokens whose paragraphs all languages have.

    A passage goes on into the next section while it has less than half of that.
    """
    units: list[int] = []
    heading: Mapping[str, str] = {}
    size, section, first_section = 0.0, 0, 0
    is_first = True
    for place, unit in enumerate(document.units):
        is_shared = all(language in unit.texts for language in languages)
        if unit.kind is not Kind.TEXT:
            section += 1
            if size >= target_tokens / 2:
                yield Passage(tuple(units), heading, first_section, is_first)
                units, size, is_first = [], 0.0, False
            if not units:
                heading = unit.texts if unit.kind is Kind.HEADING else {}
            elif is_shared:
                # In the midst of a passage a heading is one more line of it.
                units.append(place)
            continue
        if not is_shared:
            continue
        if not any(document.units[known].kind is Kind.TEXT for known in units):
            first_section = section
        units.append(place)
        size += max(tokens_of(unit.texts[language]) for language in languages)
        if size >= target_tokens:
            yield Passage(tuple(units), heading, first_section, is_first)
            units, size, heading, is_first = [], 0.0, {}, False
    if any(document.units[known].kind is Kind.TEXT for known in units):
        yield Passage(tuple(units), heading, first_section, is_first)


def make_example(
    document: Document,
    passage: Passage,
    asker: str,
    other: str,
    style: QuestionStyle,
    rng: random.Random,
) -> Example | None:
    """Return a question in one language with its passage in both; None when there is none to ask.

    Args:
        document: where the passage is from.
        passage: of `divide_passages` with both languages.
        asker: the language of the question.
        other: the other language, or the same.
        style: what is asked.
        rng: decides.
    """
    units = [document.units[place] for place in passage.units]
    title, other_title = _title_of(document, asker), _title_of(document, other)
    heading, other_heading = passage.heading.get(asker, ""), passage.heading.get(other, "")
    weights = {
        Kind.HEADING: style.heading if heading else 0.0,
        Kind.TITLE: style.title if title and passage.is_first else 0.0,
        Kind.TEXT: style.sentence,
    }
    kind = rng.choices(list(weights), list(weights.values()))[0]
    own, others = [unit.texts[asker] for unit in units], [unit.texts[other] for unit in units]
    if kind is Kind.TEXT:
        asked = _ask_sentence(units, asker, other, style, rng)
        if asked is not None:
            question, translation, own, others = asked
        elif heading or (title and passage.is_first):
            kind = Kind.HEADING if heading else Kind.TITLE
        else:
            return None
    if kind is Kind.HEADING:
        question, translation = heading, other_heading
        if title and (len(heading) < _SHORT_HEADING or rng.random() < 0.3):
            question = f"{title}: {heading}"
            translation = f"{other_title}: {other_heading}" if other_title and other_heading else ""
    elif kind is Kind.TITLE:
        question, translation = title, other_title
    if min(tokens_of(" ".join(own)), tokens_of(" ".join(others))) < _SHORTEST_PASSAGE:
        return None
    scope = f"{document.source}/{document.name}"
    return Example(
        question=question,
        own=_join(own, asker),
        other=_join(others, other),
        kind=kind,
        document=scope,
        section=f"{scope}/{passage.section}",
        translation="" if asker == other else translation,
    )


def _ask_sentence(
    units: Sequence[Unit],
    asker: str,
    other: str,
    style: QuestionStyle,
    rng: random.Random,
) -> tuple[str, str, list[str], list[str]] | None:
    """Return a sentence as the question, and the passages, without it if that is decided.

    Its translation comes second, empty for a part of a sentence or where it is not clear.
    """
    places = [
        (number, sentence)
        for number, unit in enumerate(units)
        if unit.kind is Kind.TEXT
        for sentence in _sentences(unit.texts[asker], asker)
        if len(sentence) * (1 + 2 * _is_wide(sentence)) >= _SHORTEST_SENTENCE
        and len(sentence) <= _LONGEST_QUESTION
    ]
    if not places:
        return None
    number, question = rng.choice(places)
    own, others = [unit.texts[asker] for unit in units], [unit.texts[other] for unit in units]
    translation = _counterpart(units[number], asker, other, question)
    if rng.random() < style.taken_out:
        left = _without(units[number], asker, other, question)
        kept_own = [*own[:number], left[0], *own[number + 1 :]]
        kept_others = [*others[:number], left[1], *others[number + 1 :]]
        if tokens_of(" ".join(kept_own)) >= _LEAST_LEFT:
            own, others = kept_own, kept_others
    if rng.random() < style.clipped:
        question, translation = clip(question, rng), ""
    return question, translation, own, others


def _counterpart(unit: Unit, asker: str, other: str, sentence: str) -> str:
    """Return a sentence of a paragraph in the other language; empty where that is not clear."""
    own, others = _sentences(unit.texts[asker], asker), _sentences(unit.texts[other], other)
    return others[own.index(sentence)] if len(own) == len(others) else ""


def _without(unit: Unit, asker: str, other: str, sentence: str) -> tuple[str, str]:
    """Take a sentence out of a paragraph in both languages; the whole where that is not clear."""
    own, others = _sentences(unit.texts[asker], asker), _sentences(unit.texts[other], other)
    if len(own) != len(others) or len(own) == 1:
        return "", ""
    place = own.index(sentence)
    return (
        _join([*own[:place], *own[place + 1 :]], asker),
        _join([*others[:place], *others[place + 1 :]], other),
    )


def clip(sentence: str, rng: random.Random) -> str:
    """Return a part of a sentence, between four and eight tenths of it, at spaces if it has any."""
    words = sentence.split(" ")
    if len(words) < 5:
        if not _is_wide(sentence):
            return sentence
        words = list(sentence)
    kept = min(len(words), max(3, round(len(words) * rng.uniform(0.4, 0.8))))
    start = rng.randrange(len(words) - kept + 1)
    chosen = words[start : start + kept]
    return ("" if words == list(sentence) else " ").join(chosen)


def _sentences(text: str, language: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text, language)]


def _is_wide(text: str) -> bool:
    return tokens_of(text) > len(text) / 3


def _title_of(document: Document, language: str) -> str:
    for unit in document.units:
        if unit.kind is Kind.TITLE:
            return unit.texts.get(language, "")
    return ""


def _join(texts: Sequence[str], language: str) -> str:
    return ("" if language in ("ja", "zh") else " ").join(text for text in texts if text)
