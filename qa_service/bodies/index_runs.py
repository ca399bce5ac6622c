"""Runs that bring the index in step with the articles, and what they report."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from qa_service.bodies.body import Body
from qa_service.bodies.request_fields import Request
from qa_service.types import (
    FileOutcome,
    FileState,
    IndexJob,
    IndexReport,
    JobState,
    Progress,
)

# Of a report, how much one reply or page holds unless it is asked otherwise.
FILES_SHOWN = 100
_DROPPED_SHOWN = 10
_DROPPED_CHARACTERS_SHOWN = 100
_REASON_CHARACTERS_SHOWN = 300
# What needs a person's eye comes first.
_TELLING = (
    *(FileState.FAILED, FileState.SKIPPED, FileState.REMOVED, FileState.INDEXED),
    FileState.UNCHANGED,
)


def _named(states: type[StrEnum]) -> WithJsonSchema:
    """Describe a state by its names where it stands, instead of by a schema of its own."""
    return WithJsonSchema(
        {"enum": [state.value for state in states], "title": "State", "type": "string"}
    )


FileStateName = Annotated[FileState, _named(FileState)]
JobStateName = Annotated[JobState, _named(JobState)]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """How much of what may be long is told; all of it, as it is, unless bounds are given.

    `without_folders` takes out of a text where files lie on this machine.
    """

    offset: int = 0
    limit: int | None = None
    dropped: int | None = None
    dropped_characters: int | None = None
    reason_characters: int | None = None
    without_folders: Callable[[str], str] = str

    @classmethod
    def for_reply(
        cls, without_folders: Callable[[str], str], offset: int = 0, limit: int = FILES_SHOWN
    ) -> Self:
        """Return what is told to a client over the network."""
        return cls(
            offset=offset,
            limit=limit,
            dropped=_DROPPED_SHOWN,
            dropped_characters=_DROPPED_CHARACTERS_SHOWN,
            reason_characters=_REASON_CHARACTERS_SHOWN,
            without_folders=without_folders,
        )

    def files(self, files: Sequence[FileOutcome]) -> Sequence[FileOutcome]:
        """Return the part of the files that is told, what needs a person's eye first."""
        if self.limit is None:
            return files
        ordered = sorted(files, key=lambda file: (_TELLING.index(file.state), file.path))
        return ordered[self.offset : self.offset + self.limit]

    def duplicates(self, duplicates: Mapping[str, str]) -> dict[str, str]:
        """Return the part of the duplicates that is told."""
        if self.limit is None:
            return dict(duplicates)
        return dict(sorted(duplicates.items())[self.offset : self.offset + self.limit])

    def text(self, text: str | None) -> str | None:
        """Return a text that tells of files."""
        return None if text is None else self.without_folders(text)

    def reason(self, reason: str | None) -> str | None:
        """Return why something became of a file, cut."""
        told, longest = self.text(reason), self.reason_characters
        if told is None or longest is None or len(told) <= longest:
            return told
        return told[:longest] + "…"


WHOLE = Excerpt()


class IndexIn(Request):
    """How to index."""

    rebuild: Annotated[bool, Field(strict=True)] = Field(
        False, description="Make everything anew instead of what has changed."
    )


class ProgressOut(Body):
    """How far a stage of an index run has come."""

    stage: str
    done: int = Field(description="Files read, passages embedded, or steps done.")
    total: int
    share: float = Field(description="Of the stage's work, from 0 to 1.")
    per_second: float | None = Field(description="How many were done of late; null at first.")
    seconds_left: float | None = Field(description="Of this stage; null until it can be told.")

    @classmethod
    def from_progress(cls, progress: Progress) -> Self:
        """Make it from the same as the service tells it."""
        per_second, seconds_left = progress.per_second, progress.seconds_left
        return cls(
            stage=progress.stage.value,
            done=progress.done,
            total=progress.total,
            share=round(progress.share, 4),
            per_second=None if per_second is None else round(per_second, 2),
            seconds_left=None if seconds_left is None else round(seconds_left, 1),
        )


# A dictionary for the same reason as a highlight: there are thousands.
class DroppedOut(TypedDict):
    """A stretch of a file that was left out of its article."""

    text: str
    reason: str


class FileOutcomeOut(Body):
    """What became of one file."""

    path: str
    state: FileStateName
    articles: int
    passages: int
    reason: str | None
    dropped: list[DroppedOut] = Field(description="The first ten stretches, each cut.")
    dropped_total: int

    @classmethod
    def from_outcome(cls, outcome: FileOutcome, excerpt: Excerpt) -> Self:
        """Make it from what became of a file."""
        return cls(
            path=excerpt.without_folders(outcome.path),
            state=outcome.state,
            articles=outcome.articles,
            passages=outcome.passages,
            reason=excerpt.reason(outcome.reason),
            dropped=[
                DroppedOut(text=item.text[: excerpt.dropped_characters], reason=item.reason)
                for item in outcome.dropped[: excerpt.dropped]
            ],
            dropped_total=len(outcome.dropped),
        )


class StatesOut(Body):
    """How many files ended how."""

    indexed: int
    unchanged: int
    skipped: int
    failed: int
    removed: int

    @classmethod
    def from_files(cls, files: Iterable[FileOutcome]) -> Self:
        """Count how many of these files ended how."""
        states = Counter(file.state for file in files)
        return cls(**{state.value: states[state] for state in FileState})


class IndexReportOut(Body):
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

    @classmethod
    def from_report(cls, report: IndexReport, excerpt: Excerpt = WHOLE) -> Self:
        """Make the body of a report, or of the part of it that is told."""
        return cls(
            generation=report.generation,
            is_new=report.is_new,
            articles=report.articles,
            passages=report.passages,
            embedded=report.embedded,
            reused=report.reused,
            elapsed_ms=round(report.elapsed_ms, 3),
            files=[
                FileOutcomeOut.from_outcome(file, excerpt) for file in excerpt.files(report.files)
            ],
            files_total=len(report.files),
            files_offset=excerpt.offset,
            states=StatesOut.from_files(report.files),
            duplicates=excerpt.duplicates(report.duplicates),
            duplicates_total=len(report.duplicates),
            mended=excerpt.text(report.mended),
        )


class JobOut(Body):
    """An index run in the background."""

    id: str
    version: int
    state: JobStateName
    started_at: dt.datetime
    progress: ProgressOut | None
    report: IndexReportOut | None
    error: str | None

    @classmethod
    def from_job(cls, job: IndexJob, excerpt: Excerpt) -> Self:
        """Make it from a job: how far it has come, and its report when it is done."""
        return cls(
            id=job.id,
            version=job.version,
            state=job.state,
            started_at=job.started_at,
            progress=ProgressOut.from_progress(job.progress) if job.progress else None,
            report=IndexReportOut.from_report(job.report, excerpt) if job.report else None,
            error=excerpt.text(job.error),
        )


class JobAcceptedOut(Body):
    """The index run that was started."""

    job: JobOut

    @classmethod
    def from_job(cls, job: IndexJob, excerpt: Excerpt) -> Self:
        """Make the body of a job that was started."""
        return cls(job=JobOut.from_job(job, excerpt))
