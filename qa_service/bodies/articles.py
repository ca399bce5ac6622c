"""Articles: those that are there, and those to add."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from qa_service.bodies.body import Body
from qa_service.bodies.index_runs import Excerpt, JobOut
from qa_service.bodies.links import article_path
from qa_service.bodies.request_fields import (
    MAX_ARTICLE_CHARACTERS,
    SAYS_SOMETHING,
    IsoDate,
    LanguageCode,
    Line,
    Request,
    WebAddress,
)
from qa_service.text.direction import Direction, text_direction
from qa_service.types import (
    AddedFile,
    Article,
    ArticlePage,
    ArticleSummary,
    Passage,
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


class ArticleSummaryOut(Body):
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

    @classmethod
    def from_summary(cls, summary: ArticleSummary) -> Self:
        """Make it from the same as the service tells it."""
        return cls(
            id=summary.id,
            title=summary.title,
            language=summary.language,
            direction=text_direction(summary.language),
            source=summary.source,
            url=summary.url,
            published=summary.published,
            passages=summary.passages,
            is_removable=summary.is_removable,
            link=article_path(summary.id),
        )


class ArticleListOut(Body):
    """A part of the list of articles, by title."""

    total: int
    offset: int
    limit: int
    articles: list[ArticleSummaryOut]

    @classmethod
    def from_page(cls, page: ArticlePage, limit: int) -> Self:
        """Make the body of a list of which `limit` articles were asked for."""
        return cls(
            total=page.total,
            offset=page.offset,
            limit=limit,
            articles=[ArticleSummaryOut.from_summary(summary) for summary in page.items],
        )


class PlaceOut(Body):
    """Where a passage stands in the article now."""

    id: str
    start: int
    end: int

    @classmethod
    def from_passage(cls, passage: Passage) -> Self:
        """Make it from a passage."""
        return cls(id=passage.id, start=passage.start, end=passage.end)


class ArticleOut(Body):
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

    @classmethod
    def from_article(cls, article: Article, passage: Passage | None = None) -> Self:
        """Make the body of an article; `passage` is the one that was asked for."""
        return cls(
            id=article.id,
            title=article.title,
            text=article.text,
            language=article.language,
            direction=text_direction(article.language),
            source=article.source,
            url=article.url,
            author=article.author,
            published=article.published,
            passage=PlaceOut.from_passage(passage) if passage else None,
        )


class ArticleAcceptedOut(Body):
    """The file that was stored and the index run that takes it in."""

    name: str = Field(description="The file's name in the articles folder.")
    job: JobOut

    @classmethod
    def from_added(cls, added: AddedFile, excerpt: Excerpt) -> Self:
        """Make the body of an upload that was taken."""
        return cls(name=added.name, job=JobOut.from_job(added.job, excerpt))
