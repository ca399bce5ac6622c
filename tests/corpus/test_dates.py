"""Dates in the notations, scripts and digits that articles use."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.dates import parse_date, parse_date_line

NOVEMBER_16 = [
    "2020-11-16", "2020-11-16T09:30:00Z", "2020/11/16", "2020.11.16", "16.11.2020", "16/11/2020",
    "16-11-2020", "20201116", "Mon, 16 Nov 2020 09:30:00 +0000", "November 16, 2020",
    "Nov 16, 2020 at 9:30 p.m. EST", "16 November 2020", "16. November 2020",
    "Lundi 16 novembre 2020 à 9h30", "16 de noviembre de 2020", "16 ноября 2020 г.",
    "16 листопада 2020", "16 Kasım 2020 Pazartesi", "2020年11月16日", "2020年11月16日 09:30",
    "2020년 11월 16일", "16 नवंबर 2020", "16 พฤศจิกายน 2563", "۱۶ نوامبر ۲۰۲۰",
    "الإثنين، 16 نوفمبر 2020 09:30 م", "١٦ نوفمبر ٢٠٢٠", "16 تشرين الثاني 2020", "16 نونبر 2020",
    "16 نوفمبر/تشرين الثاني 2020", "١٦/١١/٢٠٢٠",
]  # fmt: skip


@pytest.mark.parametrize("text", NOVEMBER_16)
def test_the_day_is_found(text: str) -> None:
    """Every notation names the same day."""
    assert parse_date(text) == dt.date(2020, 11, 16)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "أمس", "2020", "November 2020", "3 janvier", "1442/3/4", "25 محرم 1442 هـ",
     "1442-01-25 هـ", "31/02/2020", "no date here", "12345678", "9" * 5000, "2020-13-45"],
)  # fmt: skip
def test_what_is_no_full_gregorian_date_is_none(text: str) -> None:
    """Parts of dates, relative dates and other calendars are left alone."""
    assert parse_date(text) is None


def test_order_of_day_and_month_follows_the_language() -> None:
    """Where both orders are possible, English has the month first."""
    assert parse_date("03/04/2020", "en") == dt.date(2020, 3, 4)
    assert parse_date("03/04/2020", "ar") == dt.date(2020, 4, 3)
    assert parse_date("25/04/2020", "en") == dt.date(2020, 4, 25)
    assert parse_date("04/25/2020", "fr") == dt.date(2020, 4, 25)


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("2020.10.02 | 10:27 دمشق", dt.date(2020, 10, 2)),
        ("الإثنين، 13 يوليو 2020 05:13 م", dt.date(2020, 7, 13)),
        ("Monday, November 16, 2020 9:30 PM GMT+2", dt.date(2020, 11, 16)),
        ("10:30 (MSK) 16.11.2020", dt.date(2020, 11, 16)),
        ("2019年5月3日 星期五", dt.date(2019, 5, 3)),
        ("16/11/2020 - 09:30", dt.date(2020, 11, 16)),
    ],
)
def test_a_line_of_nothing_but_a_date(line: str, day: dt.date) -> None:
    """Weekday, time, zone and place may stand beside the date."""
    assert parse_date_line(line) == day


@pytest.mark.parametrize(
    "line",
    [
        "The year 2020 saw 16 things happen",
        "On 16 November 2020 the minister resigned in Yerevan",
        "في 16 نوفمبر 2020 استقال وزير الخارجية من منصبه",
        "2020年11月16日，外长辞职，政府尚未宣布继任人选，局势仍然紧张，各方都在等待进一步的消息",
        "Yerevan 2020",
    ],
)
def test_a_sentence_with_a_date_is_no_date_line(line: str) -> None:
    """Lines that say more than a date are text."""
    assert parse_date_line(line) is None


@given(st.text(max_size=60))
def test_any_text_gives_a_date_or_none(text: str) -> None:
    """Nothing makes the parser stumble."""
    for parse in (parse_date, parse_date_line):
        day = parse(text)
        assert day is None or 1500 <= day.year <= 2200


@given(st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)))
def test_iso_dates_come_back(day: dt.date) -> None:
    """A date in ISO form is always itself."""
    assert parse_date(day.isoformat()) == day
