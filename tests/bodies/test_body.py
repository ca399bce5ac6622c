"""Bodies as JSON documents."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from pydantic import ConfigDict, ValidationError

from qa_service.bodies.body import Body
from qa_service.types import FileState


class _Example(Body):
    """Everything that bodies hold."""

    text: str
    day: dt.date
    time: dt.datetime
    state: FileState


EXAMPLE = _Example(
    text="قناة 长城 ไทย हिन्दी",
    day=dt.date(2020, 11, 16),
    time=dt.datetime(2020, 11, 16, 1, 2, 3, tzinfo=dt.UTC),
    state=FileState.FAILED,
)


def test_document_keeps_order_and_letters() -> None:
    """Fields come in the order of the model, letters as they are, dates and states as words."""
    assert list(json.loads(EXAMPLE.to_text()).items()) == [
        ("text", "قناة 长城 ไทย हिन्दी"),
        ("day", "2020-11-16"),
        ("time", "2020-11-16T01:02:03+00:00"),
        ("state", "failed"),
    ]
    assert "قناة 长城 ไทย हिन्दी" in EXAMPLE.to_text()
    assert EXAMPLE.to_text(indent=2).startswith('{\n  "text": ')


def test_bodies_are_checked_when_they_are_made_and_then_stay() -> None:
    """A wrong value is refused at once, and nothing changes a body afterwards."""
    with pytest.raises(ValidationError):
        _Example(text="x", day="yesterday", time=EXAMPLE.time, state=FileState.FAILED)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        EXAMPLE.text = "x"  # type: ignore[misc]


def test_what_has_no_form_in_json_is_named() -> None:
    """A field that JSON cannot hold is an error that names the value."""

    class Odd(Body):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        value: object

    with pytest.raises(TypeError, match="has no form in JSON"):
        Odd(value=object()).to_text()
