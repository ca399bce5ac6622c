"""What cannot be asked is refused with what was found, what was expected and how to mend it."""

from __future__ import annotations

import pytest

from qa_service.answer.question_check import check_question
from qa_service.errors import InvalidQuestionError
from qa_service.types import MAX_QUESTION_CHARACTERS, MAX_TOP_K, Filters, Question


@pytest.mark.parametrize("text", ["س", "  長い？ ", "क" * MAX_QUESTION_CHARACTERS])
def test_what_can_be_asked_passes(text: str) -> None:
    """Blanks around a question do not count."""
    check_question(Question(text, top_k=MAX_TOP_K, filters=Filters(language="ar", source="وكالة")))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question("\n \u3000"), "0 characters.*Write"),
        (Question("ก" * (MAX_QUESTION_CHARACTERS + 1)), "1001 characters.*Shorten"),
        (Question("?", top_k=0), "top_k is 0; expected 1 to 50"),
        (Question("?", top_k=MAX_TOP_K + 1), "top_k is 51"),
        (Question("?", filters=Filters(language="\udcff")), "language to filter by.*no UTF-8"),
        (Question("?", filters=Filters(source="وكالة\ud800")), "source to filter by.*no UTF-8"),
    ],
)
def test_what_cannot_is_refused(question: Question, said: str) -> None:
    """Each says what is the matter."""
    with pytest.raises(InvalidQuestionError, match=said):
        check_question(question)
