"""The index, and the runs that bring it in step with the articles."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from qa_service.web.schemas.fields import Request
from qa_service.web.schemas.operation import ProblemOut


class IndexIn(Request):
    """How to index."""

    rebuild: Annotated[bool, Field(strict=True)] = Field(
        False, description="Make everything anew instead of what has changed."
    )


class ProgressOut(BaseModel):
    """How far a stage of an index run has come."""

    stage: str
    done: int = Field(description="Files read, passages embedded, or steps done.")
    total: int
    share: float = Field(description="Of the stage's work, from 0 to 1.")
    per_second: float | None = Field(description="How many were done of late; null at first.")
    seconds_left: float | None = Field(description="Of this stage; null until it can be told.")


class DroppedOut(BaseModel):
    """A stretch of a file that was left out of its article."""

    text: str
    reason: str


class FileOutcomeOut(BaseModel):
    """What became of one file."""

    path: str
    state: Literal["indexed", "unchanged", "skipped", "failed", "removed"]
    articles: int
    passages: int
    reason: str | None
    dropped: list[DroppedOut] = Field(description="The first ten stretches, each cut.")
    dropped_total: int


class StatesOut(BaseModel):
    """How many files ended how."""

    indexed: int
    unchanged: int
    skipped: int
    failed: int
    removed: int


class IndexReportOut(BaseModel):
    """What an index run did."""

    generation: str
    is_new: bool
    articles: int
    passages: int
    embedded: int
    reused: int
    elapsed_ms: float
    files: list[FileOutcomeOut] = Field(
        description="As many as `limit` says from `offset` on; what failed comes first."
    )
    files_total: int
    files_offset: int
    states: StatesOut
    duplicates: dict[str, str] = Field(
        description="As many as `limit` says from `offset` on: articles left out, each with the "
        "one whose text it repeats."
    )
    duplicates_total: int
    mended: str | None = Field(
        description="What was wrong with the generation before, and what this one was made from "
        "instead; null when all was well."
    )


class JobOut(BaseModel):
    """An index run in the background."""

    id: str
    version: int
    state: Literal["running", "done", "failed"]
    started_at: dt.datetime
    progress: ProgressOut | None
    report: IndexReportOut | None
    error: str | None


class IndexStatusOut(BaseModel):
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


class IndexQuery(Request):
    """Which part of long lists to return."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="How many files, and how many duplicates, to skip."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = Field(
        100, description="How many of each to return."
    )


class UnreadFileOut(BaseModel):
    """A file in the articles folder that holds no article."""

    path: str
    state: Literal["indexed", "unchanged", "skipped", "failed", "removed"]
    reason: str | None
    link: str = Field(description="`DELETE` it to remove the file.")


class UnreadFilesOut(BaseModel):
    """A part of the list of files that hold no article, by name."""

    total: int
    offset: int
    files: list[UnreadFileOut]


class IndexOut(BaseModel):
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


class JobAcceptedOut(BaseModel):
    """The index run that was started."""

    job: JobOut
