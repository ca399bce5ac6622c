"""Index runs in the background: one at a time, with progress that listeners can wait for."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

from qa_service.errors import QaServiceError
from qa_service.types import IndexJob, IndexReport, JobState, Progress

log = logging.getLogger(__name__)

OnProgress = Callable[[Progress], None]
Work = Callable[[OnProgress], IndexReport]
"""An index run: is told whom to tell of progress, returns its report."""


class BackgroundRuns:
    """Runs index jobs one after the other. Safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._job: IndexJob | None = None
        self._waiting: dict[str, Work] = {}

    def start(self, work: Work, kind: str = "update") -> IndexJob:
        """Start a job; while one runs, `work` is done after it, within the same job.

        Of several of a kind that wait the last one is done: each makes the index mirror the
        articles as they are by then. One of each kind is done, so that a rebuild which was asked
        for is not forgotten over an upload.
        """
        with self._changed:
            if self._job is not None and self._job.state is JobState.RUNNING:
                self._waiting[kind] = work
                return self._job
            job = IndexJob(
                id=uuid.uuid4().hex[:12],
                version=self._next_version(),
                state=JobState.RUNNING,
                started_at=dt.datetime.now(dt.UTC),
            )
            self._set(job)
        threading.Thread(target=self._run, args=(work,), name="index-job", daemon=True).start()
        return job

    def job(self) -> IndexJob | None:
        """Return the running or the last job."""
        with self._changed:
            return self._job

    @property
    def is_running(self) -> bool:
        """True while a job runs."""
        with self._changed:
            return self._job is not None and self._job.state is JobState.RUNNING

    def wait_for_change(self, version: int, timeout_s: float) -> IndexJob | None:
        """Return the job once its version exceeds `version`, or as it is when time runs out."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._job is not None and self._job.version > version, timeout_s
            )
            return self._job

    def _run(self, work: Work) -> None:
        next_work: Work | None = work
        while next_work is not None:
            next_work = self._run_once(next_work)

    def _run_once(self, work: Work) -> Work | None:
        """Do one run; return what to do next, or end the job and return None."""
        try:
            report = work(self._note_progress)
        except QaServiceError as error:
            return self._end(state=JobState.FAILED, error=str(error))
        except BaseException:
            # Whatever was not foreseen: nobody must wait for ever, and what waits is still done.
            log.exception("The index run failed")
            return self._end(
                state=JobState.FAILED,
                error="The index run failed unexpectedly; the server's log says why.",
            )
        return self._end(state=JobState.DONE, report=report)

    def _end(
        self, *, state: JobState, report: IndexReport | None = None, error: str | None = None
    ) -> Work | None:
        with self._changed:
            first = next(iter(self._waiting), None)
            waiting = None if first is None else self._waiting.pop(first)
            if waiting is None and self._job is not None:
                self._set(replace(self._job, state=state, report=report, error=error))
            return waiting

    def _note_progress(self, progress: Progress) -> None:
        with self._changed:
            if self._job is not None:
                self._set(replace(self._job, progress=progress))

    def _set(self, job: IndexJob) -> None:
        self._job = replace(job, version=self._next_version())
        self._changed.notify_all()

    def _next_version(self) -> int:
        return 1 if self._job is None else self._job.version + 1
