"""Errors over HTTP: each has its status, names its fields, and tells nothing of the machine."""

from __future__ import annotations

import pytest
from api_client import MakeApp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa_service import errors
from qa_service.web.errors import (
    CODE_OF_STATUS,
    STATUS_OF_ERROR,
    HttpProblem,
    problem_of,
    problem_of_validation,
    wants_page,
)

EVERY = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.QaServiceError)
]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_has_a_status(kind: type[errors.QaServiceError]) -> None:
    """Its own or that of what it is a kind of; who may try again is told when."""
    problem = problem_of(kind("الفهرس 损坏"))
    assert 400 <= problem.status < 600
    assert problem.code == kind.code
    assert problem.message == "الفهرس 损坏"
    assert ("Retry-After" in problem.headers) is (problem.status == 503)


def test_no_status_is_kept_for_an_error_that_is_gone() -> None:
    """The table holds errors of the service alone."""
    assert set(STATUS_OF_ERROR) <= set(EVERY)


def test_folders_of_the_server_are_left_out() -> None:
    """But what a client sent comes back as it was."""
    assert "/srv/" not in problem_of(errors.IndexCorruptError("/srv/فهرس/articles.db")).message
    told = problem_of(errors.ArticleNotFoundError("no article '/srv/فهرس/x'")).message
    assert told == "no article '/srv/فهرس/x'"


class Sent(BaseModel):
    """Fields of several kinds."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=3, pattern="^[^x]*$")
    count: int = 1


@pytest.mark.parametrize(
    ("data", "field", "told"),
    [
        ({}, "text", "is missing"),
        ({"text": ""}, "text", "is empty"),
        ({"text": "نص طويل"}, "text", "longer than 3 characters"),
        ({"text": "x"}, "text", "does not match"),
        ({"text": "\ud800"}, "text", "half of a surrogate pair"),
        ({"text": "字", "计数": 1}, "计数", "is not a known field"),
        ({"text": "字", "x" * 500: 1}, "x" * 100, "is not a known field"),
        ({"text": "字", "\ud800": 1}, "request", "half of a surrogate pair"),
        (7, "request", "must be an object"),
    ],
)
def test_each_wrong_field_is_named(data: object, field: str, told: str) -> None:
    """In words, by a name that can be sent back."""
    with pytest.raises(ValidationError) as raised:
        Sent.model_validate(data)
    problem = problem_of_validation(raised.value)
    assert problem.status == 422
    assert problem.detail is not None
    fields = problem.detail["fields"]
    assert isinstance(fields, dict)
    assert told in fields[field]
    assert problem.message.startswith(f"{field}: ")


def test_the_others_are_counted() -> None:
    """The message is about the first."""
    with pytest.raises(ValidationError) as raised:
        Sent.model_validate({"count": "many", "ข้อ": 1})
    assert "(2 more in detail)" in problem_of_validation(raised.value).message


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("text/html;q=0.5,application/json", False),
    ],
)
def test_pages_are_for_those_who_ask_for_them(
    make_app: MakeApp, accept: str, *, is_page: bool
) -> None:
    """Browsers do; whoever takes anything gets JSON."""
    with make_app().test_request_context("/", headers={"Accept": accept}):
        assert wants_page() is is_page


def test_codes_are_words() -> None:
    """And a problem carries what it was given."""
    assert all(code.replace("_", "").isalpha() for code in CODE_OF_STATUS.values())
    problem = HttpProblem(418, "teapot", "إبريق", headers={"A": "b"})
    assert (str(problem), problem.headers, problem.detail) == ("إبريق", {"A": "b"}, None)
