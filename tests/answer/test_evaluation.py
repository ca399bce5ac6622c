"""How well questions with known answers fare, on answers made for the purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from qa_service.answer.evaluation import (
    DEPTH,
    KnownQuestion,
    evaluate,
    first_relevant,
    holds_answer,
    read_questions,
)
from qa_service.errors import InvalidQuestionError
from qa_service.types import Answer, AnswerText, Citation, CitedPassage, IndexState, Question, Span


def answer_of(
    articles: list[str],
    text: str | None = None,
    also_in: Mapping[str, tuple[str, ...]] | None = None,
) -> Answer:
    """Return an answer that shows passages of these articles, answered with `text` if given."""
    passages = tuple(
        CitedPassage(
            rank=rank,
            score=0.5,
            text="…",
            language="und",
            highlights=(),
            citation=Citation(f"{rank}", article, "", None, None, None, 0, 1),
            also_in=(also_in or {}).get(article, ()),
        )
        for rank, article in enumerate(articles, start=1)
    )
    return Answer(
        question="?",
        searched_for="?",
        language="und",
        is_answered=text is not None,
        confidence=0.5,
        answer=None if text is None else AnswerText(text, "und", 1, Span(0, 1)),
        passages=passages,
        index=IndexState("g", 1, 1),
        timings_ms={},
    )


def test_rank_counts_distinct_articles() -> None:
    """Three passages of one article are one step; an article that tells the same counts, too."""
    answer = answer_of(["a", "a", "b", "a", "c"], also_in={"c": ("copy",)})
    assert first_relevant(answer, ["a"]) == 1
    assert first_relevant(answer, ["b"]) == 2
    assert first_relevant(answer, ["copy"]) == 3
    assert first_relevant(answer, ["c", "b"]) == 2
    assert first_relevant(answer, ["x"]) is None
    assert first_relevant(answer_of([]), ["a"]) is None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("أقامت روسيا 25 نقطة\nمراقبة.", "25 نقطة مراقبة"),
        ("明长城全长8851.8公里。", "8851.8公里"),
        ("คนไทยกินปลาทู", "ปลาทู"),
        ("पत्तियों में क्लोरोफ़िल", "क्लोरोफ़िल"),
        ("The SUEZ Canal قناة", "suez canal قناة"),
        ("Die STRASSE", "straße"),
    ],
)
def test_answer_is_held_whatever_case_and_spacing(text: str, known: str) -> None:
    """Case and line breaks do not hide an answer; another text is none."""
    assert holds_answer(answer_of(["a"], text), ["x y z", known])
    assert not holds_answer(answer_of(["a"], text), ["x y z"])
    assert not holds_answer(answer_of(["a"]), [known])


def test_means_are_those_of_the_questions() -> None:
    """Recall, rank, sentences, answers and refusals are each counted over their own questions."""
    answers = {
        "first": answer_of(["a", "b"], "the answer is here"),
        "third": answer_of(["x", "y", "a"], "something else"),
        "lost": answer_of(["x"]),
        "refuse": answer_of(["x"]),
        "made up": answer_of(["x"], "nonsense"),
    }
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answers[question.text]

    found = evaluate(
        ask,
        [
            KnownQuestion("first", ("a",), ("Answer",)),
            KnownQuestion("third", ("a",), ("answer",)),
            KnownQuestion("lost", ("a",)),
            KnownQuestion("refuse", ()),
            KnownQuestion("made up", ()),
        ],
    )
    assert {question.top_k for question in asked} == {DEPTH}
    assert found.questions == 5
    assert found.recall == pytest.approx({1: 1 / 3, 5: 2 / 3, 10: 2 / 3})
    assert found.mrr == pytest.approx((1 + 1 / 3) / 3)
    assert found.sentence_accuracy == pytest.approx(1 / 2)
    assert found.answered == pytest.approx(2 / 3)
    assert found.refused == pytest.approx(1 / 2)
    assert 0 <= found.p50_ms <= found.p95_ms


def test_what_no_question_tells_is_left_open() -> None:
    """Without known answers, or without questions to refuse, those shares are None."""
    found = evaluate(lambda _: answer_of(["a"], "t"), [KnownQuestion("?", ("a",))])
    assert (found.sentence_accuracy, found.refused, found.answered) == (None, None, 1.0)
    found = evaluate(lambda _: answer_of([]), [KnownQuestion("?", ())])
    assert (found.answered, found.refused, found.mrr) == (None, 1.0, 0.0)


def test_no_question_at_all_is_an_error() -> None:
    """An empty file is a mistake that is said, not a perfect score."""
    with pytest.raises(InvalidQuestionError, match="no question"):
        evaluate(lambda _: answer_of([]), [])


def test_questions_are_read_in_any_script(tmp_path: Path) -> None:
    """Each line is a question; empty lines and feedback that was found wrong are skipped."""
    lines: list[dict[str, object]] = [
        {"question": "متى؟", "relevant": ["ar.txt"], "answers": ["1869"]},
        {"question": "长城", "relevant": []},
        {"question": "ที่ไหน"},
        {"question": "कहाँ?", "relevant": ["hi"], "answers": None, "helpful": True},
        {"question": "wrong", "relevant": ["x"], "helpful": False},
    ]
    file = tmp_path / "أسئلة.jsonl"
    file.write_text(
        "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8"
    )
    assert list(read_questions(file)) == [
        KnownQuestion("متى؟", ("ar.txt",), ("1869",)),
        KnownQuestion("长城", ()),
        KnownQuestion("ที่ไหน", ()),
        KnownQuestion("कहाँ?", ("hi",)),
    ]


def test_separators_within_a_text_do_not_end_a_line(tmp_path: Path) -> None:
    """Only line feeds part questions: U+2028 and U+0085 may stand inside one."""
    file = tmp_path / "q.jsonl"
    question = "سؤال\u2028طويل\u0085جدا"
    file.write_text(
        json.dumps({"question": question, "relevant": ["a"]}, ensure_ascii=False) + "\r\n",
        encoding="utf-8",
    )
    assert [known.question for known in read_questions(file)] == [question]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\n{", "line 2"),
        (b"[]", "line 1"),
        (b'{"question": "  "}', "question"),
        (b'{"question": 5}', "question"),
        (b'{"question": "x", "relevant": [1]}', "relevant"),
        (b'{"question": "x", "answers": "y"}', "answers"),
        (b"\xff", "cannot be read"),
    ],
)
def test_line_that_is_no_question_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    """The message names the file, the line and the field."""
    file = tmp_path / "q.jsonl"
    file.write_bytes(content)
    with pytest.raises(InvalidQuestionError, match=told) as caught:
        list(read_questions(file))
    assert str(file) in str(caught.value)
