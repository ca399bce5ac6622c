"""How well the index answers questions whose answers are known."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_service.errors import InvalidQuestionError
from qa_service.types import Answer, Evaluation, Question

DEPTH = 10
RECALL_AT = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question, the ids of the articles that answer it, and what the answer may read."""

    question: str
    relevant: tuple[str, ...]
    answers: tuple[str, ...] = ()


def read_questions(path: Path) -> Iterator[KnownQuestion]:
    """Read one question per line of JSON: `question`, `relevant` and, optionally, `answers`.

    Feedback that the chat page collected is read, too; answers that were found wrong are skipped.

    Raises:
        InvalidQuestionError: a line is not such an object; names the file and the line.
    """
    try:
        # Not splitlines: JSON may hold the separators U+0085 and U+2028 as they are.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidQuestionError(
            f"{path} cannot be read ({error}). Name a file with one JSON object per line."
        ) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            known = _parse(path, number, line)
            if known is not None:
                yield known


def evaluate(ask: Callable[[Question], Answer], questions: Iterable[KnownQuestion]) -> Evaluation:
    """Ask every question and compare.

    Raises:
        InvalidQuestionError: there is no question at all.
    """
    ranks: list[int | None] = []
    sentences: list[bool] = []
    answered: list[bool] = []
    refused: list[bool] = []
    elapsed_ms: list[float] = []
    for known in questions:
        started = time.perf_counter()
        answer = ask(Question(known.question, top_k=DEPTH))
        elapsed_ms.append((time.perf_counter() - started) * 1000)
        if not known.relevant:
            refused.append(not answer.is_answered)
            continue
        answered.append(answer.is_answered)
        ranks.append(first_relevant(answer, known.relevant))
        if known.answers:
            sentences.append(holds_answer(answer, known.answers))
    if not elapsed_ms:
        raise InvalidQuestionError(
            'There is no question. Write lines such as {"question": "…", "relevant": ["id"]}.'
        )
    return Evaluation(
        questions=len(elapsed_ms),
        recall={
            depth: _mean([rank is not None and rank <= depth for rank in ranks]) or 0.0
            for depth in RECALL_AT
        },
        mrr=_mean([1 / rank if rank else 0.0 for rank in ranks]) or 0.0,
        sentence_accuracy=_mean(sentences),
        answered=_mean(answered),
        refused=_mean(refused),
        p50_ms=statistics.median(elapsed_ms),
        p95_ms=sorted(elapsed_ms)[int(0.95 * (len(elapsed_ms) - 1))],
    )


def first_relevant(answer: Answer, relevant: Sequence[str]) -> int | None:
    """Return the rank, from 1, of the first of the distinct articles that is relevant."""
    seen: list[str] = []
    for passage in answer.passages:
        ids = {passage.citation.article_id, *passage.also_in}
        if passage.citation.article_id not in seen:
            seen.append(passage.citation.article_id)
        if ids & set(relevant):
            return seen.index(passage.citation.article_id) + 1
    return None


def holds_answer(answer: Answer, answers: Sequence[str]) -> bool:
    """Tell whether the answer sentence holds one of the known answers, whatever its case."""
    if answer.answer is None:
        return False
    text = " ".join(answer.answer.text.casefold().split())
    return any(" ".join(known.casefold().split()) in text for known in answers)


def _parse(path: Path, number: int, line: str) -> KnownQuestion | None:
    where = f"{path}, line {number}"
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise InvalidQuestionError(f"{where} is not JSON ({error}). Mend that line.") from error
    if not isinstance(fields, dict):
        raise InvalidQuestionError(f"{where} is not an object. Write {{…}} on each line.")
    question = fields.get("question")
    relevant = fields.get("relevant", [])
    answers = fields.get("answers") or []
    if not isinstance(question, str) or not question.strip():
        raise InvalidQuestionError(f'{where} has no "question". Give it as text.')
    for name, value in (("relevant", relevant), ("answers", answers)):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidQuestionError(f'{where}: "{name}" must be a list of texts.')
    if fields.get("helpful") is False:
        return None
    return KnownQuestion(question, tuple(relevant), tuple(answers))


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
