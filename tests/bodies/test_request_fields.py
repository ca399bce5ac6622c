"""What fields of requests may hold, in any script, and what is refused by name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from qa_service.bodies.request_fields import (
    IsoDate,
    LanguageCode,
    Line,
    QuestionText,
    Request,
    WebAddress,
)
from qa_service.types import MAX_QUESTION_CHARACTERS


def taken(field: object, value: object) -> Any:
    """Return what a field makes of a value."""
    return TypeAdapter(field).validate_python(value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (QuestionText, "  متى افتتحت القناة؟\n", "متى افتتحت القناة؟"),
        (QuestionText, "？", "？"),
        (QuestionText, "क" * MAX_QUESTION_CHARACTERS, "क" * MAX_QUESTION_CHARACTERS),
        (Line, " 新华社 ", "新华社"),
        (Line, "", ""),
        (LanguageCode, "zh-Hant-TW", "zh-Hant-TW"),
        (WebAddress, " https://example.org/قناة?a=一 ", "https://example.org/قناة?a=一"),
        (IsoDate, "2020-02-29", dt.date(2020, 2, 29)),
        (IsoDate, dt.date(2020, 1, 2), dt.date(2020, 1, 2)),
    ],
)
def test_what_is_taken(field: object, value: object, expected: object) -> None:
    """Blanks around go; all else stays as it was sent."""
    assert taken(field, value) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (QuestionText, ""),
        (QuestionText, " \u3000\n"),
        (QuestionText, "a\x00b"),
        (QuestionText, "ค" * (MAX_QUESTION_CHARACTERS + 1)),
        (QuestionText, 7),
        (Line, "x" * 1001),
        (Line, "شيء\x00"),
        (LanguageCode, "العربية"),
        (LanguageCode, "e"),
        (LanguageCode, "en\n"),
        (LanguageCode, "ＥＮ"),
        (WebAddress, "javascript:alert(1)"),
        (WebAddress, "https://"),
        (WebAddress, "https://a b"),
        (WebAddress, "ftp://example.org"),
        (WebAddress, "data:text/html,x"),
        (IsoDate, "2020-2-3"),
        (IsoDate, "2021-02-29"),
        (IsoDate, "٢٠٢٠-٠١-٠٢"),
        (IsoDate, "2020-01-02T00:00:00"),
        (IsoDate, 1_600_000_000),
        (IsoDate, True),
    ],
)
def test_what_is_refused(field: object, value: object) -> None:
    """What says nothing, what no text holds, what is too long or another thing altogether."""
    with pytest.raises(ValidationError):
        taken(field, value)


def test_a_wrong_date_is_told_the_right_form() -> None:
    """Also why a day does not exist."""
    with pytest.raises(ValidationError, match=r"expected a date such as 2020-11-16; .*day"):
        taken(IsoDate, "2021-02-29")


def test_unknown_fields_are_named() -> None:
    """A misspelt field does not go by unseen."""
    with pytest.raises(ValidationError, match=r"فلتر"):
        Request.model_validate({"فلتر": 1})


@given(st.text(st.characters()))
def test_any_question_is_taken_trimmed_or_refused(text: str) -> None:
    """Nothing in between, and no other error."""
    try:
        found = taken(QuestionText, text)
    except ValidationError:
        assert (
            not text.strip()
            or "\x00" in text
            or len(text.strip()) > MAX_QUESTION_CHARACTERS
            or any("\ud800" <= letter <= "\udfff" for letter in text)
        )
    else:
        assert found
        assert found in text
        assert found == found.strip(" \t\n\u3000")
