"""What is trained on at a step: a pure function of the seed and the step."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.reader.augmentation import Augmenter, QuestionPlan
from training.reader.corpus import NEGATIVES, Corpus, text_of
from training.reader.split import Part
from training.reader.windows import Window, window_around, window_elsewhere

ANSWERABLE, GIVEN, EXCHANGED, ELSEWHERE = "answerable", "given", "exchanged", "elsewhere"
KINDS = (ANSWERABLE, GIVEN, *NEGATIVES, EXCHANGED, ELSEWHERE)
"""`GIVEN`: unanswerable by the data. `EXCHANGED`: a name or number is another. `ELSEWHERE`: a part
of the passage without the answer. Of the others `corpus.NEGATIVES` tells."""

SPECIAL_TOKENS = 4
"""Beside question and passage: `<s> question </s></s> passage </s>`."""

_HEADING_ENDS = (": ", "\n", ". ", " – ")
_MOST_HEADING = 24
_COMMON_FROM = 3000
_DRAWS = 100


class QuestionSplitter(Protocol):
    """Text → token ids."""

    boundary: int | None

    def ids(self, text: str) -> NDArray[np.int32]:
        """Return the ids of one text."""
        ...


@dataclass(frozen=True, slots=True)
class ExamplePlan:
    """What steps are made of.

    `tokens`: of a step, special ones included. `windows`: the most tokens of a passage, with
    weights. `kinds`: weights, see `KINDS`. `cross`: how often question and passage are in two
    languages, where a kind has such. `smoothing`: sources in a language are drawn in proportion to
    this power of what there is of them, times the weights in `sources` and `emphasis`, 1 where
    nothing is said. `heading`: how often a passage is given what its article is called.
    """

    tokens: int
    most_question_tokens: int
    windows: tuple[tuple[int, float], ...]
    cross: float
    smoothing: float
    heading: float
    kinds: Mapping[str, float]
    sources: Mapping[str, float] = field(default_factory=dict)
    emphasis: Mapping[str, float] = field(default_factory=dict)
    question: QuestionPlan = field(default_factory=QuestionPlan)


@dataclass(frozen=True, slots=True)
class Example:
    """A question beside a part of a passage.

    `question`, `passage`: token ids. `spans`: (answers, 2), half-open tokens of `passage`; none
    where it does not answer. `number`: of the question in the corpus. `window`: the part of which
    passage; `passage` may have a heading or a boundary before it, `lead` tokens of that.
    """

    question: NDArray[np.int32]
    passage: NDArray[np.int32]
    spans: NDArray[np.int32]
    kind: str
    number: int
    passage_number: int
    window: Window
    lead: int

    def __len__(self) -> int:
        return len(self.question) + len(self.passage) + SPECIAL_TOKENS


@dataclass(frozen=True, slots=True)
class _Cell:
    """Questions of one source in one pair of languages that an example of a kind can be made of."""

    numbers: NDArray[np.int64]
    weight: float
    is_cross: bool


class ExampleMaker:
    """Makes examples of the questions of some parts of a corpus."""

    def __init__(
        self,
        corpus: Corpus,
        splitter: QuestionSplitter,
        plan: ExamplePlan,
        parts: Collection[Part],
        seed: int,
    ) -> None:
        """Look up which questions each kind can be made of."""
        self._corpus, self._splitter, self._plan, self._seed = corpus, splitter, plan, seed
        common = range(0, len(corpus.questions), max(1, len(corpus.questions) // _COMMON_FROM))
        languages = corpus.names["languages"]
        self._augmenter = Augmenter(
            plan.question,
            ((languages[corpus.askers[n]], text_of(corpus.questions, n)) for n in common),
        )
        is_of_part = np.isin(corpus.parts, [int(part) for part in parts])
        self._cells: dict[str, list[_Cell]] = {
            kind: self._find_cells(is_of_part & usable(corpus, kind)) for kind in KINDS
        }

    def _find_cells(self, is_usable: NDArray[np.bool_]) -> list[_Cell]:
        corpus, plan = self._corpus, self._plan
        numbers = np.flatnonzero(is_usable)
        passage_languages = corpus.languages[corpus.passages[numbers]].astype(np.int64)
        size = len(corpus.names["languages"])
        keys = (corpus.sources[numbers].astype(np.int64) * size + corpus.askers[numbers]) * size
        keys += passage_languages
        order = np.argsort(keys, kind="stable")
        bounds = np.flatnonzero(np.diff(keys[order])) + 1
        cells = []
        for rows in np.split(numbers[order], bounds) if len(numbers) else []:
            first = int(rows[0])
            asker, _, language = corpus.pair(first).partition("-")
            weight = len(rows) ** plan.smoothing * plan.sources.get(corpus.source(first), 1.0)
            weight *= plan.emphasis.get(asker, 1.0) * plan.emphasis.get(language or asker, 1.0)
            if weight > 0:
                cells.append(_Cell(rows, weight, bool(language)))
        return cells

    def draw(self, step: int) -> list[Example]:
        """Return the examples of a step: the same whenever they are asked for.

        Raises:
            ValueError: no example could be made of what there is.
        """
        rng = random.Random(f"{self._seed}:{step}")
        kinds = [kind for kind, weight in self._plan.kinds.items() if weight and self._cells[kind]]
        weights = [self._plan.kinds[kind] for kind in kinds]
        found: list[Example] = []
        tokens = failed = 0
        while tokens < self._plan.tokens:
            if failed == _DRAWS or not kinds:
                raise ValueError(f"no example was found in {failed} draws; kinds: {kinds}")
            kind = rng.choices(kinds, weights)[0]
            example = self.make(self._choose(kind, rng), kind, rng, self._draw_window(rng))
            failed = failed + 1 if example is None else 0
            if example is not None:
                found.append(example)
                tokens += len(example)
        return found

    def _choose(self, kind: str, rng: random.Random) -> int:
        cells = self._cells[kind]
        of_group = [cell for cell in cells if cell.is_cross]
        if not of_group or rng.random() >= self._plan.cross:
            of_group = [cell for cell in cells if not cell.is_cross] or cells
        cell = rng.choices(of_group, [one.weight for one in of_group])[0]
        return int(cell.numbers[rng.randrange(len(cell.numbers))])

    def _draw_window(self, rng: random.Random) -> int:
        sizes, shares = zip(*self._plan.windows, strict=True)
        return int(rng.choices(sizes, shares)[0])

    def make(
        self,
        number: int,
        kind: str,
        rng: random.Random,
        max_tokens: int,
        *,
        is_changed: bool = True,
    ) -> Example | None:
        """Return an example of a question; None where there is none of that kind.

        Args:
            number: of the question.
            kind: one of `KINDS`.
            rng: what chance is drawn from.
            max_tokens: of the part of the passage.
            is_changed: whether the question may be changed and a heading put before the passage.
        """
        corpus = self._corpus
        passage, spans = int(corpus.passages[number]), corpus.spans[number]
        if kind in NEGATIVES:
            others = corpus.negatives[number, NEGATIVES.index(kind)]
            passage = int(rng.choice(others[others >= 0].tolist()))
        window = self._window(passage, spans, kind, max_tokens, rng)
        if window is None:
            return None
        kept = spans[:0]
        if kind == ANSWERABLE:
            kept = spans[(spans[:, 0] >= window.start) & (spans[:, 1] <= window.end)]
            if not len(kept):
                return None
        lead = self._lead(passage, window, rng, is_changed=is_changed)
        tokens = np.concatenate([lead, corpus.tokens[passage][window.start : window.end]])
        return Example(
            question=self._question(number, kind, rng, is_changed=is_changed),
            passage=tokens,
            spans=kept - window.start + len(lead),
            kind=kind,
            number=number,
            passage_number=passage,
            window=window,
            lead=len(lead),
        )

    def _window(
        self,
        passage: int,
        spans: NDArray[np.int32],
        kind: str,
        max_tokens: int,
        rng: random.Random,
    ) -> Window | None:
        length, sentences = len(self._corpus.tokens[passage]), self._corpus.sentences[passage]
        if kind == ELSEWHERE:
            window = window_elsewhere(length, sentences, spans, max_tokens, rng)
            is_told = window is not None and self._holds(passage, spans, window)
            return None if is_told else window
        answer = None
        # An exchanged question's passage is cut as it would be for the question itself.
        if kind in (ANSWERABLE, EXCHANGED):
            start, end = rng.choice(spans.tolist())
            answer = (start, end)
        return window_around(length, sentences, answer, max_tokens, rng)

    def _holds(self, passage: int, spans: NDArray[np.int32], window: Window) -> bool:
        """Return whether an answer's tokens stand in a part of its passage once more."""
        tokens = self._corpus.tokens[passage]
        part = tokens[window.start : window.end].tobytes()
        size = tokens.itemsize
        for start, end in spans:
            wanted = tokens[start:end].tobytes()
            place = part.find(wanted)
            while place >= 0:
                if place % size == 0:
                    return True
                place = part.find(wanted, place + 1)
        return False

    def _lead(
        self, passage: int, window: Window, rng: random.Random, *, is_changed: bool
    ) -> NDArray[np.int32]:
        """Return what stands before a part: what the article is called, or a word boundary."""
        heading = text_of(self._corpus.headings, passage)
        if is_changed and heading and rng.random() < self._plan.heading:
            ids = self._splitter.ids(heading + rng.choice(_HEADING_ENDS))
            return ids[:_MOST_HEADING].astype(np.int32)
        tokens = self._corpus.tokens[passage]
        boundary = self._splitter.boundary
        # A text of its own starts with a word; a part of a text without spaces may not.
        is_inside = window.start > 0 and not self._corpus.is_word_start[tokens[window.start]]
        return np.array([boundary] if is_inside and boundary is not None else [], dtype=np.int32)

    def _question(
        self, number: int, kind: str, rng: random.Random, *, is_changed: bool
    ) -> NDArray[np.int32]:
        corpus = self._corpus
        text = text_of(corpus.exchanged if kind == EXCHANGED else corpus.questions, number)
        if is_changed:
            text = self._augmenter.change(
                text, corpus.names["languages"][corpus.askers[number]], rng
            )
        return self._splitter.ids(text)[: self._plan.most_question_tokens].astype(np.int32)


def usable(corpus: Corpus, kind: str) -> NDArray[np.bool_]:
    """Return which questions examples of a kind can be made of."""
    is_answerable = corpus.spans.lengths() > 0
    found: NDArray[np.bool_]
    if kind == GIVEN:
        found = ~is_answerable
    elif kind in NEGATIVES:
        found = corpus.negatives[:, NEGATIVES.index(kind), 0] >= 0
    elif kind == EXCHANGED:
        found = corpus.exchanged.lengths() > 0
    elif kind == ELSEWHERE:
        found = is_answerable & (corpus.sentences.lengths()[corpus.passages] > 2)
    else:
        found = is_answerable
    return found
