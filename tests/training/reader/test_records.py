"""Records are read as they stand, and what is none is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from reader_questions import record, write_questions

from training.reader.records import Terms, read_records, read_terms


def test_records_of_a_folder(tmp_path: Path) -> None:
    """Every answer stands where its record says, in every script; languages are told apart."""
    found = list(read_records(write_questions(tmp_path)))
    assert {one.language for one in found} == {"en", "ar", "zh", "th", "hi", "he"}
    across = [one for one in found if one.asker != one.language]
    assert [(one.asker, one.language) for one in across] == [("ar", "en")]
    assert sum(not one.answers for one in found) == 2
    texts = {one.passage[answer.start : answer.end] for one in found for answer in one.answers}
    assert {"الأمير سالم", "梅春", "229 เมตร", "705 मीटर"} <= texts


def test_sources_are_chosen_by_name(tmp_path: Path) -> None:
    """Only the named sources are read."""
    write_questions(tmp_path)
    assert not list(read_records(tmp_path, ["other"]))


def test_misplaced_answer_is_named(tmp_path: Path) -> None:
    """An answer that does not stand at its offset is an error that says where."""
    wrong = record("متى؟", "بني عام 1933.", ["1933"], "ar")
    wrong["answers"][0]["start"] += 1
    with pytest.raises(ValueError, match=r"made-up\.ar\.jsonl\.gz, line 1 .*1933"):
        list(read_records(write_questions(tmp_path, [wrong])))


def test_folder_without_questions(tmp_path: Path) -> None:
    """A folder that holds no questions is refused by name."""
    with pytest.raises(ValueError, match=str(tmp_path)):
        list(read_records(tmp_path))


def test_terms_come_from_the_readme(tmp_path: Path) -> None:
    """Licence and origin of a source are those of the folder's own table."""
    write_questions(tmp_path)
    assert read_terms(tmp_path) == {"made-up": Terms("CC0", "nobody/nothing")}
