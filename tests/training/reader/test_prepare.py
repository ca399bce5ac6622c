"""Records become a corpus: whole answers, no document in two parts, negatives that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reader_questions import record, records, write_questions

from qa_service.encoder.splitters import SentencePieceSplitter
from training.reader.answers import holds_any, normalize
from training.reader.base import BASE, WORDS, read_base
from training.reader.building import CorpusBuilder, token_span
from training.reader.corpus import CORPUS, NEGATIVES, Corpus, read_corpus, text_of
from training.reader.prepare import REPORT
from training.reader.records import Answer, read_records
from training.reader.split import Part


@pytest.fixture
def corpus(prepared: Path) -> Corpus:
    """Read the prepared corpus."""
    return read_corpus(prepared / CORPUS)


def question_number(corpus: Corpus, text: str) -> int:
    """Return the number of a question by its text."""
    return next(n for n in range(len(corpus.questions)) if text_of(corpus.questions, n) == text)


def test_answers_are_the_tokens_that_spell_them(corpus: Corpus) -> None:
    """Every answer that judges is spelt by its tokens' offsets, in each script."""
    expected = {one["q"]: {answer["text"] for answer in one["answers"]} for one in records()}
    judged = np.flatnonzero(corpus.parts != int(Part.TRAIN)).tolist()
    assert len(judged) > 7
    for number in judged:
        passage = int(corpus.passages[number])
        text, offsets = text_of(corpus.passage_texts, passage), corpus.offsets[passage]
        found = {
            text[offsets[start, 0] : offsets[end - 1, 1]].strip()
            for start, end in corpus.spans[number]
        }
        assert found == expected[text_of(corpus.questions, number)]


def test_parts_share_no_document(corpus: Corpus) -> None:
    """Questions of an article are trained on or judged by; a language held out is apart."""
    parts: dict[str, set[int]] = {}
    for number in range(len(corpus.questions)):
        heading = text_of(corpus.headings, int(corpus.passages[number]))
        parts.setdefault(heading, set()).add(int(corpus.parts[number]))
    assert all(len(found) == 1 for found in parts.values())
    assert parts["גשר"] == {int(Part.HELD_OUT)}
    assert parts["Ona Bridge"] == {int(Part.VALIDATION)}
    assert parts["Ada Bridge"] == {int(Part.TRAIN)}


def test_negatives_hold_no_answer_and_stay_in_their_part(corpus: Corpus) -> None:
    """A passage beside which there is no answer spells none, and is not judged by elsewhere."""
    texts = {one["context"] for one in records()}
    by_size = {}
    for number in range(len(corpus.tokens)):
        by_size[number] = next(
            text for text in texts if _ids(corpus, text) == corpus.tokens[number].tolist()
        )
    part_of_passage = {
        int(passage): int(part) for passage, part in zip(corpus.passages, corpus.parts, strict=True)
    }
    answers = {one["q"]: [answer["text"] for answer in one["answers"]] for one in records()}
    found = 0
    for number in range(len(corpus.questions)):
        question = text_of(corpus.questions, number)
        for passage in corpus.negatives[number][corpus.negatives[number] >= 0].tolist():
            found += 1
            assert not holds_any(normalize(by_size[passage]), answers[question])
            assert part_of_passage[passage] == corpus.parts[number]
    assert found > 4


def _ids(corpus: Corpus, text: str) -> list[int]:
    splitter = _ids.splitter  # type: ignore[attr-defined]
    cut = {int(full): number for number, full in enumerate(corpus.vocabulary)}
    return [cut[int(full)] for full in splitter.split([text])[0].ids]


@pytest.fixture(autouse=True)
def _splitter(prepared: Path) -> None:
    _ids.splitter = SentencePieceSplitter(prepared / "unigram.model")  # type: ignore[attr-defined]


def test_neighbour_of_the_same_article(corpus: Corpus) -> None:
    """The other passage about the Ada Bridge stands beside a question about its year."""
    number = question_number(corpus, "When was the Ada Bridge built?")
    other = question_number(corpus, "How much is a ticket for the boats at Ada?")
    kind = NEGATIVES.index("neighbour")
    assert corpus.negatives[number, kind, 0] == corpus.passages[other]


def test_exchanged_questions(corpus: Corpus) -> None:
    """Only answerable questions are turned into such that the passage does not answer."""
    found = [text_of(corpus.exchanged, number) for number in range(len(corpus.questions))]
    assert any(found)
    for number, text in enumerate(found):
        assert not text or len(corpus.spans[number])
        assert text != text_of(corpus.questions, number)


def test_sentences_start_at_tokens(corpus: Corpus) -> None:
    """The first sentence starts with the first token, and others follow in order."""
    for number in range(len(corpus.tokens)):
        starts = corpus.sentences[number]
        assert starts[0] == 0
        assert np.all(np.diff(starts) > 0)
    ada = corpus.passages[question_number(corpus, "When was the Ada Bridge built?")]
    assert len(corpus.sentences[ada]) == 3


def test_words_that_occur(prepared: Path, corpus: Corpus, small_model: Path) -> None:
    """The table has a row for each token that occurs, the model's own, and few others."""
    base = read_base(prepared / BASE)
    assert base.weights[WORDS].shape[0] == len(corpus.vocabulary)
    assert base.configuration["vocab_size"] == len(corpus.vocabulary)
    assert corpus.vocabulary[:4].tolist() == [0, 1, 2, 3]
    assert corpus.tokens.values.max() < len(corpus.vocabulary)
    assert not any(name.startswith("pooler") for name in base.weights)


def test_report(prepared: Path) -> None:
    """The report has licences, and counts by part and language."""
    content = json.loads((prepared / REPORT).read_text("utf-8"))
    assert content["held_out"] == ["he"]
    source = content["sources"]["made-up"]
    assert source["licence"] == "CC0"
    counts = source["questions, unanswerable"]
    assert counts["held_out"] == {"he": [1, 0]}
    assert counts["train"]["en"] == [4, 1]
    assert counts["validation"]["ar-en"] == [1, 0]


def test_titles_of_nomiracl_are_headings(small_model: Path, tmp_path: Path) -> None:
    """A title and colon before passages that never answer would tell that they do not."""
    one = record("Who?", "Ada Bridge: It was built.", [], "en", "12#3")
    one["source"] = "nomiracl-nonrel"
    builder = CorpusBuilder(small_model / "unigram.model", 0.0, ())
    for found in read_records(write_questions(tmp_path, [one])):
        builder.add(found)
    corpus = builder.build(lambda _: None)
    assert text_of(corpus.headings, 0) == "Ada Bridge"
    assert len(corpus.tokens[0]) < len("Ada Bridge: It was built.")


def test_token_span() -> None:
    """A token that takes in the space before a word belongs to the word."""
    offsets = np.array([[0, 0], [0, 3], [3, 7], [7, 8], [8, 12]], dtype=np.int32)
    assert token_span(offsets, Answer(4, 7)) == (2, 3)
    assert token_span(offsets, Answer(0, 3)) == (1, 2)
    assert token_span(offsets, Answer(9, 12)) == (4, 5)
    assert token_span(offsets, Answer(2, 9)) == (1, 5)
    assert token_span(offsets, Answer(12, 14)) is None
