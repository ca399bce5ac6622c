"""The page on one's own articles says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa_service.corpus.boilerplate.phrases import boilerplate_phrases
from qa_service.corpus.bounds import SUPPORTED_SUFFIXES
from qa_service.corpus.formats import csv_table, docx, html, json_lines, markdown, pdf, plain_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "articles.md").read_text(encoding="utf-8")
# What the sources call a reason for leaving something out.
NAMED_REASON = re.compile(
    r'(?:DroppedText\([^)\n]*, |reason = |return |or \(|LineMetadata\(|\b\w+: )"([a-z]+_[a-z_]+)"'
)


@pytest.mark.parametrize("suffix", SUPPORTED_SUFFIXES)
def test_every_format_is_described(suffix: str) -> None:
    """Each suffix has its row."""
    assert f"`{suffix}`" in PAGE


@pytest.mark.parametrize(
    ("suffix", "max_bytes"),
    [
        (".txt", plain_text.MAX_BYTES),
        (".md", markdown.MAX_BYTES),
        (".html", html.MAX_BYTES),
        (".jsonl", json_lines.MAX_BYTES),
        (".csv", csv_table.MAX_BYTES),
        (".pdf", pdf.MAX_BYTES),
        (".docx", docx.MAX_BYTES),
    ],
)
def test_limits_are_those_of_the_code(suffix: str, max_bytes: int) -> None:
    """The table of formats gives the sizes that the readers keep to."""
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{suffix}`")]
    assert f"{max_bytes // 2**20} MB" in row


def test_every_reason_for_leaving_something_out_is_described() -> None:
    """Whatever the report may give as a reason stands on the page."""
    phrases = boilerplate_phrases()
    reasons = {*phrases.anywhere.values(), *phrases.edges.values()}
    reasons |= {reason for _, reason in phrases.openings}
    for path in (ROOT / "qa_service" / "corpus").rglob("*.py"):
        if path.stem in (
            "line_kinds",
            "cleaning",
            "phrases",
            "html",
            "pdf",
            "docx",
            "repetition",
        ):
            reasons |= set(NAMED_REASON.findall(path.read_text(encoding="utf-8")))
    reasons -= {"byline_opening", "content_control"}
    assert {"date_line", "page_header", "image_file"} <= reasons
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in PAGE] == []
