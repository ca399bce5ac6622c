"""Body text kept byte for byte, web boilerplate dropped with a reason."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.boilerplate.cleaning import clean_text
from qa_service.corpus.boilerplate.phrases import fold_line
from qa_service.corpus.discovery import discover
from qa_service.corpus.reading import read_file
from qa_service.corpus.stored_text import stored_text
from qa_service.types import Article

REPORTS = Path(os.environ.get("SHARED_SEEDS", Path(__file__).parents[4] / "shared" / "seeds"))

# Of each saved web page: the numbers of the lines that are the article's body. All others are
# blank, the title, or boilerplate.
BODY_LINES: Mapping[str, tuple[int, ...]] = {
    "000_7194de9f577b9a05.txt": (3, 5, 7, 9, 11, 13, 15, 17, 19, 21),
    "001_680842df61cb0a63.txt": (11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
    "002_277e04ea66e7a381.txt": (11, 13, 15, 17, 19, 21, 23, 25, 27),
    "003_3826178387aee3dd.txt": (5, 7, 11, 13, 15, 17, 21, 23, 25, 27, 29, 33),
    "004_8523a87a08dcca9f.txt": (15, 17, 19, 21, 23, 25, 27, 29, 33, 35, 37, 39, 41, 43),
}
CLUTTER = (
    "اظهر المزيد",
    "زر الذهاب إلى الأعلى",
    "مشاركة",
    "اضف تعليقاً واقرأ تعليقات القراء",
    "لا توجد تعليقات على الخبر",
    "اضف تعليق",
    "تم أضافة تعليقك سوف يظهر بعد المراجعة",
    "الرجوع الى أعلى الصفحة",
    "وكالات الأنباء",
    "كتب محمد عبد العظيم - أحمد عرفة",
    "About Post Author",
    "المصدر : الجزيرة + الأناضول",
    "icon",
    "التغطية الحية",
    "2020.10.02 | 10:27 دمشق",
    "20200924_2_44513373_58385492.jpg",
    "مناورات للجيش الأذري ـ الأناضول",
    "إسطنبول ـ وكالات",
    "+A",
    "حجم الخط",
    "-A",
    'اقرأ أيضا: "قراباغ" تشتعل مجدداً.. هل انتقل الصراع إلى جنوب القوقاز؟',
)

needs_reports = pytest.mark.skipif(
    not REPORTS.is_dir(), reason="the saved web pages are not on this machine"
)


def read_report(name: str) -> tuple[list[str], Article]:
    """Return a saved page's raw lines and the article made of it."""
    (file,) = discover([REPORTS / name]).files
    lines = (REPORTS / name).read_text(encoding="utf-8").split("\n")
    return lines, read_file(file).articles[0]


@needs_reports
@pytest.mark.parametrize("name", BODY_LINES)
def test_saved_page_keeps_its_body_byte_for_byte_and_nothing_else(name: str) -> None:
    """The article's lines are exactly the body's, sub-headlines among them."""
    lines, article = read_report(name)
    expected = [lines[number - 1].rstrip() for number in BODY_LINES[name]]
    assert [line for line in article.text.split("\n") if line] == expected
    assert article.text == "\n\n".join(expected)


@needs_reports
@pytest.mark.parametrize("name", BODY_LINES)
def test_saved_page_loses_every_known_piece_of_boilerplate(name: str) -> None:
    """No button, form, counter or date line is left in the text."""
    _, article = read_report(name)
    assert not set(article.text.split("\n")) & set(CLUTTER)


@needs_reports
@pytest.mark.parametrize("name", BODY_LINES)
def test_saved_page_is_accounted_for(name: str) -> None:
    """Every line that is not blank is in the text, is the title, or is in the report."""
    lines, article = read_report(name)
    (file,) = discover([REPORTS / name]).files
    reported = [entry.text for entry in read_file(file).dropped]
    present = article.text.split("\n")
    for line in filter(None, map(str.strip, lines)):
        assert line in reported or line == article.title or line in map(str.strip, present)


