"""What was noted of the files that a run was at, by the next run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa_service.store.reading_log import FileContent, ReadingLog


def test_other_readers_and_other_content_are_not_judged(tmp_path: Path) -> None:
    """What was noted of a file holds for these bytes, read by this version."""
    known = FileContent("a", "1")
    log = ReadingLog(tmp_path, "1")
    log.found_unreadable(known, "why")
    log.begin([FileContent("b", "1")])
    again = ReadingLog(tmp_path, "1")
    assert again.reason_against(known) == "why"
    assert again.is_suspect(FileContent("b", "1"))
    assert not again.is_suspect(FileContent("b", "2"))
    assert again.reason_against(FileContent("a", "2")) is None
    assert ReadingLog(tmp_path, "2").reason_against(known) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"[[1]]\n", b"null\n", b"\xff"])
def test_damaged_notes_hold_nothing_up(tmp_path: Path, damage: bytes) -> None:
    """Whatever is left of the notes, a run begins."""
    for name in ("reading.json", "set-aside.json"):
        (tmp_path / name).write_bytes(damage)
    log = ReadingLog(tmp_path, "1")
    log.begin([FileContent("a", "1")])
    assert json.loads((tmp_path / "reading.json").read_bytes()) == [["a", "1"]]
    log.close()
