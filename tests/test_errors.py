"""Errors that a person can do something about: one kind, each with a code of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa_service import errors
from qa_service.errors import QaServiceError

EVERY = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BaseException)
]
DOCUMENTED = Path(__file__).parent.parent / "docs" / "errors.md"


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_is_caught_as_one_kind(kind: type[QaServiceError]) -> None:
    """Its message, in any script, is what it was given."""
    error = kind("الفهرس 损坏; qa-service index")
    assert isinstance(error, QaServiceError)
    assert str(error) == "الفهرس 损坏; qa-service index"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)


def test_a_code_of_its_own_is_of_one_error() -> None:
    """Clients tell errors by it; one without inherits that of what it is a kind of."""
    own = [kind.code for kind in EVERY if "code" in vars(kind)]
    assert len(own) == len(set(own))


def test_every_code_is_documented() -> None:
    """With what to do about it."""
    page = DOCUMENTED.read_text(encoding="utf-8")
    assert {kind.code for kind in EVERY if f"`{kind.code}`" not in page} == set()
