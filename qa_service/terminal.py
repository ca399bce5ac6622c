"""What the command line shows: progress, reports and answers, plain where it is no terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from qa_service.text.printable import printable, printable_json, printable_passage
from qa_service.types import (
    Answer,
    CitedPassage,
    DroppedText,
    Evaluation,
    Explanation,
    FileState,
    IndexReport,
    IndexStatus,
    Progress,
    Stage,
)

STAGE_NAMES = {
    Stage.READING: "Reading files",
    Stage.EMBEDDING: "Embedding passages",
    Stage.WRITING: "Writing the index",
    Stage.VERIFYING: "Verifying it",
}
UNITS = {Stage.READING: "files/s", Stage.EMBEDDING: "passages/s"}
# Without a terminal, a line at most this often.
SECONDS_BETWEEN_LINES = 10.0

_LOUD_STATES = (FileState.FAILED, FileState.SKIPPED, FileState.REMOVED)


def print_error(message: str) -> None:
    """Say what went wrong."""
    _say(f"qa-service: {message}", err=True)


def print_json(document: str) -> None:
    """Print a JSON document."""
    click.echo(printable_json(document))


def print_log_to_stderr() -> None:
    """Show warnings and errors of the log as lines on stderr, unless they go elsewhere."""
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter())
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(capture=True)


class _LineFormatter(logging.Formatter):
    """Writes a record's message alone, in a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it what was raised."""
        return printable_passage(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the message in one line."""
        return printable(record.message)


def print_note(message: str) -> None:
    """Tell of work that takes a while."""
    _say(message, err=True)


@contextmanager
def progress_display() -> Iterator[Callable[[Progress], None]]:
    """Show an index run's progress on stderr: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    # Slow to import, and only a terminal needs it.
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bars

    with Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        tasks = {
            stage: bars.add_task(name, total=1.0, visible=False, said="")
            for stage, name in STAGE_NAMES.items()
        }

        def show(progress: Progress) -> None:
            bars.update(
                tasks[progress.stage],
                completed=progress.share,
                visible=progress.total > 0,
                said=_progress_text(progress),
            )

        yield show


class _Lines:
    """Progress as plain lines."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._last = 0.0

    def show(self, progress: Progress) -> None:
        """Print a line for a stage's end, and now and then on the way."""
        is_due = time.monotonic() - self._last >= SECONDS_BETWEEN_LINES
        if progress.total == 0 or (progress.share < 1.0 and not is_due):
            if progress.stage is not self._stage:
                self._stage, self._last = progress.stage, time.monotonic()
            return
        self._last = time.monotonic()
        _say(f"{STAGE_NAMES[progress.stage]}: {_progress_text(progress)}", err=True)


def _progress_text(progress: Progress) -> str:
    """Say how far a stage is, how fast it goes and how long it will take."""
    said = [f"{progress.done:,} of {progress.total:,}"]
    unit = UNITS.get(progress.stage)
    if progress.share < 1.0:
        if unit is not None and progress.per_second:
            said.append(f"{progress.per_second:,.{0 if progress.per_second >= 10 else 1}f} {unit}")
        if progress.seconds_left is not None:
            said.append(f"{_duration(progress.seconds_left)} left")
    return ", ".join(said)


def _duration(seconds: float) -> str:
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def print_report(report: IndexReport) -> None:
    """Show what an index run did, problems first."""
    if report.mended is not None:
        _say(f"{'mended':>9}  {report.mended}")
    for file in report.files:
        if file.state in _LOUD_STATES:
            _say(f"{file.state.value:>9}  {file.path}: {file.reason or ''}")
        elif file.reason:
            _say(f"{'note':>9}  {file.path}: {file.reason}")
        if file.dropped:
            _say(f"{'left out':>9}  {file.path}: {_reasons(file.dropped)}")
    for article, original in sorted(report.duplicates.items()):
        _say(f"{'same text':>9}  {article} repeats {original}")
    states = [file.state for file in report.files]
    counts = ", ".join(
        f"{states.count(state)} {state.value}" for state in FileState if state in states
    )
    _say(f"Files: {counts or 'none'}.")
    _say(
        f"Index {report.generation}: {report.articles} articles, {report.passages} passages "
        f"({report.embedded} embedded, {report.reused} reused) in {report.elapsed_ms / 1000:.1f} s."
        if report.is_new
        else f"Nothing has changed: {report.articles} articles, {report.passages} passages."
    )


def print_answer(answer: Answer, no_answer: str) -> None:
    """Show an answer and the passages behind it."""
    if answer.answer is not None:
        _say(" ".join(answer.answer.text.split()), bold=True, nl=False)
        _say(f" [{answer.answer.citation}]")
    else:
        _say(no_answer, bold=True)
    if answer.searched_for != answer.question:
        _say(f"Searched for: {answer.searched_for}")
    for passage in answer.passages:
        click.echo()
        _print_passage(passage)


def _print_passage(passage: CitedPassage) -> None:
    citation = passage.citation
    details = [
        citation.title,
        citation.source,
        citation.published.isoformat() if citation.published else None,
        passage.language,
        f"{passage.score:.0%}",
    ]
    _say(f"[{passage.rank}] " + " · ".join(item for item in details if item), fg="cyan")
    click.echo(printable_passage(passage.text))
    _say(f"    {citation.article_id}, characters {citation.start}-{citation.end}", dim=True)
    if passage.also_in:
        _say(f"    also in {', '.join(passage.also_in)}", dim=True)


def print_status(status: IndexStatus) -> None:
    """Show what is indexed, and first of all whether it is damaged."""
    if status.damage is not None:
        _say(f"DAMAGED  {status.damage}", fg="red")
    languages = sorted(status.languages.items(), key=lambda item: (-item[1], item[0]))
    _print_table(
        {
            "index": status.path,
            "generation": f"{status.generation} ({status.created_at:%Y-%m-%d %H:%M:%S} UTC)",
            "previous": status.previous_generation or "none",
            "model": status.model,
            "articles": str(status.articles),
            "passages": str(status.passages),
            "languages": ", ".join(f"{name} {count}" for name, count in languages) or "none",
            "sources": ", ".join(status.sources) or "none",
            "size": f"{status.size_bytes / 1e6:.1f} MB",
        }
    )


def print_problems(problems: Sequence[str]) -> None:
    """Show what `verify` found."""
    for problem in problems:
        _say(problem)
    if problems:
        _say(f"{len(problems)} problems. Run: qa-service index, or qa-service rollback")
    else:
        _say("The index is sound: every checksum and every offset is right.")


def print_explanation(explanation: Explanation) -> None:
    """Show an article's way through the stages."""
    _say(explanation.summary)
    for stage in explanation.stages:
        rank = "not found" if stage.rank is None else f"rank {stage.rank}"
        score = "" if stage.score is None else f", score {stage.score:.3f}"
        _say(f"{stage.stage:>10}  {rank} of {stage.considered}{score}")


def print_evaluation(evaluation: Evaluation) -> None:
    """Show how the questions fared."""
    shares = {f"recall@{depth}": value for depth, value in evaluation.recall.items()} | {
        "MRR@10": evaluation.mrr,
        "answer sentence": evaluation.sentence_accuracy,
        "answered": evaluation.answered,
        "refused": evaluation.refused,
    }
    _print_table(
        {"questions": str(evaluation.questions)}
        | {name: f"{value:.3f}" for name, value in shares.items() if value is not None}
        | {"latency": f"p50 {evaluation.p50_ms:.1f} ms, p95 {evaluation.p95_ms:.1f} ms"}
    )


def _say(line: str, **style: Any) -> None:
    """Print one line, whatever the texts in it hold."""
    click.secho(printable(line), **style)


def _print_table(rows: Mapping[str, str]) -> None:
    width = max(map(len, rows))
    for name, value in rows.items():
        _say(f"{name:>{width}}  {value}")


def _reasons(dropped: Sequence[DroppedText]) -> str:
    counts: dict[str, int] = {}
    for item in dropped:
        counts[item.reason] = counts.get(item.reason, 0) + 1
    return ", ".join(
        f"{reason} ×{count}" if count > 1 else reason for reason, count in sorted(counts.items())
    )
