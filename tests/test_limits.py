"""The limits that the README tells are the ones that the code keeps."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from qa_service.chunker import MAX_TOKENS
from qa_service.config import Settings
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.formats import csv_table, docx, json_lines, pdf
from qa_service.corpus.reading import ALLOWANCES
from qa_service.corpus.reading_process import MAX_MEMORY_BYTES
from qa_service.web.connection import ConnectionLimits
from qa_service.web.requests import MAX_BODY_BYTES

ROOT = Path(__file__).parent.parent
MB = 2**20
NUMBER = re.compile(r"(?<![\w.])\d+(?: \d{3})*(?!\w)")


def rows() -> dict[str, list[int]]:
    """Return the numbers in each row of the README's table of limits, by what the row is about."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Limits\n")[1]
    table = section.split("\n## ")[0].strip().splitlines()[2:]
    cells = [line.strip("| ").split(" | ", 1) for line in table]
    return {
        name: [int(number.replace(" ", "")) for number in NUMBER.findall(text)]
        for name, text in cells
    }


def constant(name: str) -> int:
    """Return a number by the name of its constant, wherever in the package it stands."""
    found = {
        ast.literal_eval(node.value)
        for path in (ROOT / "qa_service").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    }
    (value,) = found
    assert isinstance(value, int)
    return value


def default(name: str) -> int:
    """Return the default of a setting that is a number."""
    return int(Settings.model_fields[name].default)


def megabytes(*suffixes: str) -> int:
    """Return how large files of some formats may be, the same for all of them."""
    (size,) = {MAX_FILE_BYTES[suffix] for suffix in suffixes}
    return size // MB


CONNECTION = ConnectionLimits()
SECONDS = {suffix: int(one.seconds) for suffix, one in ALLOWANCES.items()}
LARGEST_MEASURED = json.loads((ROOT / "benchmarks/results/scale.json").read_text("utf-8"))
EXPECTED = {
    "a question": [
        constant("MAX_QUESTION_CHARACTERS"),
        constant("MAX_HISTORY"),
        constant("MAX_TOP_K"),
    ],
    "questions under way": [
        default("concurrent_questions"),
        default("waiting_questions"),
        default("question_wait_s"),
        503,
    ],
    "requests of one address": [default("rate_limit_per_minute")],
    "connections": [CONNECTION.connections, CONNECTION.connections_of_address],
    "a request, a reply": [
        int(CONNECTION.request_s),
        int(CONNECTION.reply_s),
        int(CONNECTION.bytes_per_s) // 1024,
        MAX_BODY_BYTES // 1024,
    ],
    "an upload": [default("max_upload_mb"), constant("MAX_ARTICLE_CHARACTERS")],
    "`.txt`, `.md`, `.html`": [megabytes(".txt", ".md", ".html", ".htm")],
    "`.pdf`, `.docx`": [megabytes(".pdf", ".docx"), pdf.MAX_PAGES, docx.MAX_MEMBERS],
    "`.csv`, `.jsonl`": [megabytes(".csv", ".jsonl"), json_lines.MAX_LINE_BYTES // MB],
    "reading a file": [
        SECONDS[".txt"],
        int(ALLOWANCES[".txt"].per_megabyte_s),
        SECONDS[".pdf"],
        SECONDS[".docx"],
        MAX_MEMORY_BYTES // 2**30,
    ],
    "a passage": [MAX_TOKENS],
    "articles and passages": [max(one["passages"] for one in LARGEST_MEASURED["results"])],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_limit_in_the_readme_is_the_one_in_the_code(name: str) -> None:
    """Each number of the row is what the code says."""
    assert rows()[name] == EXPECTED[name]


def test_no_limit_in_the_readme_is_untested() -> None:
    """The table has the rows that are compared, and no others."""
    assert list(rows()) == list(EXPECTED)


def test_formats_of_one_row_share_their_limits() -> None:
    """What the table tells of one format holds for those beside it."""
    assert csv_table.MAX_CELL_LENGTH == json_lines.MAX_LINE_BYTES
    assert {SECONDS[suffix] for suffix in (".txt", ".md", ".html", ".csv", ".jsonl")} == {30}
    assert set(MAX_FILE_BYTES) - {".htm"} == {
        suffix for name in EXPECTED for suffix in re.findall(r"`(\.\w+)`", name)
    }
