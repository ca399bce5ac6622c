"""Questions, their answers, and what readers think of them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StringConstraints

from qa_service.types import Filters, Question
from qa_service.web.schemas.fields import (
    MAX_HISTORY,
    MAX_TOP_K,
    Direction,
    IsoDate,
    LanguageCode,
    Line,
    QuestionText,
    Request,
)


def _as_list(value: object) -> object:
    """Let a query parameter that is given once stand for a list of one."""
    return [value] if isinstance(value, str) else value


class FiltersIn(Request):
    """Which articles may answer; dates are inclusive."""

    language: LanguageCode | None = Field(
        default=None, description="ISO 639-1 code of the articles."
    )
    source: Line | None = Field(
        default=None, description="The publisher, exactly as the articles name it."
    )
    published_from: IsoDate | None = Field(
        default=None, description="The first day, such as 2020-11-16."
    )
    published_to: IsoDate | None = Field(
        default=None, description="The last day, such as 2020-11-30."
    )

    def to_filters(self) -> Filters:
        """Return the same as the service takes it."""
        return Filters(
            language=self.language or None,
            source=self.source or None,
            published_from=self.published_from,
            published_to=self.published_to,
        )


class AskIn(Request):
    """A question."""

    question: QuestionText = Field(description="The question, in any language.")
    top_k: Annotated[StrictInt, Field(ge=1, le=MAX_TOP_K)] = Field(
        5, description="How many passages to return at most."
    )
    filters: FiltersIn = Field(
        default_factory=FiltersIn,
        description="Which articles may answer; all by default.",
    )
    history: Annotated[list[QuestionText], Field(max_length=MAX_HISTORY)] = Field(
        default_factory=list,
        description="Earlier questions of the conversation, oldest first, for follow-ups.",
    )

    def to_question(self) -> Question:
        """Return the same as the service takes it."""
        return Question(
            text=self.question,
            top_k=self.top_k,
            filters=self.filters.to_filters(),
            history=tuple(self.history),
        )


class AskQuery(FiltersIn):
    """A question in the address, for links and plain forms."""

    q: QuestionText = Field(description="The question, in any language.")
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K)] = Field(
        5, description="How many passages to return at most."
    )
    history: Annotated[
        list[QuestionText],
        Field(max_length=MAX_HISTORY),
        BeforeValidator(_as_list, json_schema_input_type=list[QuestionText]),
    ] = Field(
        default_factory=list,
        description="An earlier question of the conversation; repeat for more, oldest first.",
    )

    def to_question(self) -> Question:
        """Return the same as the service takes it."""
        return Question(
            text=self.q, top_k=self.top_k, filters=self.to_filters(), history=tuple(self.history)
        )


class FeedbackIn(Request):
    """What a reader thinks of a passage."""

    question: QuestionText = Field(description="The question that was asked.")
    article_id: Annotated[str, StringConstraints(min_length=1, max_length=4000)] = Field(
        description="The article of the passage."
    )
    citation_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The id of the passage's citation."
    )
    helpful: Annotated[bool, Field(strict=True)] = Field(
        description="True when the passage answers the question, false when it is the wrong one."
    )
    answer: Annotated[str, StringConstraints(min_length=1, max_length=5000)] | None = Field(
        None, description="The answering words, exactly as they stand in the passage."
    )


class HighlightOut(BaseModel):
    """A stretch of a passage, half-open, in code points from the passage's start."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class CitationOut(BaseModel):
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


class ArticleNameOut(BaseModel):
    """Another article, by name."""

    id: str
    title: str
    language: str
    link: str = Field(description="Opens the article.")


class PassageOut(BaseModel):
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


class AnswerTextOut(BaseModel):
    """The sentence or two that answer."""

    text: str
    language: str
    direction: Direction
    citation: Annotated[int, Field(ge=1)] = Field(description="The rank of the passage it is in.")
    start: Annotated[int, Field(ge=0)] = Field(description="Its place in that passage.")
    end: Annotated[int, Field(ge=0)]


class IndexStateOut(BaseModel):
    """The generation of the index that answered."""

    generation: str
    articles: int
    passages: int


class AnswerOut(BaseModel):
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


class FeedbackOut(BaseModel):
    """Feedback was kept."""

    recorded: Literal[True]
