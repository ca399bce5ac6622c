"""Questions with their articles as a folder holds them: what was asked, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_service.answer.evaluation import holds_answer
from qa_service.types import Answer, Question

ARTICLES = "articles"
QUESTIONS = "questions.jsonl"


@dataclass(frozen=True, slots=True)
class Case:
    """A question as a person puts it; `answers` are strings of which one must be quoted."""

    question: str
    kind: str
    language: str
    history: tuple[str, ...]
    answers: tuple[str, ...]
    relevant: tuple[str, ...]
    is_answerable: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case.

    `is_right` says that the quoted sentence holds an answer, `is_found` that the first passage is
    of a relevant article.
    """

    case: Case
    is_answered: bool
    is_right: bool
    is_found: bool
    confidence: float
    elapsed_ms: float


def read_cases(folder: Path) -> Iterator[Case]:
    """Read the questions of a folder, in order. KeyError for a line that lacks a field."""
    for line in (folder / QUESTIONS).read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        yield Case(
            question=fields["question"],
            kind=fields["kind"],
            language=fields["lang"],
            history=tuple(fields.get("history", ())),
            answers=tuple(fields["answers"]),
            relevant=tuple(fields["relevant"]),
            is_answerable=fields["answerable"],
        )


def outcomes(ask: Callable[[Question], Answer], cases: Sequence[Case]) -> Iterator[Outcome]:
    """Ask each question and tell what became of it, in order."""
    for case in cases:
        answer = ask(Question(case.question, history=case.history))
        first = next(iter(answer.passages), None)
        articles = set() if first is None else {first.citation.article_id, *first.also_in}
        yield Outcome(
            case=case,
            is_answered=answer.is_answered,
            is_right=answer.is_answered and holds_answer(answer, case.answers),
            is_found=bool(articles & set(case.relevant)),
            confidence=answer.confidence,
            elapsed_ms=answer.timings_ms["total"],
        )
