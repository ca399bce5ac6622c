"""Index runs in the background: one at a time, told of to whoever waits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from qa_service.articles.background_runs import BackgroundRuns, OnProgress
from qa_service.errors import IndexBusyError
from qa_service.types import IndexJob, IndexReport, JobState, Progress, Stage

WAIT_S = 20.0


def report_of(generation: str) -> IndexReport:
    """Return the report of a run that made a generation."""
    return IndexReport(generation, True, (), {}, 1, 2, 2, 0, 1.0)


@dataclass
class Run:
    """An index run that starts and ends when the test says so."""

    name: str
    error: BaseException | None = None
    started: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    on_progress: OnProgress | None = None

    def __call__(self, on_progress: OnProgress) -> IndexReport:
        """Wait for the test, then report or fail."""
        self.on_progress = on_progress
        self.started.set()
        assert self.may_end.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return report_of(self.name)


def ended(jobs: BackgroundRuns) -> IndexJob:
    """Wait for the end of the job."""
    job = jobs.job()
    assert job is not None
    while job.state is JobState.RUNNING:
        changed = jobs.wait_for_change(job.version, WAIT_S)
        assert changed is not None
        assert changed.version > job.version, "the job did not go on"
        job = changed
    return job


def test_no_job_before_the_first() -> None:
    """Whoever asks early is told that there is none, at once or when the time is up."""
    jobs = BackgroundRuns()
    assert jobs.job() is None
    assert jobs.wait_for_change(0, 0.0) is None


def test_job_runs_and_reports() -> None:
    """A job is running, then done, with the report; its version only grows."""
    jobs, run = BackgroundRuns(), Run("one")
    started = jobs.start(run)
    assert (started.state, started.report, started.error) == (JobState.RUNNING, None, None)
    assert started.started_at.tzinfo is not None
    run.may_end.set()
    job = ended(jobs)
    assert (job.id, job.state, job.report) == (started.id, JobState.DONE, report_of("one"))
    assert job.version > started.version
    assert jobs.job() == job


def test_progress_is_seen_by_who_waits() -> None:
    """Each step wakes the listener with a newer version."""
    jobs, run = BackgroundRuns(), Run("one")
    jobs.start(run)
    assert run.started.wait(WAIT_S)
    before = jobs.job()
    assert before is not None
    assert run.on_progress is not None
    run.on_progress(Progress.counted(Stage.EMBEDDING, 3, 9))
    job = jobs.wait_for_change(before.version, WAIT_S)
    assert job is not None
    assert job.progress == Progress.counted(Stage.EMBEDDING, 3, 9)
    assert job.version > before.version
    run.may_end.set()
    assert ended(jobs).state is JobState.DONE


def test_second_run_follows_the_first_within_one_job() -> None:
    """What is started meanwhile is done after, never beside; of several the last one is done."""
    jobs = BackgroundRuns()
    first, skipped, last = Run("first"), Run("skipped"), Run("last")
    started = jobs.start(first)
    assert first.started.wait(WAIT_S)
    assert jobs.start(skipped).id == started.id
    assert jobs.start(last).id == started.id
    assert not last.started.is_set()
    first.may_end.set()
    assert last.started.wait(WAIT_S)
    job = jobs.job()
    assert job is not None
    assert (job.id, job.state) == (started.id, JobState.RUNNING)
    last.may_end.set()
    job = ended(jobs)
    assert (job.id, job.report) == (started.id, report_of("last"))
    assert not skipped.started.is_set()


def test_next_job_is_another_one() -> None:
    """After a job has ended a new one has its own id and goes on counting versions."""
    jobs, first, second = BackgroundRuns(), Run("first"), Run("second")
    first.may_end.set()
    second.may_end.set()
    one = jobs.start(first)
    done = ended(jobs)
    two = jobs.start(second)
    assert two.id != one.id
    # Somebody who listened to the first one hears of the second.
    job = ended(jobs)
    assert job.version > done.version
    assert job.report == report_of("second")
    assert job.progress is None


def test_failure_is_told_in_words() -> None:
    """An error that a person can mend is the job's message; the next job starts clean."""
    jobs = BackgroundRuns()
    failing, following = Run("failing", error=IndexBusyError("الفهرس مشغول")), Run("following")
    failing.may_end.set()
    following.may_end.set()
    jobs.start(failing)
    job = ended(jobs)
    assert (job.state, job.error, job.report) == (JobState.FAILED, "الفهرس مشغول", None)
    jobs.start(following)
    job = ended(jobs)
    assert (job.state, job.error) == (JobState.DONE, None)


def test_one_of_each_kind_that_waits_is_done() -> None:
    """A rebuild that was asked for is not forgotten when an upload comes after it."""
    jobs = BackgroundRuns()
    done: list[str] = []
    first = Run("first")
    started = jobs.start(first)
    assert first.started.wait(WAIT_S)
    for name, kind in (
        ("rebuild", "rebuild"),
        ("old", "add"),
        ("update", "update"),
        ("new", "add"),
    ):

        def work(on_progress: OnProgress, name: str = name) -> IndexReport:
            done.append(name)
            return report_of(name)

        assert jobs.start(work, kind).id == started.id
    first.may_end.set()
    assert ended(jobs).report == report_of("update")
    assert done == ["rebuild", "new", "update"]


def test_run_that_waits_is_done_even_after_a_failure() -> None:
    """What somebody asked for meanwhile does not fail with what went before."""
    jobs = BackgroundRuns()
    failing, following = Run("failing", error=IndexBusyError("busy")), Run("following")
    jobs.start(failing)
    assert failing.started.wait(WAIT_S)
    jobs.start(following)
    following.may_end.set()
    failing.may_end.set()
    job = ended(jobs)
    assert (job.state, job.report) == (JobState.DONE, report_of("following"))


def test_unforeseen_failure_keeps_nobody_waiting() -> None:
    """A defect ends the job too, without telling its inner workings; new jobs can be started."""
    jobs = BackgroundRuns()
    broken, following = Run("broken", error=KeyError("/secret/place")), Run("following")
    broken.may_end.set()
    following.may_end.set()
    jobs.start(broken)
    job = ended(jobs)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "secret" not in job.error
    assert "log" in job.error
    jobs.start(following)
    assert ended(jobs).state is JobState.DONE


def test_unforeseen_failure_does_not_swallow_the_run_that_waits() -> None:
    """A run that was promised is done after a defect, too; the job does not run on for ever."""
    jobs = BackgroundRuns()
    broken, waiting = Run("broken", error=KeyError("x")), Run("waiting")
    jobs.start(broken)
    assert broken.started.wait(WAIT_S)
    jobs.start(waiting)
    waiting.may_end.set()
    broken.may_end.set()
    job = ended(jobs)
    assert (job.state, job.report) == (JobState.DONE, report_of("waiting"))
