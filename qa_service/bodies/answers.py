"""Answers, and the passages that they cite."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import Field
from typing_extensions import TypedDict

from qa_service.bodies.body import Body
from qa_service.bodies.links import article_path, citation_link
from qa_service.bodies.no_answer import no_answer_message
from qa_service.text.direction import Direction, text_direction
from qa_service.types import (
    Answer,
    AnswerText,
    ArticleName,
    CitedPassage,
    IndexState,
    Span,
)


# A reply may hold a thousand: dictionaries that are checked with their passage take half the time
# of models of their own, which is 1 ms of the 6 that a reply of fifty passages takes.
class HighlightOut(TypedDict):
    """A stretch of a passage, half-open, in code points from the passage's start."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class CitationOut(Body):
    """Where a passage stands in its article."""

    id: str = Field(description="Stays the same while the passage's own text does.")
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: dt.date | None
    start: Annotated[int, Field(ge=0)] = Field(
        description="Code points from the start of the stored text; half-open."
    )
    end: Annotated[int, Field(ge=0)]
    link: str = Field(description="Opens the article scrolled to the passage, marked.")

    @classmethod
    def from_passage(cls, hit: CitedPassage, sentence: Span | None) -> Self:
        """Make it from a cited passage; `sentence` is the one that answers, if it is in there."""
        citation = hit.citation
        return cls(
            id=citation.id,
            article_id=citation.article_id,
            title=citation.title,
            source=citation.source,
            url=citation.url,
            published=citation.published,
            start=citation.start,
            end=citation.end,
            link=citation_link(citation.article_id, citation.id, hit.highlights, sentence),
        )


class ArticleNameOut(Body):
    """Another article, by name."""

    id: str
    title: str
    language: str
    link: str = Field(description="Opens the article.")

    @classmethod
    def from_name(cls, name: ArticleName) -> Self:
        """Make it from the same as the service tells it."""
        return cls(id=name.id, title=name.title, language=name.language, link=article_path(name.id))


class PassageOut(Body):
    """A passage, quoted exactly."""

    rank: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(ge=0, le=1)]
    text: str
    language: str
    direction: Direction
    highlights: list[HighlightOut] = Field(description="The words that match the question.")
    citation: CitationOut
    also_in: list[str] = Field(description="Ids of other articles that tell nearly the same.")
    also_in_articles: list[ArticleNameOut] = Field(
        description="The articles of `also_in`, in the same order, with their titles."
    )

    @classmethod
    def from_passage(cls, hit: CitedPassage, answer: AnswerText | None) -> Self:
        """Make it from a passage of an answer, and the answering sentence, if there is one."""
        sentence = answer.span if answer is not None and answer.citation == hit.rank else None
        return cls(
            rank=hit.rank,
            score=_probability(hit.score),
            text=hit.text,
            language=hit.language,
            direction=text_direction(hit.language),
            highlights=[HighlightOut(start=span.start, end=span.end) for span in hit.highlights],
            citation=CitationOut.from_passage(hit, sentence),
            also_in=list(hit.also_in),
            also_in_articles=[ArticleNameOut.from_name(name) for name in hit.also_in_articles],
        )


class AnswerTextOut(Body):
    """The sentence or two that answer."""

    text: str
    language: str
    direction: Direction
    citation: Annotated[int, Field(ge=1)] = Field(description="The rank of the passage it is in.")
    start: Annotated[int, Field(ge=0)] = Field(description="Its place in that passage.")
    end: Annotated[int, Field(ge=0)]

    @classmethod
    def from_text(cls, answer: AnswerText) -> Self:
        """Make it from the same as the service tells it."""
        return cls(
            text=answer.text,
            language=answer.language,
            direction=text_direction(answer.language),
            citation=answer.citation,
            start=answer.span.start,
            end=answer.span.end,
        )


class IndexStateOut(Body):
    """The generation of the index that answered."""

    generation: str
    articles: int
    passages: int

    @classmethod
    def from_state(cls, state: IndexState) -> Self:
        """Make it from the same as the service tells it."""
        return cls(generation=state.generation, articles=state.articles, passages=state.passages)


class AnswerOut(Body):
    """The answer, or the nearest passages when nothing answers."""

    question: str
    searched_for: str = Field(
        description="The question as searched, with what a follow-up left unsaid put back."
    )
    language: str = Field(description="The language the question was asked in.")
    answered: bool
    confidence: Annotated[float, Field(ge=0, le=1)] = Field(
        description="The probability that the articles hold an answer."
    )
    message: str | None = Field(
        description="When nothing answers: says so in the language of the question."
    )
    answer: AnswerTextOut | None
    passages: list[PassageOut]
    index: IndexStateOut
    timings_ms: dict[str, float]

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Make the body of an answer."""
        return cls(
            question=answer.question,
            searched_for=answer.searched_for,
            language=answer.language,
            answered=answer.is_answered,
            confidence=_probability(answer.confidence),
            message=None if answer.is_answered else no_answer_message(answer.language),
            answer=AnswerTextOut.from_text(answer.answer) if answer.answer else None,
            passages=[PassageOut.from_passage(hit, answer.answer) for hit in answer.passages],
            index=IndexStateOut.from_state(answer.index),
            timings_ms={stage: round(ms, 3) for stage, ms in answer.timings_ms.items()},
        )


def _probability(value: float) -> float:
    """Cut off what rounding may have added to a probability, and digits that say nothing."""
    return round(min(1.0, max(0.0, value)), 6)
