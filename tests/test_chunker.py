"""Passages: exact slices, nothing lost, caps kept, paragraphs whole, ids that last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import user_cache_path
from tokenizers import Tokenizer

from qa_service.chunker import CHUNKER_VERSION, passage_id, stream_passages
from qa_service.types import Article, Passage

ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(' \n\n\r\t.!?؟。।،"«»()0٣abZбहि的กัあ한\u0301\u200d👩🏽🇫'),
    ),
    max_size=400,
)

SENTENCES = {
    "ar": "أعلنت الحكومة في العاصمة أن الهدنة الإنسانية بين الطرفين بدأت منتصف ليل السبت.",
    "zh": "政府周六在首都宣布，双方之间的人道主义停火已于午夜开始生效并将持续到下周末。",
    "th": "รัฐบาลประกาศเมื่อวันเสาร์ว่าการหยุดยิงเพื่อมนุษยธรรมระหว่างสองฝ่ายเริ่มมีผลบังคับใช้ตั้งแต่เที่ยงคืน",
    "hi": "सरकार ने शनिवार को राजधानी में घोषणा की कि दोनों पक्षों के बीच युद्धविराम शुरू हो गया है।",
    "mixed": "The ceasefire الهدنة, agreed in Москва on शनिवार, began at 午夜 for both sides.",
}


def passages_of(*args: object, **options: object) -> tuple[Passage, ...]:
    """Cut an article, all of it at once."""
    return tuple(stream_passages(*args, **options))  # type: ignore[arg-type]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count about as a subword tokenizer does: four characters of a word, or one ideograph."""
    return [
        sum(
            1 if "\u2e80" <= word[0] <= "\u9fff" else -(-len(word) // 4)
            for word in re.findall(r"[\u2e80-\u9fff]|[^\s\u2e80-\u9fff]+", text)
        )
        for text in texts
    ]


def count_characters(texts: Sequence[str]) -> list[int]:
    """Count every character, white space too, so that a whole exceeds the sum of its parts."""
    return list(map(len, texts))


def article(text: str, language: str = "und", name: str = "a.txt") -> Article:
    """Make an article of a text."""
    return Article(id=name, title="", text=text, language=language)


def sizes(passages: Sequence[Passage]) -> list[int]:
    """Count the tokens of each passage."""
    return count_tokens([passage.text for passage in passages])


def paragraph(language: str, tokens: int) -> str:
    """Repeat a sentence to a paragraph of about this size."""
    joint = "" if language == "zh" else " "
    one = SENTENCES[language]
    return joint.join([one] * max(1, round(tokens / count_tokens([one])[0])))


def check_invariants(
    source: Article, passages: Sequence[Passage], counter: object, max_tokens: int
) -> None:
    """Slices are exact, sentences tile passages, nothing is lost, ids are unique."""
    covered = [False] * len(source.text)
    for passage in passages:
        assert passage.text == source.text[passage.start : passage.end] != ""
        assert passage.sentences[0].start == passage.start
        assert passage.sentences[-1].end == passage.end
        end = passage.start
        for sentence in passage.sentences:
            assert sentence.start >= end
            assert source.text[end : sentence.start].strip() == ""
            end = sentence.end
        assert callable(counter)
        assert counter([passage.text])[0] <= max_tokens or len(passage.text) == 1
        covered[passage.start : passage.end] = [True] * (passage.end - passage.start)
    assert all(seen or char.isspace() for seen, char in zip(covered, source.text, strict=True))
    assert len({passage.id for passage in passages}) == len(passages)
    assert [p.start for p in passages] == sorted(p.start for p in passages)


@settings(max_examples=200, deadline=None)
@given(
    text=ANY_TEXT,
    repeat=st.integers(1, 6),
    counter=st.sampled_from([count_tokens, count_characters]),
)
def test_any_text_is_covered_by_exact_slices(text: str, repeat: int, counter: object) -> None:
    """Passages are slices, hold the whole text, stay under the cap and are repeatable."""
    source = article(text * repeat)
    limits = {"min_tokens": 12, "target_tokens": 18, "max_tokens": 25}
    passages = passages_of(source, counter, **limits)
    check_invariants(source, passages, counter, 25)
    assert passages_of(source, counter, **limits) == passages  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a\n",
        "字",
        "ไทย",
        "👩🏽‍🚀",
        "e\u0301",
        "\u0301",
        "كلمة. ",
        "x\r\n\r\n",
        "हि ",
        "\u200b\n",
        "(",
    ],
)
def test_pathological_text_is_cut_under_the_cap(unit: str) -> None:
    """A megabyte-like text without spaces, of marks, emoji or empty lines keeps every promise."""
    source = article(unit * (60_000 // len(unit)))
    passages = passages_of(source, count_tokens)
    check_invariants(source, passages, count_tokens, 256)
    assert min(sizes(passages)[:-1], default=0) >= 40 or unit == "\u0301"


@pytest.mark.parametrize("language", SENTENCES)
def test_passages_have_the_wanted_size(language: str) -> None:
    """A long text without paragraphs is cut into passages of 90 to 210 tokens."""
    passages = passages_of(article(paragraph(language, 2000), language), count_tokens)
    assert len(passages) > 8
    assert all(90 <= size <= 210 for size in sizes(passages))


@pytest.mark.parametrize("language", SENTENCES)
def test_paragraphs_that_fit_stay_whole(language: str) -> None:
    """Paragraphs of 110 to 240 tokens are the passages, one each."""
    paragraphs = [paragraph(language, size) for size in (120, 230, 150, 180, 240)]
    passages = passages_of(article("\n\n".join(paragraphs), language), count_tokens)
    assert [passage.text for passage in passages] == paragraphs


def test_a_paragraph_that_stands_alone_is_not_halved() -> None:
    """An article of one paragraph of 240 tokens is one passage, not two of 120."""
    assert len(passages_of(article(paragraph("ar", 240), "ar"), count_tokens)) == 1


@pytest.mark.parametrize("language", SENTENCES)
def test_a_short_article_is_one_passage(language: str) -> None:
    """Small paragraphs share a passage."""
    text = "\n\n".join([SENTENCES[language]] * 4)
    assert [p.text for p in passages_of(article(text, language), count_tokens)] == [text]


def test_no_stub_is_left_at_the_end() -> None:
    """A short last paragraph joins its neighbour, or the neighbour gives it sentences."""
    for size in (120, 180, 220, 245):
        text = f"{paragraph('ar', size)}\n\n{SENTENCES['ar']}"
        assert min(sizes(passages_of(article(text, "ar"), count_tokens))) >= 90


def test_a_cut_paragraph_repeats_one_sentence() -> None:
    """Where a paragraph is cut, the next passage begins with the sentence before the cut."""
    sentences = [f"{number}. {SENTENCES['ar']}".replace(". ", " ", 1) for number in range(40)]
    passages = passages_of(article(" ".join(sentences), "ar"), count_tokens)
    assert len(passages) > 2
    for before, after in pairwise(passages):
        assert after.sentences[0] == before.sentences[-1]


def test_nothing_is_repeated_across_paragraphs() -> None:
    """Passages that begin with a paragraph repeat nothing."""
    text = "\n\n".join(paragraph("hi", 150) for _ in range(3))
    passages = passages_of(article(text, "hi"), count_tokens)
    assert all(a.end < b.start for a, b in pairwise(passages))


def test_a_long_sentence_is_not_repeated() -> None:
    """Overlap is bounded: a sentence of a quarter passage or more is not said twice."""
    long_one = SENTENCES["ar"].rstrip(".") * 4 + "."
    passages = passages_of(article(" ".join([long_one] * 12), "ar"), count_tokens)
    assert all(a.end < b.start for a, b in pairwise(passages))


@pytest.mark.parametrize(
    "heading", ["إعادة ترتيب المساعدات", "重新安排援助", "सहायता की नई व्यवस्था"]
)
def test_a_heading_stays_with_what_follows(heading: str) -> None:
    """A heading begins its passage instead of closing the one before."""
    text = f"{paragraph('ar', 170)}\n\n{heading}\n\n{paragraph('ar', 170)}"
    passages = passages_of(article(text, "ar"), count_tokens)
    assert [passage.text.startswith(heading) for passage in passages] == [False, True]


def test_single_line_breaks_are_paragraphs_when_no_line_is_blank() -> None:
    """Text taken from web pages has one paragraph a line."""
    paragraphs = [paragraph("ar", 150) for _ in range(3)]
    passages = passages_of(article("\r\n".join(paragraphs), "ar"), count_tokens)
    assert [passage.text for passage in passages] == paragraphs


def test_ids_survive_edits_elsewhere() -> None:
    """A new first paragraph leaves the ids of the other passages as they were."""
    paragraphs = [f"{number} {paragraph('ar', 150)}" for number in range(4)]
    before = passages_of(article("\n\n".join(paragraphs), "ar"), count_tokens)
    edited = "\n\n".join([paragraph("hi", 160), *paragraphs])
    after = passages_of(article(edited, "ar"), count_tokens)
    assert [p.id for p in after[1:]] == [p.id for p in before]


def test_ids_tell_articles_and_repetitions_apart() -> None:
    """The same text in another article, or a second time in one, has another id."""
    text = paragraph("zh", 150)
    twice = passages_of(article(f"{text}\n\n{text}", "zh"), count_tokens)
    other = passages_of(article(text, "zh", "b.txt"), count_tokens)
    assert len({*(p.id for p in twice), *(p.id for p in other)}) == 3
    assert twice[0].id == passage_id("a.txt", text, 0)
    assert re.fullmatch("[0-9a-f]{16}", twice[0].id)


def test_language_is_asked_only_of_passages_in_another_script() -> None:
    """The detector sees the Arabic passage of a Chinese article and nothing else."""
    asked: list[str] = []

    def detect(text: str) -> str:
        asked.append(text)
        return "ar"

    text = "\n\n".join([paragraph("zh", 200), paragraph("ar", 200), paragraph("zh", 200), "نعم"])
    passages = passages_of(article(text, "zh"), count_tokens, detect=detect)
    assert [passage.language for passage in passages] == ["zh", "ar", "zh"]
    assert asked == [passages[1].text]


def test_tokens_are_counted_in_two_batches() -> None:
    """One call sizes all sentences and one checks all passages."""
    calls: list[int] = []

    def counter(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return count_tokens(texts)

    passages_of(article("\n\n".join(paragraph("ar", 150) for _ in range(9)), "ar"), counter)
    assert len(calls) == 2


def test_an_article_without_text_has_no_passages() -> None:
    """White space alone gives nothing, and the counter is not called."""
    assert passages_of(article(" \r\n\t\u3000"), lambda texts: pytest.fail("called")) == ()


def test_limits_out_of_order_are_refused() -> None:
    """A cap below the target is a programming error that is named."""
    with pytest.raises(ValueError, match="in this order"):
        passages_of(article("x"), count_tokens, max_tokens=100)


def test_the_real_tokenizer_agrees() -> None:
    """With the embedded model's tokenizer, passages of ordinary text keep the same promises."""
    file = user_cache_path("qa-service") / "models" / "multilingual-e5-small" / "tokenizer.json"
    if not file.exists():
        pytest.skip("the model has not been unpacked on this machine")
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def counter(texts: Sequence[str]) -> list[int]:
        return [len(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]

    text = "\n\n".join(paragraph(language, 400) for language in SENTENCES)
    source = article(text)
    passages = passages_of(source, counter)
    check_invariants(source, passages, counter, 256)
    assert all(60 <= size <= 256 for size in counter([passage.text for passage in passages]))


def test_the_version_is_part_of_the_contract() -> None:
    """The version is a non-empty string, written into the index manifest."""
    assert CHUNKER_VERSION


@pytest.mark.parametrize("line", ["كلمة وأخرى. ", "第一句话。", "คำหนึ่งคำ", "वाक्य पूरा है। ", "a\n"])
def test_long_articles_are_cut_section_by_section(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Every letter lies in a passage; the first passages come before the last are thought of."""
    monkeypatch.setattr("qa_service.chunker._SECTION_CHARS", 1000)
    source = article(line * 700, "th")
    seen: list[int] = []

    def counter(texts: Sequence[str]) -> list[int]:
        seen.append(sum(map(len, texts)))
        return count_tokens(texts)

    passages = stream_passages(source, counter)
    first = next(passages)
    assert max(seen) <= 1100
    ends = first.end
    for passage in passages:
        assert not source.text[ends : passage.start].strip()
        assert passage.text == source.text[passage.start : passage.end]
        ends = passage.end
    assert not source.text[ends:].strip()
