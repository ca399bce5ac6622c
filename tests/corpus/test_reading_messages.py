"""What the two processes say to each other arrives as it was, whatever text it holds."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.reading_messages import (
    article_from_json,
    article_to_json,
    dropped_from_json,
    from_line,
    to_line,
)
from qa_service.types import Article, DroppedText

# Halves of surrogate pairs too: broken JSON and the names of files can hold them.
ANY_TEXT = st.text(st.characters())


@given(st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.lists(ANY_TEXT)))
def test_any_message_is_one_line_and_comes_back(message: dict[str, object]) -> None:
    """Line ends of any kind in its texts part no message in two."""
    line = to_line(message)
    assert line.count(b"\n") == 1
    assert from_line(line) == message


@given(ANY_TEXT, ANY_TEXT, st.dates() | st.none(), st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_any_article_comes_back(
    title: str, text: str, published: dt.date | None, metadata: dict[str, str]
) -> None:
    """All of its fields, dates included."""
    article = Article(
        id=text, title=title, text=text, language="und", published=published, metadata=metadata
    )
    assert article_from_json(from_line(to_line(article_to_json(article)))) == article


def test_no_field_of_an_article_is_lost() -> None:
    """Each one stands in the message."""
    article = Article(
        "标识", "عنوان", "ข้อความ", "th", "स्रोत", "https://a.example", "作者", dt.date(2020, 1, 2)
    )
    assert set(article_to_json(article)) == set(Article.__slots__)
    assert article_from_json(article_to_json(article)) == article


@pytest.mark.parametrize("line", [b"", b"\n", b"[1]\n", b"null\n", b'"text"\n', b"{\n", b"\xff\n"])
def test_what_is_no_message_is_an_error(line: bytes) -> None:
    """A child that says something else has broken down, and is told of."""
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


@pytest.mark.parametrize("fields", [None, [], "article"])
def test_what_is_no_article_is_an_error(fields: object) -> None:
    """The message says what was found."""
    with pytest.raises(ValueError, match=f"expected an article, found {type(fields).__name__}"):
        article_from_json(fields)


def test_dropped_text_comes_in_pairs() -> None:
    """A text and its reason; anything but a list is an error."""
    pairs = [["إعلان", "advertisement"], ["分享", "share_button"]]
    assert dropped_from_json(pairs) == tuple(DroppedText(*pair) for pair in pairs)
    with pytest.raises(ValueError, match="expected a list, found dict"):
        dropped_from_json({})
