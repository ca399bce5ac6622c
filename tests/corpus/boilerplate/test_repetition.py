"""Lines that a whole corpus repeats."""

from __future__ import annotations

import pytest

from qa_service.corpus.boilerplate.repetition import (
    LineCounter,
    repeated_lines,
    without_repeated_lines,
)

SLOGAN = "صوتكم إلى العالم | قناة الخبر"


def articles(count: int) -> list[str]:
    """Make articles that share a slogan and differ in all else."""
    return [
        f"{SLOGAN}\n\nالخبر رقم {'واحد ' * (n + 1)} عن المدينة.\n\nDaily Post" for n in range(count)
    ]


def test_lines_of_most_articles_are_found_and_dropped() -> None:
    """A slogan that no list of phrases knows goes, and is reported."""
    texts = articles(4)
    remaining = without_repeated_lines(texts[2], repeated_lines(texts))
    assert remaining.text == "الخبر رقم واحد واحد واحد  عن المدينة."
    assert [dropped.text for dropped in remaining.dropped] == [SLOGAN, "Daily Post"]
    assert {dropped.reason for dropped in remaining.dropped} == {"repeated_across_corpus"}


def test_two_articles_are_no_corpus() -> None:
    """Below three articles nothing counts as repeated."""
    assert repeated_lines(articles(2)) == frozenset()


def test_lines_of_a_minority_stay() -> None:
    """Three articles of ten may share a line for good reasons."""
    others = [f"文章{n}。" for n in range(7)]
    assert repeated_lines(articles(3) + others) == frozenset()


def test_sentences_and_long_lines_stay() -> None:
    """A refrain that is a sentence is somebody's text."""
    sentence = "ฝนตกหนักทั่วประเทศในวันนี้ ประชาชนควรระวัง."
    long_line = "यह एक बहुत लंबी पंक्ति है " * 8
    assert repeated_lines([f"{sentence}\n{long_line}\n{n}" for n in range(5)]) == frozenset()


def test_an_article_of_nothing_else_stays_whole() -> None:
    """Dropping must not leave an empty article."""
    assert without_repeated_lines("Daily Post", frozenset({"daily post"})).text == "Daily Post"


def test_without_repetition_the_text_is_untouched() -> None:
    """No set, no change."""
    assert without_repeated_lines("a\n\nb", frozenset()).text == "a\n\nb"


def test_counting_one_by_one_gives_the_same() -> None:
    """The counter can be fed as files are read."""
    counter = LineCounter()
    for text in articles(4):
        counter.add(text)
    assert counter.repeated() == repeated_lines(articles(4))


def left_out(texts: list[str]) -> list[list[str]]:
    """Return what each article of a corpus loses."""
    repeated = repeated_lines(texts)
    return [
        [item.text for item in without_repeated_lines(text, repeated).dropped] for text in texts
    ]


CHAPTERS = {
    "ar": ("الفصل {n}", "وصلت السفينة {word} إلى الميناء في الصباح."),
    "en": ("Chapter {n}", "The ship {word} came into harbour in the morning."),
    "hi": ("अध्याय {n}", "जहाज {word} सुबह बंदरगाह पहुँचा।"),
    "th": ("บทที่ {n}", "เรือ {word} มาถึงท่าเรือในตอนเช้า."),
    "zh": ("第{n}章", "{word}号船早晨到达港口。"),
    "mixed": ("الفصل {n} – Chapter {n}", "The سفينة {word} 到了。"),
}


@pytest.mark.parametrize("language", CHAPTERS)
def test_numbered_headings_stay(language: str) -> None:
    """Chapter 2 is not chapter 1 once more, and every book has a chapter 1."""
    heading, sentence = CHAPTERS[language]
    names = ("Nour", "春天", "ดาว", "तारा", "أمل")
    books = [
        "\n\n".join(f"{heading.format(n=n)}\n\n{sentence.format(word=name)}" for n in (1, 2, 3))
        for name in names
    ]
    assert left_out(books) == [[]] * 5
    # One chapter to an article, and one that has its heading only.
    chapters = [f"{heading.format(n=n)}\n{sentence.format(word=names[n])}" for n in range(5)]
    assert left_out([*chapters, f"{names[0]}\n\n{heading.format(n=9)}"]) == [[]] * 6


RECIPES = {
    "ar": "المقادير\n\n{n} بصلات\nعدس {word}\nملح\n\nالطريقة\n\nيطبخ {word} على نار هادئة.",
    "en": "Ingredients\n\n{n} onions\n{word} lentils\nsalt\n\nMethod\n\nCook the {word} slowly.",
    "hi": "सामग्री\n\n{n} प्याज\n{word} दाल\nनमक\n\nविधि\n\n{word} धीमी आँच पर पकाएँ।",
    "th": "ส่วนผสม\n\nหอม {n} หัว\nถั่ว {word}\nเกลือ\n\nวิธีทำ\n\nต้ม {word} ช้าๆ.",
    "zh": "材料\n\n洋葱{n}个\n{word}豆\n盐\n\n做法\n\n{word}用小火煮。",
}


@pytest.mark.parametrize("language", RECIPES)
def test_headings_that_all_articles_have_stay(language: str) -> None:
    """What stands in every recipe is part of each of them; the site's name below is not."""
    recipes = [
        RECIPES[language].format(n=n, word=word)
        for n, word in enumerate(("أحمر", "红", "แดง", "लाल", "red"), start=2)
    ]
    assert left_out(recipes) == [[]] * 5
    assert left_out([f"{text}\n\nمطبخ البيت" for text in recipes]) == [["مطبخ البيت"]] * 5


def test_the_end_of_a_list_stays() -> None:
    """A last line belongs to the lines right above it, unless those end a sentence."""
    lists = [f"{word}\nрис\nملح" for word in ("عدس", "豆", "ถั่ว", "दाल")]
    assert left_out(lists) == [[]] * 4
    assert left_out([f"{text}\n\nDaily Post" for text in lists]) == [["Daily Post"]] * 4


def test_the_head_of_a_table_stays() -> None:
    """A first row of several cells is followed by the next row, a menu by a blank line."""
    rows = [f"الاسم | 价格\n{word} | {n}" for n, word in enumerate(("قمح", "米", "ข้าว", "चावल"))]
    assert left_out(rows) == [[]] * 4
    menu = "الرئيسية | العالم | 体育"
    assert left_out([f"{menu}\n\n{row}" for row in rows]) == [[menu]] * 4


def test_a_menu_above_goes_a_heading_stays() -> None:
    """Three lines that all articles begin with are no headings; two may be."""
    bodies = ["عن القناة.", "关于运河。", "เรื่องคลอง.", "नहर के बारे में।"]
    menu = ["الرئيسية", "أخبار", "体育"]
    assert left_out(["\n".join([*menu, "", body]) for body in bodies]) == [menu] * 4
    assert left_out(["\n".join([*menu[:2], "", body]) for body in bodies]) == [[]] * 4


def test_what_stands_amid_the_text_stays() -> None:
    """A line is furniture at the edges only, even one that ends most articles."""
    bodies = ["عن القناة.", "关于运河。", "เรื่องคลอง.", "नहर के बारे में।"]
    texts = [f"{body}\n\nDaily Post" for body in bodies]
    quoting = "他说：\n\nDaily Post\n\n是一家报纸。"
    assert left_out([*texts, quoting]) == [["Daily Post"]] * 4 + [[]]
