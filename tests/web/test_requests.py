"""Bodies and addresses read strictly: each that is wrong gets its own answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from qa_service.bodies import FeedbackIn
from qa_service.config import load_settings
from qa_service.web.errors import HttpProblem
from qa_service.web.requests import (
    MAX_BODY_BYTES,
    RepeatableArgs,
    StrictRequest,
    is_upload,
    max_body_bytes,
    read_as,
)


def request_of(data: bytes, content_type: str | None = "application/json") -> StrictRequest:
    """Return a request with this body."""
    return StrictRequest(
        EnvironBuilder("/ask", method="POST", data=data, content_type=content_type).get_environ()
    )


@given(st.recursive(st.none() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5))
def test_what_is_json_is_read(value: object) -> None:
    """Text of any script, escaped or not."""
    for is_escaped in (True, False):
        try:
            data = json.dumps(value, ensure_ascii=is_escaped).encode()
        except UnicodeEncodeError:
            continue
        assert request_of(data).get_json() == value


def test_no_body_is_an_empty_one() -> None:
    """All fields of a request may be left out."""
    assert request_of(b"", None).get_json() == {}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{", "line 1, column 2"),
        (b"", "line 1, column 1"),
        ("{'سؤال': 1}".encode(), "line 1, column 2"),
        (b'"\xd9"', "byte 1 starts no character"),
        ('"متى"'.encode("utf-16"), "not UTF-8"),
        (b"NaN", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"9" * 10_000, "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_says_where(data: bytes, told: str) -> None:
    """A 400 that leads to the place."""
    with pytest.raises(HttpProblem) as raised:
        request_of(data).get_json()
    assert (raised.value.status, raised.value.code) == (400, "invalid_json")
    assert told in raised.value.message


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_is_not_declared_as_json_is_refused(content_type: str | None) -> None:
    """A form of another site can send anything, but not this."""
    with pytest.raises(HttpProblem, match="application/json") as raised:
        request_of(b"{}", content_type).get_json()
    assert raised.value.status == 415


def test_a_repeated_parameter_is_a_list() -> None:
    """Not its first value, which would hide the other."""
    args = RepeatableArgs([("q", "一"), ("q", "二"), ("top_k", "5")])
    assert args.to_dict() == {"q": ["一", "二"], "top_k": "5"}


@pytest.mark.parametrize(
    ("method", "path", "is_one"),
    [
        ("POST", "/articles", True),
        ("POST", "/articles/", True),
        ("GET", "/articles", False),
        ("POST", "/articles/مقال", False),
        ("POST", "/ask", False),
    ],
)
def test_uploads_alone_are_large(method: str, path: str, *, is_one: bool) -> None:
    """As large as the settings say; any other body is bounded by what a question needs."""
    settings = load_settings(max_upload_mb=3)
    assert is_upload(method, path) is is_one
    expected = MAX_BODY_BYTES + (3 * 2**20 if is_one else 0)
    assert max_body_bytes(method, path, settings) == expected


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"question": "متى؟", "unknown": 1}])
def test_data_of_another_shape_names_what_is_wrong(data: object) -> None:
    """A 422, whatever was sent."""
    with pytest.raises(HttpProblem, match=r"\w") as raised:
        read_as(FeedbackIn, data)
    assert raised.value.status == 422
    assert raised.value.detail
