"""Questions and lists as addresses carry them."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from qa_service.bodies.index_runs import FILES_SHOWN
from qa_service.bodies.request_fields import MAX_HISTORY
from qa_service.types import MAX_TOP_K, Filters, Question
from qa_service.web.queries import ArticleListQuery, AskQuery, IndexQuery


def test_a_question_in_an_address_is_the_same_as_in_a_body() -> None:
    """Everything comes as text, numbers and dates too."""
    query = AskQuery.model_validate(
        {
            "q": " คลองไหน ",
            "top_k": "7",
            "history": ["متى؟", "哪里？"],
            "language": "hi",
            "source": "वार्ता",
            "published_from": "2020-11-16",
        }
    )
    assert query.to_question() == Question(
        text="คลองไหน",
        top_k=7,
        filters=Filters("hi", "वार्ता", dt.date(2020, 11, 16), None),
        history=("متى؟", "哪里？"),
    )


def test_one_earlier_question_is_a_list_of_one() -> None:
    """A parameter that is given once is no list of letters."""
    assert AskQuery.model_validate({"q": "?", "history": "运河"}).history == ["运河"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": ["a", "b"]},
        {"q": "?", "top_k": "0"},
        {"q": "?", "top_k": str(MAX_TOP_K + 1)},
        {"q": "?", "top_k": "٣ "},
        {"q": "?", "history": ["x"] * (MAX_HISTORY + 1)},
        {"q": "?", "published_to": "yesterday"},
        {"q": "?", "lang": "ar"},
    ],
)
def test_what_no_question_is(query: dict[str, object]) -> None:
    """Missing, given twice, out of bounds, or another name."""
    with pytest.raises(ValidationError):
        AskQuery.model_validate(query)


@pytest.mark.parametrize("kind", [ArticleListQuery, IndexQuery])
@pytest.mark.parametrize(
    "query", [{"offset": "-1"}, {"offset": "1e3"}, {"limit": "0"}, {"limit": "201"}, {"page": "1"}]
)
def test_parts_of_lists_are_bounded(kind: type[IndexQuery], query: dict[str, str]) -> None:
    """Nobody asks for everything at once, or from before the beginning."""
    with pytest.raises(ValidationError):
        kind.model_validate(query)


def test_lists_begin_at_the_beginning() -> None:
    """Where nothing is said."""
    articles, index = ArticleListQuery.model_validate({}), IndexQuery.model_validate({})
    assert (articles.offset, articles.limit, articles.q) == (0, 50, None)
    assert (index.offset, index.limit) == (0, FILES_SHOWN)
