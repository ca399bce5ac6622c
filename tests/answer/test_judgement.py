"""Whether a question is answered: decided once, by the probabilities of the best passages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qa_service.answer import answerability
from qa_service.answer.judgement import LOOKED_AT, Judgement, judge
from qa_service.indexes.protocols import Candidates
from qa_service.retrieval.late_interaction import Alignment
from qa_service.retrieval.retriever import RankedPassage, Retrieval

NOTHING = Candidates(np.empty(0, np.int64), np.empty(0, np.float32))
# Three tokens of an earlier question, which the passages match, and two of the question's own.
WEIGHTS = np.array([0.2, 0.3, 0.1, 0.1, 0.3], dtype=np.float32)


def retrieval_of(languages: Sequence[str], max_sim: float = 0.5) -> Retrieval:
    """Return a ranking of passages in these languages."""
    similarities = np.array([[0.9, 0.9, 0.9, 0.05, 0.05]], dtype=np.float32)
    alignment = Alignment(similarities, np.array([[0, 4]], dtype=np.uint16), WEIGHTS)
    return Retrieval(
        text="?",
        dense=NOTHING,
        lexical=NOTHING,
        merged=np.arange(len(languages)),
        ranked=tuple(
            RankedPassage(
                key=key,
                language=language,
                score=1.0,
                max_sim=max_sim,
                idf_max_sim=max_sim,
                lexical=0.4,
                alignment=alignment,
            )
            for key, language in enumerate(languages)
        ),
        background_max_sim=0.2,
    )


def judgement_of(*probabilities: float) -> Judgement:
    """Return a judgement of passages this likely to answer."""
    return Judgement(retrieval_of(()), (), probabilities)


@pytest.mark.parametrize(
    ("probabilities", "is_answered", "is_relevant"),
    [
        ((), False, ()),
        ((0.49, 0.2), False, (False, False)),
        ((0.5,), True, (True,)),
        ((0.1, 0.2, 0.6, 0.1), True, (False, False, True, False)),
        ((0.1, 0.2, 0.3, 0.9), False, (False, False, False, True)),
    ],
)
def test_the_first_three_decide(
    probabilities: tuple[float, ...], is_answered: bool, is_relevant: tuple[bool, ...]
) -> None:
    """One of them must answer; what stands below may be relevant, and decides nothing."""
    judged = judgement_of(*probabilities)
    assert judged.is_answered is is_answered
    assert judged.is_relevant == is_relevant
    assert judged.confidence == max(probabilities[:3], default=0.0)


def test_there_is_one_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set elsewhere, it moves what is answered and what is relevant alike."""
    monkeypatch.setattr(answerability, "ANSWERED_FROM", 0.7)
    judged = judgement_of(0.69, 0.7)
    assert judged.is_relevant == (False, True)
    assert judged.is_answered
    assert not judgement_of(0.69).is_answered


def test_languages_are_those_of_the_ranking() -> None:
    """Passages in the question's language are judged as such, in any order of languages."""
    own, foreign = (
        answerability.probability(
            answerability.Features(0.5, 0.2, 1 / float(np.square(WEIGHTS).sum()), 0.4),
            is_foreign=is_foreign,
        )
        for is_foreign in (False, True)
    )
    judged = judge(retrieval_of(["th", "ar", "zh", "ar"]), "ar")
    assert judged.probabilities == pytest.approx((foreign, own, foreign, own))
    assert judge(retrieval_of(["und"]), "und").probabilities == pytest.approx((own,))


def test_only_so_many_are_judged() -> None:
    """The rest of a long ranking is never shown."""
    judged = judge(retrieval_of(["hi"] * (LOOKED_AT + 1)), "hi")
    assert len(judged.ranked) == len(judged.probabilities) == LOOKED_AT
    assert judge(retrieval_of([]), "hi").probabilities == ()


def test_a_question_led_by_another_is_judged_by_its_own_tokens() -> None:
    """What the passages match of the earlier question says nothing about the later one."""
    found = retrieval_of(["zh"] * 5)
    assert judge(found, "zh").confidence > judge(found, "zh", own_tokens=2).confidence
