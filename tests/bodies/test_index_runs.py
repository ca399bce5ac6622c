"""Reports of index runs: whole for the command line, in parts and without folders for clients."""

from __future__ import annotations

import datetime as dt

from qa_service.bodies.index_runs import Excerpt, IndexReportOut, JobOut, StatesOut
from qa_service.types import DroppedText, FileOutcome, FileState, IndexJob, IndexReport, JobState

FOLDER = "/srv/مقالات/"
LONG = "ข" * 400
REPORT = IndexReport(
    generation="000002",
    is_new=True,
    files=(
        FileOutcome(f"{FOLDER}b.txt", FileState.UNCHANGED, 1, 2),
        FileOutcome(
            f"{FOLDER}中文.txt",
            FileState.INDEXED,
            1,
            1,
            None,
            (DroppedText(LONG, "share_button"),) * 12,
        ),
        FileOutcome(f"{FOLDER}a.pdf", FileState.FAILED, reason=f"{FOLDER}a.pdf {LONG}"),
    ),
    duplicates={"z": "a", "y": "b"},
    articles=2,
    passages=3,
    embedded=1,
    reused=2,
    elapsed_ms=1.23456,
    mended=f"{FOLDER}x is torn",
)


def without_folder(text: str) -> str:
    """Leave out the one folder there is."""
    return text.replace(FOLDER, "")


def test_whole_report_tells_everything_as_it_is() -> None:
    """Without bounds nothing is cut, left out or put in another order."""
    body = IndexReportOut.from_report(REPORT)
    assert [file.path for file in body.files] == [file.path for file in REPORT.files]
    assert [file.state for file in body.files] == ["unchanged", "indexed", "failed"]
    assert body.files[1].dropped == [{"text": LONG, "reason": "share_button"}] * 12
    assert body.files[2].reason == REPORT.files[2].reason
    assert list(body.duplicates) == ["z", "y"]
    assert (body.mended, body.elapsed_ms, body.files_offset) == (REPORT.mended, 1.235, 0)


def test_reply_tells_a_part_and_no_folder() -> None:
    """Over the network what failed comes first, long things are cut, folders do not appear."""
    body = IndexReportOut.from_report(REPORT, Excerpt.for_reply(without_folder, limit=2))
    assert [file.path for file in body.files] == ["a.pdf", "中文.txt"]
    assert body.files[0].reason == f"a.pdf {LONG}"[:300] + "…"
    assert body.files[1].dropped == [{"text": LONG[:100], "reason": "share_button"}] * 10
    assert body.files[1].dropped_total == 12
    assert FOLDER not in body.to_text()
    rest = IndexReportOut.from_report(REPORT, Excerpt.for_reply(without_folder, 1, 1))
    assert ([file.path for file in rest.files], rest.duplicates) == (["中文.txt"], {"z": "a"})
    for told in (body, rest):
        assert (told.files_total, told.duplicates_total) == (3, 2)
        assert told.states == StatesOut(indexed=1, unchanged=1, skipped=0, failed=1, removed=0)


def test_every_state_is_counted() -> None:
    """No state of a file is missing among the counts."""
    assert list(StatesOut.model_fields) == [state.value for state in FileState]


def test_failed_job_tells_why_without_the_folder() -> None:
    """The message of a failed run goes by the file's place below the folder."""
    started = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    job = IndexJob("1", 3, JobState.FAILED, started, error=f"{FOLDER}a.pdf is torn")
    body = JobOut.from_job(job, Excerpt.for_reply(without_folder))
    assert (body.state, body.error, body.report) == ("failed", "a.pdf is torn", None)
