"""Documents → passages, questions and batches."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from training_documents import ARABIC, CHINESE, ENGLISH, document, unit

from training.adapter.batches import BatchMaker, BatchPlan
from training.adapter.configuration import DEFAULT, SuitePlan, load_configuration
from training.adapter.documents import CorpusFile, Document, Kind, Part, Unit, write_corpus
from training.adapter.languages import LANGUAGES
from training.adapter.passages import (
    Example,
    QuestionStyle,
    clip,
    divide_passages,
    make_example,
    tokens_of,
)
from training.adapter.sources import SOURCES
from training.adapter.split import KEPT_FOR_VALIDATION
from training.adapter.validation import judged_passages


def test_tokens_of() -> None:
    """Chinese and Thai characters count for more than letters."""
    assert tokens_of("word" * 10) == 10
    assert tokens_of("文件" * 10) > 10
    assert tokens_of("ไฟล์" * 10) > 20


def test_passages_keep_to_sections() -> None:
    """A passage ends where its section does, and knows the heading before it."""
    found = list(divide_passages(document(), ["en", "ar"], 40))
    assert [passage.units for passage in found] == [(2, 3), (5, 6), (8, 9)]
    assert [passage.heading["ar"][:5] for passage in found] == ["عنوان"] * 3
    assert [passage.is_first for passage in found] == [True, False, False]
    assert len({passage.section for passage in found}) == 3


def test_long_passages_go_on() -> None:
    """Short sections are put together, their headings between them, up to the length wanted."""
    (found,) = divide_passages(document(), ["en"], 1000)
    assert found.units == (2, 3, 4, 5, 6, 7, 8, 9)
    assert found.heading["en"].startswith("Heading")


def test_short_passages_divide_sections() -> None:
    """What follows in a section that was divided has no heading of its own, but its section."""
    found = list(divide_passages(document(sections=1, paragraphs=3), ["en"], 5))
    assert [passage.units for passage in found] == [(2,), (3,), (4,)]
    assert [bool(passage.heading) for passage in found] == [True, False, False]
    assert len({passage.section for passage in found}) == 1


def test_passages_have_what_languages_share() -> None:
    """A paragraph that one of the languages lacks is in no passage for both."""
    units = (unit(Kind.TEXT, 1), unit(Kind.TEXT, 2, without="ar"), unit(Kind.TEXT, 3))
    (found,) = divide_passages(Document("s", "d", units), ["ar", "en"], 1000)
    assert found.units == (0, 2)
    assert list(divide_passages(Document("s", "d", units), ["th"], 1000)) == []


HEADINGS = QuestionStyle(heading=1, title=0, sentence=0)
TITLES = QuestionStyle(heading=0, title=1, sentence=0)
TAKEN_OUT = QuestionStyle(heading=0, title=0, sentence=1, taken_out=1, clipped=0)
LEFT_IN = QuestionStyle(heading=0, title=0, sentence=1, taken_out=0, clipped=0)


def example(style: QuestionStyle, asker: str = "ar", other: str = "zh", seed: int = 0) -> Example:
    """Make an example from the first passage of a document."""
    text = document()
    passage = next(divide_passages(text, [asker, other], 40))
    found = make_example(text, passage, asker, other, style, random.Random(seed))
    assert found is not None
    return found


def test_headings_ask() -> None:
    """A heading that is short is asked with its page's title."""
    found = example(HEADINGS)
    assert found.kind is Kind.HEADING
    assert found.question.count("عنوان") == 2
    assert "الملف" in found.own
    assert "文件" in found.other


def test_titles_ask() -> None:
    """A page's title asks for its first passage."""
    assert example(TITLES).question == document().units[0].texts["ar"]


@pytest.mark.parametrize("asker", ["ar", "en", "zh"])
def test_sentences_are_taken_out(asker: str) -> None:
    """A sentence that is asked is in neither version of the passage, and only that is missing."""
    for seed in range(5):
        for other in ("ar", "en", "zh"):
            found = example(TAKEN_OUT, asker, other, seed)
            whole = example(LEFT_IN, asker, other, seed)
            assert found.question not in found.own
            assert found.question in whole.own
            assert len(whole.own) - len(found.own) <= len(found.question) + 1
            assert len(found.other) < len(whole.other)