@needs_reports
@pytest.mark.parametrize(
    ("name", "title", "published", "source", "author"),
    [
        ("000_7194de9f577b9a05.txt", "مجلس الامن الدولي", None, None, None),
        (
            "001_680842df61cb0a63.txt",
            "الخارجية الروسية: ندعو",
            dt.date(2020, 7, 13),
            "وكالات الأنباء",
            None,
        ),
        (
            "002_277e04ea66e7a381.txt",
            "موسكو تسعى لتثبيت",
            dt.date(2020, 11, 16),
            None,
            "محمد عبد العظيم - أحمد عرفة",
        ),
        ("003_3826178387aee3dd.txt", "مجلس الأمن بحث", None, "الجزيرة + الأناضول", None),
        ("004_8523a87a08dcca9f.txt", "دعوات للتهدئة", dt.date(2020, 10, 2), "وكالات", None),
    ],
)
def test_saved_page_tells_about_itself(
    name: str, title: str, published: dt.date | None, source: str | None, author: str | None
) -> None:
    """Title, date, source and author move from the page's lines to the article's fields."""
    _, article = read_report(name)
    assert article.title.startswith(title)
    assert (article.published, article.source, article.author) == (published, source, author)
    assert article.language == "ar"


# Pages of our own, by language: the headline, the lines above the body, the body, those below.
DATA = Path(__file__).parent.parent / "data"
PAGES = json.loads((DATA / "pages.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", PAGES)
def test_pages_in_many_languages(language: str) -> None:
    """Headline, body and boilerplate are told apart whatever the script."""
    page = PAGES[language]
    text = "\n\n".join([page["title"], *page["above"], *page["body"], *page["below"]])
    clean = clean_text(text, language=language)
    assert clean.title == page["title"]
    assert clean.text.split("\n\n") == page["body"]
    assert [entry.text for entry in clean.dropped] == [*page["above"], *page["below"]]
    assert clean.published == dt.date(2020, 11, 16)


def test_what_metadata_lines_tell_is_kept() -> None:
    """Date, author and source of a page become fields."""
    page = PAGES["en"]
    text = "\n".join([page["title"], "", *page["above"], "", *page["body"], "", *page["below"]])
    clean = clean_text(text)
    assert (clean.published, clean.author, clean.source) == (
        dt.date(2020, 11, 16),
        "Jane Doe",
        "Reuters",
    )


@pytest.mark.parametrize(
    ("line", "author", "source"),
    [
        ("By Jane Doe | 16 November 2020", "Jane Doe", None),
        ("رويترز • 16 نوفمبر 2020 • بقلم: أحمد علي", "أحمد علي", "رويترز"),
        ("2020年11月16日 | 来源：新华社", None, "新华社"),
    ],
)
def test_one_line_may_tell_several_things(
    line: str, author: str | None, source: str | None
) -> None:
    """Author, date and source may share a line."""
    body = PAGES["en"]["body"][0]
    clean = clean_text(f"Headline of the day\n\n{line}\n\n{body}")
    assert clean.text == body
    assert (clean.published, clean.author, clean.source) == (
        dt.date(2020, 11, 16),
        author,
        source,
    )


@pytest.mark.parametrize(
    "line",
    [
        "Share prices fell by four per cent on Monday, their worst day since the spring of 2020.",
        "By the river stood a house in which nobody had lived for years, as everyone knew.",
        "مشاركة المرأة في سوق العمل ارتفعت خلال العقد الماضي بنسبة كبيرة في معظم الدول العربية.",
        "المصدر الرئيسي للمياه في المدينة هو النهر الذي يعبرها من الشمال إلى الجنوب منذ القدم.",
        "كتب التاريخ تروي أن المدينة بنيت قبل ألفي عام على ضفة النهر الكبير في وسط السهل.",
        "2020 年是有记录以来最热的年份之一，全球平均气温比工业化前高出约一点二摄氏度，专家担忧。",
        "分享是一种美德，老师常常这样教育孩子们，要把自己的玩具和书本拿出来同大家一起使用。",
        "टिप्पणी करें तो सोच-समझकर करें, ऐसा अध्यापक ने सभी छात्रों से कक्षा में कहा था।",
        "Источник воды находится в двух километрах от деревни, и за ней ходят каждое утро.",
        "ความคิดเห็นของประชาชนแตกต่างกันมากในเรื่องนี้ ตามผลสำรวจที่เผยแพร่เมื่อวันจันทร์ที่ผ่านมาในกรุงเทพฯ",
    ],
)
def test_sentences_that_begin_like_boilerplate_stay(line: str) -> None:
    """A body sentence with a telling first word is body all the same, wherever it stands."""
    other = "The body of this article has one more paragraph, which is long enough to be prose."
    for page in (f"{line}\n\n{other}", f"{other}\n\n{line}", f"{other}\n\n{line}\n\n{other}"):
        assert line in clean_text(page, title="Some title").text


def test_button_words_inside_the_body_stay() -> None:
    """A sub-headline of one ambiguous word between paragraphs is body."""
    prose = "The body of this article has a paragraph, which is long enough to count as prose."
    page = f"{prose}\n\nComments\n\n{prose}\n\nНовости\n\n{prose}\n\nمشاركة\n\n{prose}"
    assert clean_text(page, title="T").text == page


def test_poems_and_lists_stay() -> None:
    """Short lines are no boilerplate by being short."""
    poem = "Roses are red\nViolets are blue\n\nقفا نبك من ذكرى حبيب ومنزل\n\n床前明月光\n疑是地上霜"
    clean = clean_text(poem)
    assert clean.text == poem
    assert clean.title is None


def test_wrapped_first_lines_are_no_title() -> None:
    """In text wrapped at a fixed width the first line is a part of its sentence."""
    page = (
        "The bridge over the river was built in the year of the great\n"
        "flood, when the old ferry had sunk and nobody could cross to\n"
        "the other side for months."
    )
    assert clean_text(page).title is None
    assert clean_text(page).text == page


def test_a_page_of_nothing_but_boilerplate_stays_whole() -> None:
    """Dropping everything would leave nothing to check by."""
    assert clean_text("مشاركة\n\nShare\n\nBack to top").text == "مشاركة\n\nShare\n\nBack to top"


def test_headline_repeated_with_a_caption_goes() -> None:
    """The headline once more, with or without a caption after it, is not body."""
    headline = "نواب المدينة يوافقون على بناء جسر جديد فوق النهر"
    body = "وافق مجلس المدينة يوم الاثنين بعد نقاش طويل على بناء جسر ثان فوق النهر الكبير."
    page = f"{headline}\n\n{headline} صورة الجسر القديم\n\n{headline}\n\n{body}"
    clean = clean_text(page)
    assert (clean.title, clean.text) == (headline, body)


def test_first_sentence_that_begins_with_the_headline_stays() -> None:
    """A sentence is body even where it starts with the headline's words."""
    headline = "Council approves new bridge over the river"
    body = f"{headline}, ending years of debate."
    assert clean_text(f"{headline}\n\n{body}\n\nMore follows here.").text.startswith(body)


LINES = st.one_of(
    st.sampled_from([*CLUTTER, "Share", "", "", "分享", "Source: X", "By Jane", "2020-11-16"]),
    st.text(max_size=100),
)


@given(st.lists(LINES, max_size=20), st.one_of(st.none(), st.text(min_size=1, max_size=30)))
def test_every_line_is_accounted_for(lines: list[str], title: str | None) -> None:
    """Whatever the page: each line is body, title or reported, and body keeps its order."""
    page = stored_text("\n".join(lines))
    clean = clean_text(page, title)
    body = clean.text.split("\n")
    reported = [entry.text for entry in clean.dropped]
    for line in filter(str.strip, page.split("\n")):
        assert line in body or line.strip() in reported or line.strip() == clean.title
    remaining = iter(page.split("\n"))
    assert all(line in remaining for line in body if line)
    assert all(entry.reason for entry in clean.dropped)


@given(st.text(min_size=1))
def test_folding_is_stable(line: str) -> None:
    """A folded line folds to itself."""
    assert fold_line(fold_line(line)) == fold_line(line)


@pytest.mark.parametrize(
    "heading",
    ["الفصل {n}", "Chapter {n}", "अध्याय {n}", "บทที่ {n}", "第{n}章", "Title {n} – عنوان {n}"],
)
def test_numbered_headings_are_no_repeated_headlines(heading: str) -> None:
    """Chapter 2 is not the headline chapter 1 once more, wherever the two stand."""
    body = "The ship left the harbour of the old town in the night, and nobody saw it leave."
    one, two, three = (heading.format(n=n) for n in (1, 2, 3))
    for text, title in (
        (f"{one}\n\n{two}\n{three}\n\n{body}", None),
        (f"{two}\n{three}\n\n{body}\n\n{three}", one),
        (f"{one}\n{two}\n{three}", None),
    ):
        clean = clean_text(text, title)
        assert clean.dropped == ()
        assert all(line in clean.text or line == clean.title for line in (two, three))
    # Said twice, it is.
    clean = clean_text(f"{one}\n\n{one}\n\n{body}", None)
    assert [item.reason for item in clean.dropped] == ["repeated_headline"]
