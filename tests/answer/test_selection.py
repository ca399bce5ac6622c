"""Which passages are shown: each story once, room for several articles, the ranking's order."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa_service.answer.selection import (
    LOOKED_FURTHER,
    PER_ARTICLE,
    SAME_STORY,
    SHINGLE,
    SHORTEST_TO_COMPARE,
    choose,
)
from qa_service.types import Passage, Span

STORIES = {
    "ar": (
        "أقامت قوات حفظ السلام الروسية خمسا وعشرين نقطة مراقبة في إقليم قره باغ، "
        "تسع منها في القطاع الجنوبي وسبع في القطاع الشمالي."
    ),
    "zh": (
        "明长城东起辽宁虎山，西至甘肃嘉峪关，全长八千八百五十一点八公里，其中人工墙体约六千二百五十九公里，"
        "其余是壕堑和山险、河险等天然屏障，分布在十个省市。"
    ),
    "th": (
        "ทางรถไฟสายทรานส์ไซบีเรียเชื่อมกรุงมอสโกกับเมืองวลาดิวอสต็อกริมทะเลญี่ปุ่น"
        "และเป็นทางรถไฟที่ยาวที่สุดในโลก เริ่มก่อสร้างในรัชสมัยของจักรพรรดิ"
    ),
    "hi": (
        "पत्तियों की कोशिकाओं में हरितलवक नाम के छोटे-छोटे अंग होते हैं, जिनमें क्लोरोफ़िल नाम का हरा वर्णक "
        "रहता है, जो मुख्य रूप से लाल और नीला प्रकाश सोखता है।"
    ),
    "mixed": (
        "The Suez Canal (قناة السويس, 苏伊士运河) was opened on 17 November 1869 after ten years "
        "of work, at first 164 kilometres long."
    ),
}
OTHER = "Emperor penguins are the deepest divers among birds: one reached a depth of 564 metres."


def passage(text: str, article_id: str, number: int = 0) -> Passage:
    """Return a passage of an article."""
    return Passage(
        id=f"{article_id}-{number}",
        article_id=article_id,
        start=0,
        end=len(text),
        text=text,
        language="und",
        sentences=(Span(0, len(text)),),
    )


def distinct(count: int, articles: list[str]) -> list[Passage]:
    """Return passages that share no story, of these articles in turn."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        passage(
            "".join(letters[(number * 7 + step * (number + 3)) % 26] for step in range(90)),
            articles[number % len(articles)],
            number,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("language", STORIES)
def test_same_story_is_shown_once_and_names_the_others(language: str) -> None:
    """A report that three articles carry is shown where it ranks best; the others are named."""
    story = STORIES[language]
    passages = [
        passage(story, "first"),
        passage(OTHER, "penguins"),
        passage(f"«{story}»", "second"),
        passage(story.replace("،", ",").replace("，", ",") + " …", "third"),
    ]
    choices = choose(passages, [True] * 4, 5)
    assert [choice.place for choice in choices] == [0, 1]
    assert choices[0].also_in == ("second", "third")
    assert choices[1].also_in == ()


def test_spelling_of_letters_does_not_make_another_story() -> None:
    """Full-width forms, case and punctuation are the same text to a reader."""
    wide = OTHER.upper().translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    choices = choose([passage(OTHER, "one"), passage(wide, "two")], [True, True], 5)
    assert [(choice.place, choice.also_in) for choice in choices] == [(0, ("two",))]


def test_other_story_in_the_same_words_stays() -> None:
    """Reports that share a subject but tell different things are both shown."""
    one = (
        "أعلنت وزارة الدفاع الأرمينية مقتل 105 من جنودها في معارك الحدود التي اندلعت مساء الاثنين."
    )
    two = "أعلنت وزارة الدفاع الأذربيجانية تدمير بطاريات مدفعية بعد قصف طال قرى على خط التماس أمس."
    choices = choose([passage(one, "a"), passage(two, "b")], [True, True], 5)
    assert [choice.place for choice in choices] == [0, 1]


def test_repetition_within_one_article_is_not_also_elsewhere() -> None:
    """An article that repeats itself is shown once, and not named beside itself."""
    story = STORIES["ar"]
    choices = choose([passage(story, "a", 1), passage(story, "a", 2)], [True, True], 5)
    assert [(choice.place, choice.also_in) for choice in choices] == [(0, ())]


def test_each_other_article_is_named_once() -> None:
    """Many copies in one article make one name."""
    story = STORIES["zh"]
    copies = [passage(story, "a"), *(passage(story, "b", number) for number in range(4))]
    assert choose(copies, [True] * 5, 5)[0].also_in == ("b",)


