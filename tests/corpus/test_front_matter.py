"""The head of a text file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.front_matter import split_front_matter


def test_fields_and_body_are_parted() -> None:
    """Plain, quoted, listed and folded values are read; the body is what follows."""
    head = split_front_matter(
        "---\n"
        "title: قناة السويس: تاريخ\n"
        "Source: 'it''s'\n"
        'url: "https://example.org/a?b=c#d"  \n'
        "tags: [بحر, 'ships']\n"
        "authors:\n"
        "  - 李雷\n"
        "  - Ana\n"
        "# a comment\n"
        "language: ar  # detected\n"
        "summary: a long\n"
        "  value\n"
        "empty:\n"
        "---\n"
        "\nBody --- text\n"
    )
    assert head.body == "\nBody --- text\n"
    assert head.fields == {
        "title": "قناة السويس: تاريخ",
        "source": "it's",
        "url": "https://example.org/a?b=c#d",
        "tags": ("بحر", "ships"),
        "authors": ("李雷", "Ana"),
        "language": "ar",
        "summary": "a long value",
        "empty": "",
    }


@pytest.mark.parametrize(
    "text",
    [
        "no head",
        "---\ntitle: never closed\n",
        "---\nThis is a story between rules.\n---\nand more",
        "\n---\ntitle: not on the first line\n---\n",
        "---",
        "",
        "---\n" + "a: b\n" * 200 + "---\n",
    ],
)
def test_what_is_no_head_stays_text(text: str) -> None:
    """A rule at the top of a story does not swallow the story."""
    head = split_front_matter(text)
    assert head.body == text
    assert head.fields == {}


@given(st.text())
def test_nothing_is_invented(text: str) -> None:
    """The body is always an end of the text."""
    assert text.endswith(split_front_matter("---\n" + text).body) or (
        split_front_matter("---\n" + text).body == "---\n" + text
    )
