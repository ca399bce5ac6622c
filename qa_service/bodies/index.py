"""The index: what is in service, what is wrong with it, and whether it is whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

from pydantic import Field

from qa_service.bodies.body import Body
from qa_service.bodies.index_runs import WHOLE, Excerpt, FileStateName, JobOut
from qa_service.bodies.links import article_path
from qa_service.bodies.operation import ProblemOut
from qa_service.errors import QaServiceError
from qa_service.types import FileOutcome, FilePage, IndexJob, IndexStatus


class IndexStatusOut(Body):
    """What is indexed, and by what."""

    path: str
    generation: str
    previous_generation: str | None
    created_at: dt.datetime
    model: str
    articles: int
    passages: int
    languages: dict[str, int]
    sources: list[str]
    size_bytes: int
    damage: str | None = Field(
        description="What is wrong with the generation in service, and how to mend it, when an "
        "older one, described here, answers in its stead."
    )

    @classmethod
    def from_status(cls, status: IndexStatus, excerpt: Excerpt = WHOLE) -> Self:
        """Make the description of the index in service."""
        return cls(
            path=excerpt.without_folders(status.path),
            generation=status.generation,
            previous_generation=status.previous_generation,
            created_at=status.created_at,
            model=status.model,
            articles=status.articles,
            passages=status.passages,
            languages=dict(status.languages),
            sources=list(status.sources),
            size_bytes=status.size_bytes,
            damage=excerpt.text(status.damage),
        )


class UnreadFileOut(Body):
    """A file in the articles folder that holds no article."""

    path: str
    state: FileStateName
    reason: str | None
    link: str = Field(description="`DELETE` it to remove the file.")

    @classmethod
    def from_outcome(cls, file: FileOutcome, excerpt: Excerpt) -> Self:
        """Make it from what became of a file."""
        return cls(
            path=excerpt.without_folders(file.path),
            state=file.state,
            reason=excerpt.reason(file.reason),
            link=article_path(file.path),
        )


class UnreadFilesOut(Body):
    """A part of the list of files that hold no article, by name."""

    total: int
    offset: int
    files: list[UnreadFileOut]

    @classmethod
    def from_page(cls, page: FilePage, excerpt: Excerpt) -> Self:
        """Make it from the same as the service tells it."""
        return cls(
            total=page.total,
            offset=page.offset,
            files=[UnreadFileOut.from_outcome(file, excerpt) for file in page.items],
        )


class IndexOut(Body):
    """The index in service and the running or last job."""

    index: IndexStatusOut | None
    problem: ProblemOut | None = Field(
        description="Why there is no usable index, if there is none."
    )
    job: JobOut | None
    unread: UnreadFilesOut | None = Field(
        description="Files that the index knows and found no article in; null without an "
        "index, and in events while a run goes on."
    )

    @classmethod
    def from_index(
        cls,
        status: IndexStatus | None,
        problem: QaServiceError | None,
        job: IndexJob | None,
        unread: FilePage | None,
        excerpt: Excerpt,
    ) -> Self:
        """Make the body of `GET /index` and of its events."""
        found = None
        if problem is not None:
            message = excerpt.without_folders(str(problem))
            found = ProblemOut(code=problem.code, message=message, detail=None)
        return cls(
            index=None if status is None else IndexStatusOut.from_status(status, excerpt),
            problem=found,
            job=None if job is None else JobOut.from_job(job, excerpt),
            unread=None if unread is None else UnreadFilesOut.from_page(unread, excerpt),
        )


class VerificationOut(Body):
    """Whether everything in the index folder is as it was written."""

    ok: bool
    problems: list[str]

    @classmethod
    def from_problems(cls, problems: Sequence[str]) -> Self:
        """Make it from what was found wrong."""
        return cls(ok=not problems, problems=list(problems))
