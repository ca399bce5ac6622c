"""The sample articles that ship with the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_files import source_file

from qa_service.corpus.discovery import discover
from qa_service.corpus.reading import ArticleLoader
from qa_service.text.language import detect_language
from qa_service.types import Article

SAMPLES = Path(__file__).parents[2] / "seeds"

FACTS = {
    "ar/nagorno-karabakh-un-truce.md": (
        "أنطونيو غوتيريش", "فرنسا وروسيا والولايات المتحدة", "مجموعة مينسك", "سيرغي لافروف",
        "ماريا بيتشينوفيتش", "وثيقتين", "آلية تراقب", "فاليري بوير", "تغريدة", "آرتساخ",
        "بوليتيكو", "مايك بومبيو", "واشنطن", "الجمعة",
    ),
    "ar/tavush-border-clashes.md": (
        "13 يوليو 2020", "12 يوليو", "سبوتنيك", "توفوز", "تافوش", "ثلاثة جنود", "1992",
        "بضع مئات من الكيلومترات", "المدفعية", "منظمة الأمن والتعاون في أوروبا",
    ),
    "ar/karabakh-peacekeepers.md": (
        "25 نقطة", "118 رحلة", "سبع نقاط", "وتسع في القطاع الجنوبي", "القطاع الشمالي",
        "ستيباناكيرت", "ممر لاتشين", "9 نوفمبر", "10 نوفمبر", "جيرالد دارمانان",
        "زوغراب مناتساكانيان",
        "11 و12 نوفمبر", "16 نوفمبر 2020",
    ),
    "ar/un-emergency-session-september-2022.md": (
        "105", "71", "6 من مدنييها", "100 جندي", "12 سبتمبر", "ميروسلاف جينكا", "نيكول باشينيان",
        "الثامنة من مساء الأربعاء", "2020", "نوفوستي", "15 سبتمبر 2022",
    ),
    "ar/karabakh-calls-for-calm.md": (
        "إيمانويل ماكرون", "1992", "فاسيلي نيبيزيا", "توماس كامبل", "الأناضول", "سوريا وليبيا",
        "البنتاغون", "الخميس", "قرى أذربيجانية",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def articles() -> dict[str, Article]:
    """Every sample article by its id."""
    with ArticleLoader() as reader:
        read = [reader.read(file) for file in discover([SAMPLES]).files]
    assert not [warning for file in read for warning in file.warnings]
    return {article.id: article for file in read for article in file.articles}


def test_all_formats_and_languages_are_shown(articles: dict[str, Article]) -> None:
    """Ten languages, and each of the four text formats."""
    languages = {article.language for article in articles.values()}
    assert languages == {"ar", "de", "en", "es", "fa", "fr", "hi", "ru", "tr", "zh"}
    suffixes = {file.path.suffix for file in discover([SAMPLES]).files}
    assert suffixes == {".md", ".txt", ".html", ".jsonl"}
    assert len(articles) == 15


def test_each_is_described_and_read_whole(articles: dict[str, Article]) -> None:
    """Title, source, date and language stand; the language is what detection says, too."""
    for article in articles.values():
        assert article.title
        assert article.source
        assert article.published
        assert detect_language(article.text) == article.language
        assert len(article.text) > 600


@pytest.mark.parametrize("name", FACTS)
def test_reports_keep_their_facts(articles: dict[str, Article], name: str) -> None:
    """Who, when, where and how many are all there."""
    missing = [fact for fact in FACTS[name] if fact not in articles[name].text]
    assert missing == []


def test_nothing_of_a_sample_is_dropped() -> None:
    """The samples hold no boilerplate, save the page that shows how it is dropped."""
    with ArticleLoader() as reader:
        for path in sorted(SAMPLES.rglob("*.*")):
            if path.suffix in (".md", ".txt", ".jsonl"):
                assert reader.read(source_file(path)).dropped == ()
