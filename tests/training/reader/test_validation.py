"""Figures say how well the reader reads, in every script, and by group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.reader.configuration import DEFAULT, load_configuration
from training.reader.corpus import CORPUS, Corpus, read_corpus
from training.reader.examples import ANSWERABLE, Example, ExampleMaker
from training.reader.split import Part
from training.reader.validation import Reading, area, best_span, chosen_examples, judge
from training.reader.vocabulary import CutSplitter


@pytest.fixture
def corpus(prepared: Path) -> Corpus:
    """Read the prepared corpus."""
    return read_corpus(prepared / CORPUS)


@pytest.fixture
def chosen(prepared: Path, corpus: Corpus) -> list[Example]:
    """Return what the default configuration judges by."""
    configuration = load_configuration(DEFAULT)
    splitter = CutSplitter(prepared / "unigram.model", corpus.vocabulary)
    maker = ExampleMaker(corpus, splitter, configuration.examples, [Part.VALIDATION], 1)
    return chosen_examples(corpus, maker, configuration.validation)


def perfect(example: Example) -> Reading:
    """Return what a reader that is always right makes of an example."""
    if example.kind != ANSWERABLE:
        return Reading(0, 1, -5.0, -5.0)
    start, end = example.spans[0].tolist()
    return Reading(start, end, 5.0, 5.0)


def test_what_is_judged_was_not_trained_on(corpus: Corpus, chosen: list[Example]) -> None:
    """Questions and passages are of documents kept out, and the same each time."""
    assert {int(corpus.parts[one.number]) for one in chosen} == {1, 2}
    trained = set(corpus.passages[corpus.parts == int(Part.TRAIN)].tolist())
    assert not trained & {one.passage_number for one in chosen}
    assert {one.kind for one in chosen} >= {ANSWERABLE, "given", "exchanged"}


def test_perfect_reader(corpus: Corpus, chosen: list[Example]) -> None:
    """One that is always right has 1 in every figure of every group, each script among them."""
    found = judge(corpus, chosen, [perfect(one) for one in chosen])
    assert {"all", "held out", "across languages", "ar", "zh", "en", "he"} <= found.keys()
    for group, figures in found.items():
        for name in ("exact", "f1", "sentence", "auc", "auc head", "auc both"):
            assert figures.get(name, 1.0) == 1.0, (group, name)


def test_reader_that_is_wrong(corpus: Corpus, chosen: list[Example]) -> None:
    """One that always says the first token is rarely right, and tells nothing apart."""
    found = judge(corpus, chosen, [Reading(0, 1, 0.0, 0.0) for _ in chosen])
    assert found["all"]["exact"] == 0
    assert found["all"]["sentence"] < 1
    assert found["all"]["auc"] == 0.5


def test_best_span() -> None:
    """The end never stands before the start, nor too far behind it."""
    starts = np.array([0.0, 1.0, 5.0, 0.0], dtype=np.float32)
    ends = np.array([9.0, 2.0, 0.0, 1.0], dtype=np.float32)
    assert best_span(starts, ends) == (0, 1, 9.0)
    assert best_span(starts, ends[::-1].copy()) == (2, 4, 14.0)
    far = np.zeros(100, dtype=np.float32)
    far[0] = 3
    end = np.zeros(100, dtype=np.float32)
    end[90] = 3
    start, stop, score = best_span(far, end)
    assert score == 3
    assert stop - start <= 40


def test_area() -> None:
    """All above is 1, all below 0, ties are half."""
    assert area([2, 3], [0, 1]) == 1
    assert area([0], [1, 2]) == 0
    assert area([1, 1], [1]) == 0.5
