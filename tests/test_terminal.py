"""What the command line shows while an index run goes on."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from qa_service import terminal
from qa_service.types import (
    Answer,
    AnswerText,
    Citation,
    CitedPassage,
    DroppedText,
    Explanation,
    FileOutcome,
    FileState,
    IndexReport,
    IndexState,
    IndexStatus,
    Progress,
    Span,
    Stage,
)

# Clears the screen, sets colours by either set of control characters, overrides directions, ends
# lines in all ways, and cannot be encoded.
HOSTILE = "\x1b[2J\x9b31m\u202egnp\u2066\x00\x85\u2028\u2029\r\n[1] forged\x07\udc80"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(progress: Progress, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is shown of a stage's progress where there is no terminal."""
    with terminal.progress_display() as show:
        show(progress)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (
            Progress(Stage.EMBEDDING, 14_848, 99_708, 0.149, 61.2, 1387.0),
            "Embedding passages: 14,848 of 99,708, 61 passages/s, 23 min left\n",
        ),
        (
            Progress(Stage.EMBEDDING, 256, 99_708, 0.003, 3.26, 8460.0),
            "Embedding passages: 256 of 99,708, 3.3 passages/s, 2 h 21 min left\n",
        ),
        (
            Progress(Stage.READING, 0, 1, 0.5, 0.0, 12.2),
            "Reading files: 0 of 1, 12 s left\n",
        ),
        (Progress(Stage.READING, 0, 3, 0.0), "Reading files: 0 of 3\n"),
        (Progress(Stage.READING, 3, 3, 1.0, 9.0, 0.0), "Reading files: 3 of 3\n"),
        (Progress(Stage.WRITING, 2, 4, 0.5, 1.0, 59.8), "Writing the index: 2 of 4, 1 min left\n"),
        (Progress(Stage.EMBEDDING, 0, 0, 1.0), ""),
    ],
)
def test_progress_in_lines(
    progress: Progress, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line says how far a stage is, how fast it goes and how long it takes, once known."""
    assert shown(progress, capsys) == line


def test_lines_come_seldom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the way a line comes now and then; a stage's end always has one."""
    now = 100.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    with terminal.progress_display() as show:
        for done in range(101):
            now += 0.5
            show(Progress.counted(Stage.EMBEDDING, done, 100))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "Embedding passages: 100 of 100"


def test_no_text_of_others_drives_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever stands in names, titles, texts and messages, a line is a line, and no more."""
    text = HOSTILE
    citation = Citation(text, text, text, text, text, dt.date(2020, 1, 1), 0, 1)
    passage = CitedPassage(1, 0.5, text, "en", (), citation, also_in=(text,))
    index = IndexState(text, 1, 1)
    found = AnswerText(text, "en", 1, Span(0, 1))
    terminal.print_answer(Answer(text, text * 2, "en", True, 0.9, found, (passage,), index, {}), "")
    # The passage alone keeps its line ends.
    assert capsys.readouterr().out.count("\n") == 7 + text.count("\n")
    files = tuple(
        FileOutcome(text, state, reason=text, dropped=(DroppedText(text, text),))
        for state in FileState
    )
    report = IndexReport(text, True, files, {text: text}, 1, 1, 1, 0, 1.0, mended=text)
    terminal.print_report(report)
    status = IndexStatus(
        text, text, text, dt.datetime(2020, 1, 1), text, 1, 1, {text: 1}, (text,), 1, damage=text
    )
    terminal.print_status(status)
    terminal.print_problems([text])
    terminal.print_explanation(Explanation(text, text, text, (), None, text))
    terminal.print_note(text)
    terminal.print_error(text)
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1 + 2 * len(files) + 1 + 2 + 10 + 2 + 1
    assert shown.err.count("\n") == 2
    assert "[1] forged" in shown.out
    assert not UNSAFE.search(shown.out + shown.err)


def test_a_terminal_shows_right_to_left_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Words of any script are printed unchanged."""
    texts = ("می‌خواهم", "ශ්‍රී", "👨‍👩‍👧", "שָׁלוֹם", "नहर", "运河")
    terminal.print_problems(texts)
    assert capsys.readouterr().out.splitlines()[:-1] == list(texts)
