"""What addresses carry: questions as links, and which part of a list is wanted."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from qa_service.bodies.index_runs import FILES_SHOWN
from qa_service.bodies.questions import FiltersIn
from qa_service.bodies.request_fields import (
    MAX_HISTORY,
    Line,
    QuestionText,
    Request,
)
from qa_service.types import MAX_TOP_K, Question


def _as_list(value: object) -> object:
    """Let a query parameter that is given once stand for a list of one."""
    return [value] if isinstance(value, str) else value


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


class TurnQuery(Request):
    """The page that a turn is for."""

    interface: Line | None = Field(
        default=None,
        description="The language of the page, such as ar; by default as all pages choose theirs.",
    )


class ArticleListQuery(Request):
    """Which part of the list of articles to return."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="How many articles to skip."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = Field(50, description="How many to return.")
    q: Line | None = Field(
        default=None, description="Keep articles whose title, id or source holds this."
    )


class IndexQuery(Request):
    """Which part of long lists to return."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        default=0, description="How many files, and how many duplicates, to skip."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = Field(
        default=FILES_SHOWN, description="How many of each to return."
    )
