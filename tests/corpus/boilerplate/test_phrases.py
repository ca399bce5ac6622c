"""Phrases and shapes of web boilerplate: folded, measured and told apart in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.boilerplate.phrases import (
    boilerplate_phrases,
    ends_sentence,
    ends_with_full_stop,
    fold_line,
    fold_words,
    is_agency,
    is_breadcrumb,
    is_prose,
    line_width,
    shape_of_boilerplate,
    split_label,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12 comments", "3 Comments"),
        ("١٢ تعليق", "3 تعليق"),
        ("أضف تعليقًا", "اضف تعليقا"),
        ("مشاركـــة", "مشاركة"),
        ("１２条评论", "3条评论"),
        ("१२ टिप्पणी", "3 टिप्पणी"),
        ("Ещё", "еще"),
    ],
)
def test_one_phrase_in_many_spellings(one: str, other: str) -> None:
    """Numbers, case, width, vowel signs and forms of letters make no other phrase of it."""
    assert fold_line(one) == fold_line(other)


def test_words_keep_their_numbers() -> None:
    """Whatever digits they are written with."""
    assert fold_words("الفصل ٢") == fold_words("الفصل 2") != fold_words("الفصل 1")
    assert fold_line("الفصل 2") == fold_line("الفصل 1")


def test_marks_that_tell_words_apart_are_kept() -> None:
    """Indic and Thai vowel signs are letters in all but name."""
    assert fold_line("कि") != fold_line("की")
    assert fold_line("ปี") != fold_line("ปา")


@given(st.text(max_size=200))
def test_what_is_folded_stays_folded(line: str) -> None:
    """A phrase of the list and a line of a page are compared in the same form."""
    assert fold_words(line) == fold_words(fold_words(line))


@pytest.mark.parametrize(
    ("line", "width"),
    [("abc", 3.0), ("运河", 5.0), ("ﾊ", 1.0), ("مُحَمَّد", 4.0), ("", 0.0), ("字" * 1000, 1000.0)],
)
def test_width_is_counted_in_letters(line: str, width: float) -> None:
    """A Chinese character is worth more, a vowel sign nothing."""
    assert line_width(line) == width


@pytest.mark.parametrize(
    "line", ["It ends.", "انتهى؟", "结束了。", "वह गया।", "«Ende.»", "he said.”)", "끝。"]
)
def test_sentences_end_in_every_script(line: str) -> None:
    """Quotes and brackets behind the stop do not hide it."""
    assert ends_sentence(line)


def test_questions_end_sentences_without_a_full_stop() -> None:
    """Headlines ask; statements end in a stop."""
    for line in ("Why?", "لماذا؟", "为什么？"):
        assert ends_sentence(line)
        assert not ends_with_full_stop(line)
    assert not ends_sentence("ตลาดน้ำ")


@pytest.mark.parametrize(
    ("line", "prose"),
    [
        ("运河全长八十二公里，共有四座船闸。", True),
        ("运河全长", False),
        ("أوقفت الشرطة تسعة أشخاص في يريفان يوم الاثنين.", True),
        ("أضف تعليقا", False),
        ("word " * 20, True),
    ],
)
def test_prose_is_long_or_a_sentence(line: str, *, prose: bool) -> None:
    """In letters, so that scripts compare."""
    assert is_prose(line) is prose


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("صورة.jpg", "image_file"),
        ("图片_1.PNG?w=300", "image_file"),
        ("A+ A-", "font_size"),
        ("* * *", "separator"),
        ("———", "separator"),
        ("a.jpg.txt", None),
        ("नमस्ते", None),
        ("", None),
    ],
)
def test_shapes(line: str, reason: str | None) -> None:
    """Names of pictures, buttons for the size of type, and rules."""
    assert shape_of_boilerplate(line) == reason


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("Home > News", True),
        ("الرئيسية » أخبار » العالم", True),
        ("首页 > 新闻", True),
        ("5 > 3", False),
        ("Home", False),
        ("Home > " * 9 + "x", False),
    ],
)
def test_breadcrumbs(line: str, *, is_one: bool) -> None:
    """A way through the site from its home page, not too long."""
    assert is_breadcrumb(line) is is_one


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("Source: Reuters", "Reuters"),
        ("المصدر : رويترز", "رويترز"),
        ("来源：新华社", "新华社"),
        ("Source", ""),
        ("Resource: Reuters", None),
        ("", None),
    ],
)
def test_labels(line: str, rest: str | None) -> None:
    """What follows a label, nothing after a bare one, and None without."""
    assert split_label(line, "source_line") == rest


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Reuters", True),
        ("AFP / Reuters", True),
        ("رويترز", True),
        ("(رويترز) و أ ف ب", True),
        ("Reuters said", False),
        ("", False),
        ("()", False),
    ],
)
def test_agencies(text: str, *, is_one: bool) -> None:
    """One or several, and nothing else in the text."""
    assert is_agency(text) is is_one


def test_every_phrase_is_stored_as_it_is_compared() -> None:
    """None is empty, and each can be met: it is folded, as lines of pages are."""
    phrases = boilerplate_phrases()
    every = [
        *phrases.anywhere,
        *phrases.edges,
        # A sign that is no word folds to nothing, and is looked for by itself.
        *(one for one, _ in phrases.openings if one),
        *phrases.agencies,
    ]
    every += [label for labels in phrases.labels.values() for label in labels]
    assert all(every)
    assert [one for one in every if "#" not in one and fold_line(one) != one] == []
    assert boilerplate_phrases() is phrases
