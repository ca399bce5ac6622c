"""Refuses what cannot be asked, whichever door it comes through."""

from __future__ import annotations

from qa_service.errors import InvalidQuestionError
from qa_service.text.encoding import has_utf8_form
from qa_service.types import MAX_QUESTION_CHARACTERS, MAX_TOP_K, Question


def check_question(question: Question) -> None:
    """Let pass what can be asked. InvalidQuestionError."""
    text = question.text.strip()
    if not 1 <= len(text) <= MAX_QUESTION_CHARACTERS:
        raise InvalidQuestionError(
            f"The question has {len(text)} characters; expected 1 to {MAX_QUESTION_CHARACTERS}. "
            + ("Write a question." if not text else "Shorten it.")
        )
    if not 1 <= question.top_k <= MAX_TOP_K:
        raise InvalidQuestionError(
            f"top_k is {question.top_k}; expected 1 to {MAX_TOP_K} passages."
        )
    for name in ("language", "source"):
        value = getattr(question.filters, name)
        if value is not None and not has_utf8_form(value):
            raise InvalidQuestionError(
                f"The {name} to filter by, {value!r}, holds bytes that are no UTF-8, so that no "
                f"article can have it. Give a {name} that articles have."
            )
