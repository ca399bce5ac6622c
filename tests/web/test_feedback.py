"""Verdicts are kept as whole lines that the evaluation reads, in a file that has an end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qa_service.bodies import FeedbackIn
from qa_service.errors import IndexWriteError
from qa_service.web.feedback import FILE_NAME, FeedbackFile


def verdict(**fields: object) -> FeedbackIn:
    """Return a verdict on a passage."""
    given = {"question": "متى؟", "article_id": "文章", "citation_id": "c", "helpful": True}
    return FeedbackIn.model_validate({**given, **fields})


def lines_of(path: Path) -> list[dict[str, object]]:
    """Return what was written, a line each, as any reader splits them."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_verdict_is_a_line(tmp_path: Path) -> None:
    """A helpful passage is a case to test by, a wrong one names no right one."""
    file = FeedbackFile(tmp_path / FILE_NAME)
    file.record(verdict(answer="عام ١٨٦٩"))
    file.record(verdict(helpful=False, answer="ไม่ใช่"))
    first, second = lines_of(tmp_path / FILE_NAME)
    assert (first["relevant"], first["answers"], first["wrong"]) == (["文章"], ["عام ١٨٦٩"], [])
    assert (second["relevant"], second["answers"], second["wrong"]) == ([], [], ["文章"])


@pytest.mark.parametrize("sign", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_sign_tears_a_line(tmp_path: Path, sign: str) -> None:
    """Whatever a reader of lines takes for an end comes back as part of the text."""
    FeedbackFile(tmp_path / FILE_NAME).record(verdict(question=f"क{sign}ख"))
    (line,) = lines_of(tmp_path / FILE_NAME)
    assert line["question"] == f"क{sign}ख"


def test_the_file_has_an_end(tmp_path: Path) -> None:
    """What does not fit any more is refused whole, with what to do."""
    path = tmp_path / FILE_NAME
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    with pytest.raises(IndexWriteError, match="64 MB; move it away"):
        FeedbackFile(path).record(verdict())
    assert path.stat().st_size == 64 * 2**20


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in its place, or none to put it in."""
    (tmp_path / FILE_NAME).mkdir()
    for path in (tmp_path / FILE_NAME, tmp_path / "nowhere" / FILE_NAME):
        with pytest.raises(IndexWriteError, match="cannot be written"):
            FeedbackFile(path).record(verdict())


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_nobody_else_reads_it(tmp_path: Path) -> None:
    """What people ask is theirs."""
    FeedbackFile(tmp_path / FILE_NAME).record(verdict())
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0
