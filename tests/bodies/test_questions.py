"""Questions and feedback as they are sent become what the service takes."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from qa_service.bodies.questions import AskIn, FeedbackIn
from qa_service.bodies.request_fields import MAX_HISTORY
from qa_service.types import MAX_TOP_K, Filters, Question


def test_a_question_with_everything() -> None:
    """Each field comes to its place; blanks around text do not."""
    asked = AskIn.model_validate(
        {
            "question": " 运河什么时候开通？ ",
            "top_k": 7,
            "filters": {
                "language": "zh",
                "source": " وكالة ",
                "published_from": "2020-11-16",
                "published_to": "2020-11-30",
            },
            "history": ["कौन सी नहर?", "คลองไหน"],
        }
    )
    assert asked.to_question() == Question(
        text="运河什么时候开通？",
        top_k=7,
        filters=Filters("zh", "وكالة", dt.date(2020, 11, 16), dt.date(2020, 11, 30)),
        history=("कौन सी नहर?", "คลองไหน"),
    )


@pytest.mark.parametrize("filters", [{}, {"language": None, "source": None}, {"source": " "}])
def test_filters_that_say_nothing_allow_everything(filters: dict[str, object]) -> None:
    """An empty field of a form is no filter."""
    asked = AskIn.model_validate({"question": "متى؟", "filters": filters})
    assert asked.to_question() == Question(text="متى؟", filters=Filters())


@pytest.mark.parametrize(
    "fields",
    [
        {"top_k": 0},
        {"top_k": MAX_TOP_K + 1},
        {"top_k": "5"},
        {"top_k": 5.0},
        {"top_k": True},
        {"history": ["?"] * (MAX_HISTORY + 1)},
        {"history": [""]},
        {"history": "متى؟"},
        {"filters": {"langauge": "ar"}},
        {"filters": {"published_from": 2020}},
        {"questoin": "?"},
    ],
)
def test_what_no_question_is(fields: dict[str, object]) -> None:
    """Out of bounds, of another type, or misspelt: refused, never put right in silence."""
    with pytest.raises(ValidationError):
        AskIn.model_validate({"question": "متى؟", **fields})


FEEDBACK = {"question": "متى؟", "article_id": "مقال/一", "citation_id": "c1", "helpful": True}


def test_feedback_keeps_the_words_as_they_stand() -> None:
    """The quoted answer is compared with the article, so not even blanks are taken off."""
    feedback = FeedbackIn.model_validate({**FEEDBACK, "answer": " في عام ١٨٦٩ "})
    assert feedback.answer == " في عام ١٨٦٩ "
    assert FeedbackIn.model_validate(FEEDBACK).answer is None


@pytest.mark.parametrize(
    "fields",
    [
        {"helpful": 1},
        {"helpful": "yes"},
        {"helpful": None},
        {"article_id": ""},
        {"citation_id": "x" * 201},
        {"answer": ""},
        {"stars": 5},
    ],
)
def test_what_no_feedback_is(fields: dict[str, object]) -> None:
    """A verdict is yes or no, on a passage that is named."""
    with pytest.raises(ValidationError):
        FeedbackIn.model_validate({**FEEDBACK, **fields})