def test_quotation_inside_a_long_passage_is_not_the_same_story() -> None:
    """A sentence quoted in a longer report does not make that report superfluous."""
    story = STORIES["ar"]
    report = (
        f"{story} ويرى المراقبون أن الطريق إلى التسوية ما زال طويلا، فالنازحون لم يعودوا بعد إلى "
        "قراهم، والطرق الجبلية مغلقة بالثلوج، والمفاوضات بين العاصمتين متعثرة منذ الصيف الماضي. "
        "أما سكان المدينة فيقولون إنهم يريدون قبل كل شيء مدارس لأطفالهم ومستشفى قريبا من بيوتهم."
    )
    choices = choose([passage(story, "a"), passage(report, "b")], [True, True], 5)
    assert [choice.place for choice in choices] == [0, 1]


@pytest.mark.parametrize("text", ["نعم.", "是的。", "ครับ", "हाँ।", "OK", "…"])
def test_short_texts_are_never_taken_for_one_story(text: str) -> None:
    """Too few letters tell nothing: both are shown."""
    choices = choose([passage(text, "a"), passage(text, "b")], [True, True], 5)
    assert [choice.place for choice in choices] == [0, 1]


def test_hundred_copies_of_one_article_are_one_choice() -> None:
    """However often a story is there it takes one place and names the ninety-nine others."""
    copies = [passage(STORIES["th"], f"copy-{number:02}") for number in range(100)]
    choices = choose(copies, [True] * 100, 5)
    assert [choice.place for choice in choices] == [0]
    assert choices[0].also_in == tuple(f"copy-{number:02}" for number in range(1, 100))


def test_fourth_passage_of_an_article_waits_for_other_articles() -> None:
    """One long article does not push out the others that have something to say."""
    passages = [*distinct(6, ["long"])[:5], passage(OTHER, "short")]
    choices = choose(passages, [True] * 6, 5)
    assert [choice.place for choice in choices] == [0, 1, 2, 5, 3]


def test_article_may_fill_the_answer_when_nothing_else_is_relevant() -> None:
    """What does not bear on the question never comes before what does."""
    passages = [*distinct(6, ["long"])[:5], passage(OTHER, "short")]
    choices = choose(passages, [True] * 5 + [False], 5)
    assert [choice.place for choice in choices] == [0, 1, 2, 3, 4]


def test_relevant_passage_behind_an_irrelevant_one_still_comes_first() -> None:
    """What is likely to answer is not always in the ranking's order; none is given up."""
    passages = [*distinct(4, ["long"]), passage(OTHER, "off"), passage(STORIES["hi"], "short")]
    choices = choose(passages, [True, True, True, True, False, True], 5)
    assert [choice.place for choice in choices] == [0, 1, 2, 5, 3]


def test_only_article_gives_all_it_has() -> None:
    """A corpus of one article is not cut to three passages."""
    choices = choose(distinct(6, ["only"]), [False] * 6, 5)
    assert [choice.place for choice in choices] == [0, 1, 2, 3, 4]


def test_nothing_found_is_nothing_shown() -> None:
    """Without passages there is no choice."""
    assert choose([], [], 5) == ()


@given(data=st.data(), top_k=st.integers(1, 12))
def test_choices_are_distinct_and_as_many_as_there_are(data: st.DataObject, top_k: int) -> None:
    """As many as asked for or all there are, none twice, the best always first."""
    count = data.draw(st.integers(0, 14))
    articles = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6))
    is_relevant = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    passages = distinct(count, articles)
    choices = choose(passages, is_relevant, top_k)
    places = [choice.place for choice in choices]
    everything = [choice.place for choice in choose(passages, is_relevant, 50)]
    assert len(places) == len(set(places)) == min(top_k, len(everything))
    assert places[:1] == everything[:1] == ([0] if count else [])
    assert choices == choose(passages, is_relevant, top_k)


@given(data=st.data())
def test_no_article_has_four_while_a_relevant_one_waits(data: st.DataObject) -> None:
    """A fourth passage of an article means that no other article's relevant one was left out."""
    count = data.draw(st.integers(1, 14))
    articles = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6))
    is_relevant = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    passages = distinct(count, articles)
    shown = [choice.place for choice in choose(passages, is_relevant, 5)]
    everything = {choice.place for choice in choose(passages, is_relevant, 50)}
    counts = Counter(passages[place].article_id for place in shown)
    crowded = {article for article, number in counts.items() if number > PER_ARTICLE}
    if crowded:
        left_out = [
            place
            for place in everything - set(shown)
            if is_relevant[place] and counts[passages[place].article_id] < PER_ARTICLE
        ]
        assert left_out == []


