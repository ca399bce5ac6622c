"""What is drawn follows from seed and step, and is what its kind says."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.reader.augmentation import QuestionPlan
from training.reader.configuration import DEFAULT, load_configuration
from training.reader.corpus import CORPUS, Corpus, read_corpus, text_of
from training.reader.examples import (
    ANSWERABLE,
    EXCHANGED,
    KINDS,
    Example,
    ExampleMaker,
    ExamplePlan,
)
from training.reader.split import Part
from training.reader.vocabulary import CutSplitter


@pytest.fixture
def corpus(prepared: Path) -> Corpus:
    """Read the prepared corpus."""
    return read_corpus(prepared / CORPUS)


@pytest.fixture
def plan() -> ExamplePlan:
    """Return a plan for short passages of characters."""
    found = load_configuration(DEFAULT).examples
    return replace(found, tokens=2000, windows=((60, 0.5), (120, 0.5)))


def maker(prepared: Path, corpus: Corpus, plan: ExamplePlan, *parts: Part) -> ExampleMaker:
    """Return a maker of examples of some parts, those that are trained on by default."""
    splitter = CutSplitter(prepared / "unigram.model", corpus.vocabulary)
    return ExampleMaker(corpus, splitter, plan, parts or (Part.TRAIN,), 1)


def same(one: Example, other: Example) -> bool:
    """Return whether two examples are the same."""
    arrays = ("question", "passage", "spans")
    return one.kind == other.kind and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def test_a_step_is_the_same_whenever_it_is_drawn(
    prepared: Path, corpus: Corpus, plan: ExamplePlan
) -> None:
    """Two makers draw the same examples for a step, and others for the next."""
    first, second = maker(prepared, corpus, plan), maker(prepared, corpus, plan)
    first.draw(3)
    ours, theirs = first.draw(7), second.draw(7)
    assert len(ours) == len(theirs)
    assert all(map(same, ours, theirs))
    assert not all(map(same, ours, first.draw(8)))


def test_only_what_is_trained_on_is_drawn(
    prepared: Path, corpus: Corpus, plan: ExamplePlan
) -> None:
    """Nothing of documents for judging, or of languages held out, is in any step."""
    found = [one for step in range(15) for one in maker(prepared, corpus, plan).draw(step)]
    assert {int(corpus.parts[one.number]) for one in found} == {int(Part.TRAIN)}
    assert {one.kind for one in found} >= {"answerable", "given", "neighbour", "exchanged"}
    assert all((len(one.spans) > 0) == (one.kind == ANSWERABLE) for one in found)


def test_answers_keep_their_tokens(prepared: Path, corpus: Corpus, plan: ExamplePlan) -> None:
    """Whatever is cut off or put before a passage, a span has its answer's tokens."""
    examples = maker(prepared, corpus, replace(plan, heading=0.5))
    leads = 0
    for step in range(10):
        for one in examples.draw(step):
            leads += one.lead > 0
            whole = corpus.tokens[one.passage_number]
            expected = {whole[start:end].tobytes() for start, end in corpus.spans[one.number]}
            for start, end in one.spans:
                assert one.passage[start:end].tobytes() in expected
            part = whole[one.window.start : one.window.end]
            assert np.array_equal(one.passage[one.lead :], part)
    assert leads


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_examples_of_each_kind(
    prepared: Path, corpus: Corpus, plan: ExamplePlan, kind: str
) -> None:
    """To judge by, questions and passages are as they are."""
    parts = (Part.TRAIN, Part.VALIDATION, Part.HELD_OUT)
    examples = maker(prepared, corpus, plan, *parts)
    splitter = CutSplitter(prepared / "unigram.model", corpus.vocabulary)
    found = 0
    for cell in examples._cells[kind]:
        for number in cell.numbers.tolist():
            one = examples.make(number, kind, random.Random(1), 300, is_changed=False)
            if one is None:
                continue
            found += 1
            texts = corpus.exchanged if kind == EXCHANGED else corpus.questions
            assert one.question.tolist() == splitter.ids(text_of(texts, number)).tolist()
            assert one.lead <= 1
    assert found


def test_weights_turn_off(prepared: Path, corpus: Corpus, plan: ExamplePlan) -> None:
    """A kind, a source or a language of weight 0 is never drawn."""
    kinds = replace(plan, kinds={ANSWERABLE: 1.0, "given": 0.0})
    assert {one.kind for one in maker(prepared, corpus, kinds).draw(1)} == {ANSWERABLE}
    no_english = replace(plan, emphasis={"en": 0.0})
    found = maker(prepared, corpus, no_english).draw(1)
    assert "en" not in {corpus.pair(one.number) for one in found}
    with pytest.raises(ValueError, match="no example"):
        maker(prepared, corpus, replace(plan, sources={"made-up": 0.0})).draw(1)


def test_across_languages(prepared: Path, corpus: Corpus, plan: ExamplePlan) -> None:
    """Questions across languages are drawn as often as the plan says."""
    always = replace(plan, cross=1.0, kinds={ANSWERABLE: 1.0}, question=QuestionPlan())
    found = maker(prepared, corpus, always, Part.VALIDATION).draw(1)
    assert {corpus.pair(one.number) for one in found} == {"ar-en"}
    never = replace(always, cross=0.0)
    found = maker(prepared, corpus, never, Part.VALIDATION).draw(1)
    assert "ar-en" not in {corpus.pair(one.number) for one in found}
