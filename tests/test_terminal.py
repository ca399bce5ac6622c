"""What the command line shows while an index run goes on."""

from __future__ import annotations

import pytest

from qa_service import terminal
from qa_service.types import Progress, Stage


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