def test_translated_questions() -> None:
    """The other language's heading, title or sentence comes along with a question."""
    heading = example(HEADINGS)
    assert heading.translation.count("标题") == heading.question.count("عنوان") == 2
    assert example(TITLES).translation == document().units[0].texts["zh"]
    for seed in range(5):
        asked = example(LEFT_IN, "ar", "zh", seed)
        back = example(LEFT_IN, "zh", "ar", seed)
        assert asked.translation in asked.other
        assert (asked.question, asked.translation) == (back.translation, back.question)


def test_unknown_translations() -> None:
    """Parts of sentences, and questions for passages in the same language, come without one."""
    clipped = QuestionStyle(heading=0, title=0, sentence=1, taken_out=0, clipped=1)
    assert not any(example(clipped, seed=seed).translation for seed in range(5))
    assert not example(HEADINGS, "ar", "ar").translation


def test_nothing_to_ask() -> None:
    """A passage without heading, title or sentence gives no example."""
    text = Document("s", "d", (Unit(Kind.TEXT, {"en": "Yes.", "zh": "是。"}),))
    (passage,) = divide_passages(text, ["en", "zh"], 40)
    assert make_example(text, passage, "en", "zh", TAKEN_OUT, random.Random(1)) is None


@pytest.mark.parametrize("sentence", [ENGLISH, ARABIC, CHINESE, "ไฟล์นี้ถูกเปิดก่อนไฟล์อื่นทั้งหมด"])
def test_clip(sentence: str) -> None:
    """A part of a sentence stands in it as it is, and is shorter."""
    for seed in range(20):
        part = clip(sentence, random.Random(seed))
        assert part in sentence
        assert 3 <= len(part) < len(sentence)


@pytest.mark.parametrize("sentence", ["", "是", "是。", "Yes.", "a b c", "نعم"])
def test_clip_leaves_short_ones(sentence: str) -> None:
    """What is too short to be divided stays whole."""
    assert clip(sentence, random.Random(1)) == sentence


def test_who_may_answer() -> None:
    """A title is answered by its page, a heading by its section, a sentence by itself alone."""
    first = Example("q", "a", "b", Kind.TITLE, "d", "d/1")
    same_page = Example("q", "x", "y", Kind.TEXT, "d", "d/2")
    same_text = Example("q", "a", "z", Kind.TEXT, "e", "e/1")
    assert first.may_answer(same_page)
    assert not same_page.may_answer(first)
    assert same_text.may_answer(first)
    heading = Example("q", "m", "n", Kind.HEADING, "d", "d/2")
    assert heading.may_answer(same_page)
    assert not heading.may_answer(first)


@pytest.fixture
def corpus(tmp_path: Path) -> CorpusFile:
    """Give a corpus of many documents, some for validation."""
    documents = [
        (document(f"d{number}"), Part.VALIDATION if number % 5 == 0 else Part.TRAIN)
        for number in range(20)
    ]
    write_corpus(tmp_path / "corpus.jsonl", documents)
    return CorpusFile(tmp_path / "corpus.jsonl")


PLAN = BatchPlan({"s": 1.0}, lengths=((40, 1.0),), tokens=400, most=12, least=4)


def test_batches_repeat(corpus: CorpusFile) -> None:
    """A batch follows from seed and step, whatever was drawn before."""
    maker, other = (BatchMaker(corpus, PLAN, Part.TRAIN, 3) for _ in range(2))
    drawn = [maker.draw(step) for step in range(10)]
    assert [other.draw(step) for step in (7, 3)] == [drawn[7], drawn[3]]
    assert BatchMaker(corpus, PLAN, Part.TRAIN, 4).draw(0) != drawn[0]
    assert len({batch.asker for batch in drawn}) > 1


