"""Articles as bodies: those that are there, and those to add."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from pydantic import ValidationError

from qa_service.bodies.articles import ArticleIn, ArticleListOut, ArticleOut, ArticleSummaryOut
from qa_service.types import Article, ArticlePage, ArticleSummary, Passage, Span

SUMMARY = ArticleSummary(
    "مجلد/قناة 1?.md", "قناة", "ar", "وكالة", "https://a.example", dt.date(2020, 11, 16), 3, True
)


@pytest.mark.parametrize(
    ("language", "direction"), [("ar", "rtl"), ("zh", "ltr"), ("th", "ltr"), ("und", "auto")]
)
def test_articles_say_how_they_are_to_be_shown(language: str, direction: str) -> None:
    """The direction follows from the language, in lists and alone."""
    article = Article("一", "标题", "नदी", language)
    assert ArticleOut.from_article(article).direction == direction
    summary = ArticleSummary("一", "标题", language, None, None, None, 1, False)
    assert ArticleSummaryOut.from_summary(summary).direction == direction


def test_an_article_keeps_its_text_letter_by_letter() -> None:
    """Offsets of citations count in it, so nothing may change on the way."""
    text = "سطر\r\n第二行\u200f\tคำ\u0e33 क़ e\u0301 🙂"
    passage = Passage("p1", "一", 3, 9, text[3:9], "zh", (Span(3, 9),))
    body = ArticleOut.from_article(
        Article("一", "标题", text, "zh", published=dt.date(2020, 1, 2)), passage
    )
    told = json.loads(body.to_text())
    assert told["text"] == text
    assert told["passage"] == {"id": "p1", "start": 3, "end": 9}
    assert told["published"] == "2020-01-02"


def test_a_passage_that_is_no_longer_there_is_null() -> None:
    """The field stands in every article."""
    assert (
        json.loads(ArticleOut.from_article(Article("一", "t", "x", "en")).to_text())["passage"]
        is None
    )


def test_a_list_tells_where_it_stands() -> None:
    """How many there are in all, where this part begins, and each with its own address."""
    body = ArticleListOut.from_page(ArticlePage(12, 5, (SUMMARY,)), limit=1)
    assert (body.total, body.offset, body.limit) == (12, 5, 1)
    (article,) = body.articles
    assert (article.id, article.source, article.is_removable) == (SUMMARY.id, "وكالة", True)
    assert article.link.isascii()
    assert "?" not in article.link


@pytest.mark.parametrize(
    "fields",
    [
        {"title": " "},
        {"title": "x" * 501},
        {"text": "\n"},
        {"text": "a\x00"},
        {"url": "javascript:x"},
        {"published": "yesterday"},
        {"language": "हिन्दी"},
        {"id": "x"},
    ],
)
def test_what_no_article_is(fields: dict[str, object]) -> None:
    """Fields that say nothing or something else are refused, and ids are not for the sender."""
    with pytest.raises(ValidationError):
        ArticleIn.model_validate({"title": "عنوان", "text": "नदी", **fields})


def test_an_article_to_add_keeps_its_text() -> None:
    """Blanks around a title go; those of the text are the author's."""
    article = ArticleIn.model_validate({"title": " ตลาด ", "text": "  นัดพบ\n\n下午 "})
    assert (article.title, article.text) == ("ตลาด", "  นัดพบ\n\n下午 ")
