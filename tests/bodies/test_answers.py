"""Answers as bodies: probabilities, links, directions."""

from __future__ import annotations

import dataclasses

from fake_service import FakeService

from qa_service.bodies import AnswerOut
from qa_service.types import Question


def test_rounding_stays_between_0_and_1() -> None:
    """A probability that rounding pushed over its bounds is put back."""
    answer = FakeService().ask(Question("Who decoded the dance of bees?"))
    passage = dataclasses.replace(answer.passages[0], score=1.0000001)
    odd = dataclasses.replace(answer, confidence=-1e-9, passages=(passage,))
    body = AnswerOut.from_answer(odd)
    assert body.confidence == 0.0
    assert body.passages[0].score == 1.0


def test_only_the_cited_passage_links_to_the_sentence() -> None:
    """The answering sentence is marked in its own passage, not in others."""
    answer = FakeService().ask(Question("What dance do honey bees dance?"))
    links = [hit.citation.link for hit in AnswerOut.from_answer(answer).passages]
    assert len(links) > 1
    assert ["sentence=" in link for link in links] == [True] + [False] * (len(links) - 1)


def test_unknown_language_reads_by_itself() -> None:
    """Text of unknown language gets direction auto, so that the browser decides."""
    answer = FakeService().ask(Question("Who decoded the dance of bees?"))
    passage = dataclasses.replace(answer.passages[0], language="und")
    body = AnswerOut.from_answer(dataclasses.replace(answer, passages=(passage,)))
    assert body.passages[0].direction == "auto"