def test_batches_have_neighbours(corpus: CorpusFile) -> None:
    """Passages of one document stand together; no passage or question comes twice."""
    maker = BatchMaker(corpus, PLAN, Part.TRAIN, 3)
    for step in range(10):
        batch = maker.draw(step)
        pages = [example.document for example in batch.examples]
        assert 4 <= len(pages) <= 12
        assert 1 < max(pages.count(page) for page in pages) <= 4
        assert len({example.question for example in batch.examples}) == len(pages)
        assert not batch.negatives().diagonal().any()


def test_batches_keep_out(corpus: CorpusFile) -> None:
    """Languages held out, and documents of the other part, are in no batch."""
    plan = BatchPlan({"s": 1.0}, ((40, 1.0),), 400, 12, 4, held_out=("ar",))
    maker = BatchMaker(corpus, plan, Part.TRAIN, 1)
    assert maker.languages == ["en", "zh"]
    judged = {f"s/d{number}" for number in range(0, 20, 5)}
    for step in range(20):
        batch = maker.draw(step)
        assert "ar" not in (batch.asker, batch.other)
        assert judged.isdisjoint(example.document for example in batch.examples)


def test_emphasis(corpus: CorpusFile) -> None:
    """A language with more emphasis is asked in more often."""
    plan = BatchPlan({"s": 1.0}, ((40, 1.0),), 400, 12, 4, emphasis={"ar": 20.0})
    maker = BatchMaker(corpus, plan, Part.TRAIN, 1)
    askers = [maker.draw(step).asker for step in range(20)]
    assert askers.count("ar") > 10


def test_no_batches(corpus: CorpusFile) -> None:
    """A plan that the corpus cannot meet says so."""
    plan = BatchPlan({"s": 1.0}, ((40, 1.0),), 400, 600, 500)
    with pytest.raises(ValueError, match="500 examples"):
        BatchMaker(corpus, plan, Part.TRAIN, 1).draw(0)


def test_judged_by_headings() -> None:
    """A heading asks for the passage that stands under it, in all languages."""
    plan = SuitePlan(("en", "ar"), ("s",), 10, 10, 60, "headings")
    found = judged_passages(document(sections=4, paragraphs=3), "zh", plan)
    assert len(found) == 4
    for judged in found:
        assert set(judged.question) == {"ar", "en", "zh"}
        assert "标题" in judged.question["zh"]
        assert judged.passage.count("首先") == 3


def test_judged_by_sentences() -> None:
    """A part of a sentence asks for the passage that holds it; paragraphs that lack are skipped."""
    plan = SuitePlan(("en", "ar"), ("s",), 10, 10, 60, "sentences")
    found = judged_passages(document(sections=4, paragraphs=3), "zh", plan)
    assert len(found) == 4
    for judged in found:
        assert set(judged.question) == {"ar", "en", "zh"}
        assert judged.question["zh"] in judged.passage
        assert len(judged.question["zh"]) < 14


def test_default_configuration() -> None:
    """The defaults name sources and languages that there are, and none kept for validation."""
    found = load_configuration(DEFAULT)
    assert set(found.batches.sources) == SOURCES.keys() - KEPT_FOR_VALIDATION
    assert set(found.batches.held_out) <= LANGUAGES
    for suite in found.validation.values():
        assert set(suite.sources) <= SOURCES.keys()
        assert set(suite.languages) <= LANGUAGES


def test_configuration_changes(tmp_path: Path) -> None:
    """A file and lines change single values; what is unknown is named."""
    path = tmp_path / "run.toml"
    path.write_text("[model]\nrank = 32\n[batches]\nlengths = [[48, 1.0]]\n")
    found = load_configuration(path, ["loss.anchor=0.0", 'batches.held_out=["th"]'])
    assert (found.model.rank, found.batches.lengths) == (32, ((48, 1.0),))
    assert (found.loss.anchor, found.batches.held_out) == (0.0, ("th",))
    with pytest.raises(ValueError, match="depth is unknown"):
        load_configuration(DEFAULT, ["model.depth=3"])
