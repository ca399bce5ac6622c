"""Questions to start with, made of the titles of the user's own articles."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.answer.example_questions import LONGEST_TOPIC, TEMPLATES, example_questions
from qa_service.types import ArticleSummary

TITLES = {
    "ar": ("أذربيجان: هدنة جديدة في قره باغ", "لافروف يدعو إلى وقف النار", "قمة أوروبية في بروكسل"),
    "zh": ("长城有多长", "企鹅能潜多深", "丝绸之路的历史"),
    "th": ("ปลาทูไทย", "คลองสุเอซ", "รถไฟสายยาว"),
    "hi": ("प्रकाश संश्लेषण", "गंगा नदी", "पेंगुइन पक्षी"),
    "en": ("The Suez Canal", "Penguins: birds that fly under water", "COVID-19 في مصر 2021"),
}


def summaries(titles: Mapping[str, tuple[str, ...]]) -> list[ArticleSummary]:
    """Return articles with these titles, as a list shows them."""
    return [
        ArticleSummary(f"{language}/{number}", title, language, None, None, None, 1, True)
        for language, group in titles.items()
        for number, title in enumerate(group)
    ]


@pytest.mark.parametrize("language", TEMPLATES)
def test_question_is_asked_in_the_reader_s_language(language: str) -> None:
    """The frame is in the reader's language; the topic is the article's own, any script."""
    start, _, end = TEMPLATES[language].partition("{topic}")
    questions = example_questions(summaries(TITLES), language, 6)
    assert len(questions) == 6
    assert all(one.startswith(start) and one.endswith(end) for one in questions)


@pytest.mark.parametrize("language", ["ar", "zh", "hi"])
def test_own_language_first_then_one_of_each(language: str) -> None:
    """Articles in the reader's language lead; the others show that any language may be asked."""
    questions = example_questions(summaries(TITLES), language, 8)
    own = [any(title[:6] in one for title in TITLES[language]) for one in questions]
    assert own == sorted(own, reverse=True)
    assert own[0]
    for other in set(TITLES) - {language}:
        assert any(title[:6] in one for one in questions for title in TITLES[other]), other


def test_reader_without_articles_in_their_language_gets_the_others() -> None:
    """A language that no article has is still asked in; one without a template falls to English."""
    assert len(example_questions(summaries(TITLES), "ru", 4)) == 4
    thai = example_questions(summaries(TITLES), "th", 4)
    assert thai[0] == TEMPLATES["en"].format(topic="ปลาทูไทย")


def test_title_is_cut_after_the_first_thing_it_says() -> None:
    """A second clause is left out, unless the first says too little."""
    titles = {
        "en": ("Penguins: birds that fly", "A very long strike - what comes next", "Why not?"),
        "ar": ("مجلس الأمن الدولي يجتمع؛ وموسكو تعترض",),
    }
    questions = example_questions(summaries(titles), "en", 9)
    assert questions == tuple(
        TEMPLATES["en"].format(topic=topic)
        for topic in (
            "Penguins: birds that fly",
            "A very long strike",
            "Why not",
            "مجلس الأمن الدولي يجتمع",
        )
    )


def test_long_title_is_cut_at_a_word() -> None:
    """A title that runs on is shortened, at a space where there are spaces."""
    titles = {"ar": ("كلمة " * 60,), "zh": ("长城" * 90,)}
    arabic, chinese = example_questions(summaries(titles), "en", 2)
    start, _, end = TEMPLATES["en"].partition("{topic}")
    for question in (arabic, chinese):
        topic = question.removeprefix(start).removesuffix(end)
        assert topic.endswith("…")
        assert len(topic) <= LONGEST_TOPIC + 1
    assert set(arabic.removeprefix(start).removesuffix("…" + end).split()) == {"كلمة"}


def test_same_title_is_asked_once() -> None:
    """Copies of an article make one question."""
    assert len(example_questions(summaries({"ar": ("العنوان نفسه",) * 5}), "ar", 4)) == 1


def test_empty_index_suggests_nothing() -> None:
    """Without articles there is nothing to ask."""
    assert example_questions([], "ar", 4) == ()


@given(
    titles=st.dictionaries(
        st.sampled_from(["ar", "zh", "th", "hi", "en", "und"]),
        st.lists(st.text(max_size=120), max_size=6).map(tuple),
    ),
    language=st.sampled_from(["ar", "zh", "th", "en", "und"]),
    limit=st.integers(0, 8),
)
def test_never_more_than_asked_for_and_none_twice(
    titles: dict[str, tuple[str, ...]], language: str, limit: int
) -> None:
    """Any titles at all: at most `limit` questions, all different, each on one line."""
    questions = example_questions(summaries(titles), language, limit)
    assert len(questions) == len(set(questions)) <= limit
    assert all("\n" not in question for question in questions)
    assert questions == example_questions(summaries(titles), language, limit)
