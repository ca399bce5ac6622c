"""Lines that a whole corpus repeats."""

from __future__ import annotations

from qa_service.corpus.repetition import LineCounter, repeated_lines, without_repeated_lines

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
    assert repeated_lines([f"{sentence}\n{long_line}\n{n}" for n in range(5)]) == frozenset({"#"})


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
