"""Which examples are trained on together: a pure function of the seed and the step."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.adapter.documents import CorpusFile, Part
from training.adapter.languages import PIVOT
from training.adapter.passages import (
    Example,
    QuestionStyle,
    divide_passages,
    make_example,
    tokens_of,
)

# Pairs of languages that a source lacks, or has too little of, are drawn anew; so often at most.
_DRAWS = 200


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What batches are made of.

    `sources`: weights. `lengths`: target tokens of a passage, with weights. `tokens`: of all
    passages of a batch, in both languages; decides how many examples there are. `most`, `least`:
    examples. `neighbours`: passages taken from one document at most: they are each other's hardest
    negatives. `same_language`: how often question and passage are in one language. `with_pivot`:
    how often English is one of two. `smoothing`: languages are drawn in proportion to this power
    of what there is of them, times their `emphasis` if they have one. `held_out`: languages never
    used.
    """

    sources: Mapping[str, float]
    lengths: tuple[tuple[float, float], ...] = ((48, 0.3), (130, 0.5), (380, 0.2))
    tokens: int = 6000
    most: int = 32
    least: int = 6
    neighbours: int = 4
    same_language: float = 0.1
    with_pivot: float = 0.35
    smoothing: float = 0.4
    emphasis: Mapping[str, float] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()
    style: QuestionStyle = field(default_factory=QuestionStyle)


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions in the `asker`'s language; passages in that and in the `other` language."""

    source: str
    asker: str
    other: str
    examples: tuple[Example, ...]

    def negatives(self) -> NDArray[np.bool_]:
        """Return whether passage j is wrong for question i: (examples, examples)."""
        return np.array(
            [
                [
                    place != number and not example.may_answer(passage)
                    for number, passage in enumerate(self.examples)
                ]
                for place, example in enumerate(self.examples)
            ],
            dtype=np.bool_,
        )


class BatchMaker:
    """Draws batches from one part of a corpus."""

    def __init__(self, corpus: CorpusFile, plan: BatchPlan, part: Part, seed: int) -> None:
        """Look up which documents have which languages."""
        self._corpus = corpus
        self._plan = plan
        self._seed = seed
        self._numbers: dict[tuple[str, str], NDArray[np.int64]] = {}
        self._weights: dict[str, dict[str, float]] = {}
        found: dict[tuple[str, str], list[int]] = {}
        amounts: dict[str, dict[str, int]] = {}
        for number, entry in enumerate(corpus.entries):
            if entry.part is not part or not plan.sources.get(entry.source):
                continue
            for language, count in entry.sizes.items():
                if language not in plan.held_out:
                    found.setdefault((entry.source, language), []).append(number)
                    of_source = amounts.setdefault(entry.source, {})
                    of_source[language] = of_source.get(language, 0) + count
        self._numbers = {key: np.array(numbers) for key, numbers in found.items()}
        self._weights = {
            source: {
                language: count**plan.smoothing * plan.emphasis.get(language, 1.0)
                for language, count in sorted(counts.items())
            }
            for source, counts in sorted(amounts.items())
            if len(counts) > 1
        }

    @property
    def languages(self) -> list[str]:
        """Every language that batches are drawn from."""
        return sorted({language for _, language in self._numbers})

    def draw(self, step: int) -> Batch:
        """Return the batch of a step: the same whenever it is asked for.

        Raises:
            ValueError: the corpus has no two languages with enough passages.
        """
        rng = random.Random(f"{self._seed}:{step}")
        sources = list(self._weights)
        weights = [self._plan.sources[source] for source in sources]
        for _ in range(_DRAWS):
            source = rng.choices(sources, weights)[0]
            asker, other = self._draw_pair(source, rng)
            targets, shares = zip(*self._plan.lengths, strict=True)
            examples = self._collect(source, asker, other, rng.choices(targets, shares)[0], rng)
            if len(examples) >= self._plan.least:
                return Batch(source, asker, other, tuple(examples))
        raise ValueError(f"no batch of {self._plan.least} examples was found in {_DRAWS} draws")

    def _draw_pair(self, source: str, rng: random.Random) -> tuple[str, str]:
        known = self._weights[source]
        asker = _choose(known, rng)
        if rng.random() < self._plan.same_language:
            return asker, asker
        if rng.random() < self._plan.with_pivot and PIVOT in known and asker != PIVOT:
            return (asker, PIVOT) if rng.random() < 0.5 else (PIVOT, asker)
        return asker, _choose(
            {language: weight for language, weight in known.items() if language != asker}, rng
        )

    def _collect(
        self, source: str, asker: str, other: str, target: float, rng: random.Random
    ) -> list[Example]:
        numbers = np.intersect1d(self._numbers[source, asker], self._numbers[source, other])
        if not len(numbers):
            return []
        examples: list[Example] = []
        tokens, seen = 0.0, set[int]()
        questions, passages = set[str](), set[str]()
        while tokens < self._plan.tokens and len(seen) < len(numbers):
            # Neighbours in the file are much alike: single paragraphs come in runs.
            place = rng.randrange(len(numbers))
            taken = 0
            while taken < self._plan.neighbours and place < len(numbers) and place not in seen:
                seen.add(place)
                for example in self._from(
                    int(numbers[place]), asker, other, target, self._plan.neighbours - taken, rng
                ):
                    if example.question in questions or example.own in passages:
                        continue
                    questions.add(example.question)
                    passages.add(example.own)
                    examples.append(example)
                    taken += 1
                    tokens += tokens_of(example.own)
                    tokens += tokens_of(example.other) if asker != other else 0.0
                    if len(examples) == self._plan.most or tokens >= self._plan.tokens:
                        return examples
                place += 1
        return examples

    def _from(
        self,
        number: int,
        asker: str,
        other: str,
        target: float,
        most: int,
        rng: random.Random,
    ) -> list[Example]:
        """Return examples from passages of a document that follow each other."""
        document = self._corpus.read(number)
        passages = list(divide_passages(document, sorted({asker, other}), target))
        start = rng.randrange(max(len(passages) - most, 0) + 1)
        made = [
            make_example(document, passage, asker, other, self._plan.style, rng)
            for passage in passages[start : start + most]
        ]
        return [example for example in made if example is not None]


def _choose(weights: Mapping[str, float], rng: random.Random) -> str:
    names: Sequence[str] = list(weights)
    return rng.choices(names, list(weights.values()))[0]