def shingles(text: str) -> set[str]:
    """Return the runs of letters by which texts are compared, found letter by letter."""
    letters = [
        char
        for char in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(char)[0] in "LN"
    ]
    return {
        "".join(letters[start : start + SHINGLE]) for start in range(len(letters) - SHINGLE + 1)
    }


def retold(texts: Sequence[str]) -> dict[int, list[int]]:
    """Say which texts tell anew, and which later ones repeat each: every pair is compared."""
    known: dict[int, list[int]] = {}
    for place, text in enumerate(texts):
        for earlier, repeated in known.items():
            shorter, longer = sorted((shingles(text), shingles(texts[earlier])), key=len)
            if (
                len(shorter) >= SHORTEST_TO_COMPARE
                and len(longer) <= 2 * len(shorter)
                and len(shorter & longer) >= SAME_STORY * len(shorter)
            ):
                repeated.append(place)
                break
        else:
            known[place] = []
    return known


@st.composite
def tellings(draw: st.DrawFn) -> list[str]:
    """Make a few stories and many retellings: cut, led by another, in capitals, words changed."""
    stories = [*STORIES.values(), OTHER]
    texts = []
    for story in draw(st.lists(st.sampled_from(stories), min_size=1, max_size=10)):
        start = draw(st.integers(0, len(story) // 2))
        end = draw(st.integers(len(story) // 2, len(story)))
        text = (
            draw(st.sampled_from(["", "", *stories]))[: draw(st.integers(0, 60))] + story[start:end]
        )
        for place in draw(st.lists(st.integers(0, len(text)), max_size=4)):
            text = text[:place] + draw(st.sampled_from("xxبทहй界—")) + text[place + 1 :]
        texts.append(text.upper() if draw(st.booleans()) else text)
    return texts


@given(texts=tellings(), top_k=st.integers(1, 12))
@example(texts=["abcdefghij" * 30, "abcdefghij" * 30], top_k=5)
@example(texts=["\ud800".join(OTHER), OTHER], top_k=5)
def test_shortcuts_change_nothing(texts: list[str], top_k: int) -> None:
    """What is shown, and what is named beside it, is as if every pair were compared in full."""
    passages = [passage(text, f"article-{place}") for place, text in enumerate(texts)]
    expected = [
        (place, tuple(f"article-{repeated}" for repeated in later))
        for place, later in retold(texts).items()
    ]
    choices = choose(passages, [True] * len(passages), top_k)
    assert [(choice.place, choice.also_in) for choice in choices] == expected[:top_k]


@pytest.mark.parametrize(("changed", "is_same"), [(20, True), (21, False)])
@pytest.mark.parametrize(
    "alphabet", ["一丁七万丈三上下不与", "กขคงจฉชซญฎ", "अकखगघचछजझट", "ابتثجحخدذر"]
)
def test_four_fifths_in_common_is_the_same_story(
    alphabet: str, changed: int, is_same: bool
) -> None:
    """The share is exact: eighty of a hundred runs of letters are enough, 79 are not."""
    one = "".join(alphabet[step // 10] + alphabet[step % 10] for step in range(52))
    other = one[:-changed] + "".join(chr(ord("a") + step) for step in range(changed))
    assert len(shingles(one)) == len(shingles(other)) == 100
    choices = choose([passage(one, "a"), passage(other, "b")], [True, True], 5)
    assert (len(choices) == 1) is is_same


def test_ranking_is_gone_through_as_far_as_it_may_matter() -> None:
    """A copy some way down is still named, and each one found leads further; then it ends."""
    others = distinct(60, ["a", "b", "c", "d", "e", "f", "g"])
    copy = passage(STORIES["ar"], "copy")
    ranking = [passage(STORIES["ar"], "first"), *others]
    ranking.insert(LOOKED_FURTHER, copy)
    asked_for = 0

    def read() -> Iterator[Passage]:
        nonlocal asked_for
        for item in ranking:
            asked_for += 1
            yield item

    (choice,) = choose(read(), [True] * len(ranking), 1)
    assert (choice.place, choice.passage, choice.also_in) == (0, ranking[0], ("copy",))
    assert asked_for == 1 + LOOKED_FURTHER + LOOKED_FURTHER
