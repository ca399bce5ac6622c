"""Errors and states of the service, as every door tells them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from qa_service.bodies.operation import ErrorOut, HealthOut, ReadyOut


@pytest.mark.parametrize("detail", [None, {"field": "سؤال", "found": ["一", 2]}])
def test_an_error_has_one_shape(detail: dict[str, object] | None) -> None:
    """A code, a message and more where there is more, null where not; text as it is."""
    body = ErrorOut.of("article_not_found", "لا مقال بهذا الاسم: 文章", detail)
    assert json.loads(body.to_text()) == {
        "error": {
            "code": "article_not_found",
            "message": "لا مقال بهذا الاسم: 文章",
            "detail": detail,
        }
    }


def test_states_are_told_only_when_they_are_so() -> None:
    """What is not well or not ready is an error with a status, never a body that says no."""
    assert HealthOut(status="ok", version="1").to_text()
    with pytest.raises(ValidationError):
        HealthOut(status="bad", version="1")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        ReadyOut(ready=False)  # type: ignore[arg-type]
