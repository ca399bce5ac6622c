"""From ranked passages to a cited answer, or to an honest "not found"."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qa_service.answer import answerability
from qa_service.retrieval.late_interaction import Alignment, idf_weights
from qa_service.text.scripts import UNSPACED_SCRIPTS, script_of
from qa_service.text.sentences import ends_with_stop
from qa_service.types import (
    AnswerText,
    Article,
    Citation,
    CitedPassage,
    Passage,
    Span,
)

# A second sentence is quoted when the two together match the question better by this much.
PAIR_GAIN = 0.015
# What a passage's first sentence names, the others may speak of without naming it: its matches
# count this much for each of them.
SUBJECT_SHARE = 0.7
# How similar a word must be to one of the question's to be marked, as a cosine of its token.
WORD_SIMILARITY = 0.55
# A word of the question that tells less than this share of it marks nothing.
LEAST_SHARE = 0.02
# A passage below the first must match the question better by this much to give the answer.
SWITCH_GAIN = 0.04


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that is to be shown, with what the ranking knows of it.

    `probability` is that of the passage answering the question.
    """

    passage: Passage
    article: Article
    alignment: Alignment
    score: float
    probability: float
    also_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or two that follow each other: a span of the passage, and its MaxSim."""

    span: Span
    score: float


def best_sentence(passage: Passage, alignment: Alignment) -> Sentence:
    """Return the sentence of a passage that matches the question best, or two in a row.

    All sentences share the passage's subject, which the first one names: its matches count for the
    others, too, and words count for more that only some of them match. Two sentences are returned
    when the question's words are spread over both. A heading belongs to what follows it: it never
    answers alone, nor with the sentence before it.
    """
    spans = [
        Span(sentence.start - passage.start, sentence.end - passage.start)
        for sentence in passage.sentences
    ] or [Span(0, len(passage.text))]
    own_matches = np.stack([alignment.matches(span.start, span.end) for span in spans])
    matches = np.maximum(own_matches, SUBJECT_SHARE * own_matches[0])
    weights = alignment.weights
    if len(spans) > 2:
        weights = idf_weights(weights, matches)
    scores = matches @ weights
    is_heading = [_is_heading(passage.text, spans, place) for place in range(len(spans))]
    scores[is_heading] = -1.0
    place = int(np.argmax(scores))
    chosen, best = [place], float(scores[place]) + PAIR_GAIN
    for first in (place - 1, place):
        if 0 <= first < len(spans) - 1 and not is_heading[first + 1]:
            both = float(np.maximum(matches[first], matches[first + 1]) @ weights)
            if both > best:
                chosen, best = [first, first + 1], both
    return Sentence(
        Span(spans[chosen[0]].start, spans[chosen[-1]].end),
        float(own_matches[chosen].max(axis=0) @ alignment.weights),
    )


def _is_heading(text: str, sentences: Sequence[Span], place: int) -> bool:
    """True for a line without a stop between two sentences with one."""
    if not 0 < place < len(sentences) - 1:
        return False
    before, own, after = sentences[place - 1 : place + 2]
    return (
        "\n" in text[before.start : own.start]
        and "\n" in text[own.start : after.start]
        and not ends_with_stop(text[own.start : own.end])
        and ends_with_stop(text[before.start : before.end])
        and ends_with_stop(text[after.start : after.end])
    )


def matching_words(passage: Passage, alignment: Alignment) -> tuple[Span, ...]:
    """Return the words of a passage that stand for words of the question, as spans of its text.

    For each telling token of the question these are the passage's tokens that match it best;
    pieces of words are widened to whole words where the script has spaces.
    """
    if not alignment.similarities.size:
        return ()
    telling = np.flatnonzero(alignment.weights >= LEAST_SHARE)
    found = set()
    for column in telling:
        row = int(alignment.similarities[:, column].argmax())
        if alignment.similarities[row, column] >= WORD_SIMILARITY:
            start, end = alignment.spans[row].tolist()
            found.add(_whole_word(passage.text, start, end))
    return _joined(sorted(found), passage.text)


def cite(evidence: Sequence[Evidence]) -> tuple[tuple[CitedPassage, ...], AnswerText | None]:
    """Return the passages with verified citations, in order, and the sentence that answers.

    A passage whose text is not what its article holds at its place is left out: a citation that
    cannot be checked is worse than none.
    """
    sound = [item for item in evidence if _is_sound(item)]
    cited = []
    for rank, item in enumerate(sound, start=1):
        cited.append(
            CitedPassage(
                rank=rank,
                score=item.probability,
                text=item.passage.text,
                language=item.passage.language,
                highlights=matching_words(item.passage, item.alignment),
                citation=Citation(
                    id=item.passage.id,
                    article_id=item.article.id,
                    title=item.article.title,
                    source=item.article.source,
                    url=item.article.url,
                    published=item.article.published,
                    start=item.passage.start,
                    end=item.passage.end,
                ),
                also_in=item.also_in,
            )
        )
    return tuple(cited), _answer(sound)


def _answer(evidence: Sequence[Evidence]) -> AnswerText | None:
    best: tuple[float, int, Sentence] | None = None
    for rank, item in _speaking(evidence[: answerability.FIRST_PASSAGES]):
        sentence = best_sentence(item.passage, item.alignment)
        # The first passage is there for a reason: others must be clearly better.
        worth = sentence.score + item.score - (SWITCH_GAIN if rank > 1 else 0.0)
        if best is None or worth > best[0]:
            best = (worth, rank, sentence)
    if best is None:
        return None
    _, rank, sentence = best
    passage = evidence[rank - 1].passage
    return AnswerText(
        text=passage.text[sentence.span.start : sentence.span.end],
        language=passage.language,
        citation=rank,
        span=sentence.span,
    )


def _speaking(evidence: Sequence[Evidence]) -> list[tuple[int, Evidence]]:
    """Return the passages that may give the answer, with their ranks.

    One that hardly answers does not speak for one that does; when none does, the likeliest speaks.
    """
    ranked = list(enumerate(evidence, start=1))
    answering = [one for one in ranked if answerability.answers(one[1].probability)]
    likeliest = max((item.probability for item in evidence), default=0.0)
    return answering or [one for one in ranked if one[1].probability == likeliest]


def _is_sound(item: Evidence) -> bool:
    passage, text = item.passage, item.article.text
    return (
        0 <= passage.start < passage.end <= len(text)
        and text[passage.start : passage.end] == passage.text
    )


def _whole_word(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a piece of a word to the word, in scripts that put spaces between words."""
    while start < end and not _is_word(text[start]):
        start += 1
    while end > start and not _is_word(text[end - 1]):
        end -= 1
    if start == end:
        return start, end
    # A tokenizer may cut between a letter and its marks, which are one character to a reader.
    while start > 0 and _is_mark(text[start]):
        start -= 1
    while end < len(text) and _is_mark(text[end]):
        end += 1
    if _is_unspaced(text[start]):
        return start, end
    first = start
    while start > 0 and _is_word(text[start - 1]) and not _is_unspaced(text[start - 1]):
        start -= 1
    # What stands before may end with the marks of an unspaced letter.
    while start < first and _is_mark(text[start]):
        start += 1
    while end < len(text) and _is_word(text[end]) and not _is_unspaced(text[end]):
        end += 1
    return start, end


def _is_word(char: str) -> bool:
    """Tell letters, marks and digits of any script from the rest."""
    return unicodedata.category(char)[0] in "LMN"


def _is_mark(char: str) -> bool:
    """Tell marks, which belong to the letter before them."""
    return unicodedata.category(char)[0] == "M"


def _is_unspaced(char: str) -> bool:
    return script_of(char) in UNSPACED_SCRIPTS


def _joined(spans: Sequence[tuple[int, int]], text: str) -> tuple[Span, ...]:
    """Join spans, given in order, that overlap or have only spaces between them."""
    joined: list[Span] = []
    for start, end in spans:
        if start == end:
            continue
        if joined and (start <= joined[-1].end or text[joined[-1].end : start].isspace()):
            joined[-1] = Span(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Span(start, end))
    return tuple(joined)
