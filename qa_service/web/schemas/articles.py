"""Articles: those that are there, and those to add."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from qa_service.web.schemas.fields import (
    MAX_ARTICLE_CHARACTERS,
    SAYS_SOMETHING,
    Direction,
    IsoDate,
    LanguageCode,
    Line,
    Request,
    WebAddress,
)
from qa_service.web.schemas.index import JobOut


class ArticleListQuery(Request):
    """Which part of the list of articles to return."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="How many articles to skip."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = Field(50, description="How many to return.")
    q: Line | None = Field(
        default=None, description="Keep articles whose title, id or source holds this."
    )


class ArticleIn(Request):
    """An article to add."""

    title: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=500, pattern=SAYS_SOMETHING)
    ] = Field(description="What the article is called.")
    text: Annotated[
        str, StringConstraints(max_length=MAX_ARTICLE_CHARACTERS, pattern=SAYS_SOMETHING)
    ] = Field(description="The article as plain text; blank lines part paragraphs.")
    source: Line | None = Field(default=None, description="Who published it.")
    url: WebAddress | None = Field(
        default=None, description="Where it was published (http or https)."
    )
    author: Line | None = Field(default=None, description="Who wrote it.")
    published: IsoDate | None = Field(default=None, description="When, such as 2020-11-16.")
    language: LanguageCode | None = Field(
        default=None, description="ISO 639-1; detected when not given."
    )


class ArticleSummaryOut(BaseModel):
    """An article in a list."""

    id: str
    title: str
    language: str
    direction: Direction
    source: str | None
    url: str | None
    published: dt.date | None
    passages: int
    is_removable: bool = Field(description="False for one of several articles in a file.")
    link: str


class ArticleListOut(BaseModel):
    """A part of the list of articles, by title."""

    total: int
    offset: int
    limit: int
    articles: list[ArticleSummaryOut]


class PlaceOut(BaseModel):
    """Where a passage stands in the article now."""

    id: str
    start: int
    end: int


class ArticleOut(BaseModel):
    """An article as stored; citations' offsets count in `text`."""

    id: str
    title: str
    text: str
    language: str
    direction: Direction
    source: str | None
    url: str | None
    author: str | None
    published: dt.date | None
    passage: PlaceOut | None = Field(
        description="The passage asked for with ?passage=, null when it is no longer there."
    )


class ArticleAcceptedOut(BaseModel):
    """The file that was stored and the index run that takes it in."""

    name: str = Field(description="The file's name in the articles folder.")
    job: JobOut
