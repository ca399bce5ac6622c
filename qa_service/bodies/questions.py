"""Questions, and what readers think of their answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from qa_service.bodies.body import Body
from qa_service.bodies.request_fields import (
    MAX_HISTORY,
    IsoDate,
    LanguageCode,
    Line,
    QuestionText,
    Request,
)
from qa_service.types import MAX_TOP_K, Filters, Question


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


class FeedbackOut(Body):
    """Feedback was kept."""

    recorded: Literal[True]
