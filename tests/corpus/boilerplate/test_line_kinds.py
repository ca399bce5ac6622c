"""What a single line of a web page is, in any script."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.boilerplate.line_kinds import (
    LineMetadata,
    beside_boilerplate,
    edge_boilerplate,
    is_credited_caption,
    is_related_link,
    is_repetition,
    line_metadata,
    opening_boilerplate,
)
from qa_service.corpus.boilerplate.phrases import fold_line, fold_words


@pytest.mark.parametrize(
    ("line", "language", "expected"),
    [
        ("16/11/2020", "ar", LineMetadata("date_line", published=dt.date(2020, 11, 16))),
        ("2020年11月16日", "zh", LineMetadata("date_line", published=dt.date(2020, 11, 16))),
        ("المصدر: وكالات", "ar", LineMetadata("source_line", source="وكالات")),
        ("Source: The Daily Post", "en", LineMetadata("source_line", source="The Daily Post")),
        ("By Jane Doe", "en", LineMetadata("byline", author="Jane Doe")),
        ("Reuters", "en", LineMetadata("agency_line", source="Reuters")),
        (
            "By Jane Doe | 3 May 2024",
            "en",
            LineMetadata("byline", published=dt.date(2024, 5, 3), author="Jane Doe"),
        ),
    ],
)
def test_lines_that_tell_about_the_article(
    line: str, language: str, expected: LineMetadata
) -> None:
    """Dates, sources, authors and agencies, alone or several in a line."""
    assert line_metadata(line, language) == expected


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("في عام 1869 افتتحت القناة بعد عشر سنوات من العمل.", "ar"),
        ("运河全长82公里，于1869年开通。", "zh"),
        ("คลองยาว 82 กิโลเมตร", "th"),
        ("नहर 1869 में खुली।", "hi"),
        ("By the end of the year everything had changed.", "en"),
        ("17 November 1869", "en"),
        ("", "en"),
        ("A long line about Reuters. " * 20, "en"),
    ],
)
def test_sentences_and_days_of_history_tell_nothing(line: str, language: str) -> None:
    """What belongs to the story is not taken out of it."""
    assert line_metadata(line, language) is None


@pytest.mark.parametrize(
    ("line", "is_link"),
    [
        ("Read also: Five bridges of the city", True),
        ("اقرأ أيضا: خمسة جسور في المدينة", True),
        ("Read also: He came back in 1990.", False),
        ("Five bridges of the city", False),
    ],
)
def test_links_to_other_stories(line: str, *, is_link: bool) -> None:
    """A label and a headline; a sentence after the label is no link."""
    assert is_related_link(line) is is_link


@pytest.mark.parametrize(
    ("line", "title", "repeats"),
    [
        ("قَنَاةُ السويس", "قناة السويس", True),
        ("运河 全长", "运河 全长", True),
        ("Chapter 2", "Chapter 1", False),
        ("The bridge of the north opens - photo", "The bridge of the north opens", True),
        ("The bridge of the north opens. It is long.", "The bridge of the north opens", False),
        ("Canal and locks", "Canal", False),
        ("Canal", "", False),
    ],
)
def test_lines_that_repeat_the_headline(line: str, title: str, *, repeats: bool) -> None:
    """Alone or with a caption; numbers count, vowel signs do not."""
    assert is_repetition(line, fold_words(line), fold_words(title)) is repeats


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("© 2021 صحيفة", "copyright"),
        ("ⓒ 新闻社", "copyright"),
        ("#قناة #السويس", "tags"),
        ("#नहर, #समाचार", "tags"),
        ("Facebook Twitter WhatsApp", "share_button"),
        ("Home > News > World", "navigation"),
        ("الرئيسية > أخبار > العالم", "navigation"),
        ("ตลาดน้ำเปิดทุกวัน", None),
        ("The canal is long.", None),
    ],
)
def test_boilerplate_at_the_edges(line: str, reason: str | None) -> None:
    """Named by what it is, where it stands above or below the body."""
    assert edge_boilerplate(line, fold_line(line)) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [("1,234", "counter"), ("12K", "counter"), ("١٢", "counter"), ("二十", None)],
)
def test_plain_numbers_beside_boilerplate_are_counters(line: str, reason: str | None) -> None:
    """How often something was read or shared; words that are numbers are words."""
    assert beside_boilerplate(line, fold_line(line)) == reason


@pytest.mark.parametrize(
    ("line", "is_credited"),
    [
        ("Soldiers on exercise - Reuters", True),
        ("جنود في تدريب (رويترز)", True),
        ("The council in session (Reuters)", True),
        ("The council in session (in the old hall)", False),
        ("He told Reuters.", False),
    ],
)
def test_captions_with_a_credit(line: str, *, is_credited: bool) -> None:
    """An agency in brackets or behind a dash, and no full stop."""
    assert is_credited_caption(line) is is_credited


@given(st.text(max_size=300))
def test_any_line_is_of_a_kind_or_none(line: str) -> None:
    """No line in any script makes a rule stumble, and the same line gets the same answer."""
    folded, words = fold_line(line), fold_words(line)

    def kinds() -> tuple[object, ...]:
        return (
            line_metadata(line, "en"),
            is_related_link(line),
            is_repetition(line, words, words),
            edge_boilerplate(line, folded),
            beside_boilerplate(line, folded),
            opening_boilerplate(line, folded),
            is_credited_caption(line),
        )

    assert kinds() == kinds()
