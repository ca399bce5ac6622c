"""How well the reader reads: documents that were never trained on, languages that never were."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.reader.answers import best_overlap, is_exact
from training.reader.batches import Batch, by_length, make_batch, passage_start
from training.reader.corpus import Corpus, text_of
from training.reader.examples import ANSWERABLE, KINDS, Example, ExampleMaker, usable
from training.reader.model import Scores, SpanReader
from training.reader.split import Part

_SEED = 11
# A longer answer is no answer.
_MOST_ANSWER_TOKENS = 40
ALL, HELD_OUT, CROSS = "all", "held out", "across languages"


@dataclass(frozen=True, slots=True)
class ValidationPlan:
    """Examples of each pair of languages, at most: `answerable`, and of each kind of negatives.

    `max_tokens`: of the part of a passage.
    """

    answerable: int
    negatives: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of an example.

    `start`, `end`: half-open tokens of the example's passage, the best span whatever "none" scores.
    `margin`: the span's logits above those of "none". `answerable`: the head's logit.
    """

    start: int
    end: int
    margin: float
    answerable: float


def chosen_examples(corpus: Corpus, maker: ExampleMaker, plan: ValidationPlan) -> list[Example]:
    """Return what to judge by: the same for every run on a corpus, as many of each language.

    Of a document's questions none was trained on, and the passages of negatives are of such
    documents, too.
    """
    rng = random.Random(_SEED)
    pairs: dict[str, list[int]] = {}
    judged = np.flatnonzero(corpus.parts != int(Part.TRAIN)).tolist()
    rng.shuffle(judged)
    for number in judged:
        pairs.setdefault(corpus.pair(number), []).append(number)
    found: list[Example] = []
    for kind in KINDS:
        is_usable = usable(corpus, kind)
        most = plan.answerable if kind == ANSWERABLE else plan.negatives
        for pair, numbers in sorted(pairs.items()):
            # Pairs of two languages are many, and with few questions each.
            left = most // 4 if "-" in pair else most
            for number in numbers:
                if not left:
                    break
                if not is_usable[number]:
                    continue
                example = maker.make(number, kind, rng, plan.max_tokens, is_changed=False)
                if example is not None:
                    found.append(example)
                    left -= 1
    return found


def read_all(
    reader: SpanReader,
    examples: Sequence[Example],
    most_tokens: int,
    run: Callable[[SpanReader, Batch], Scores],
) -> list[Reading]:
    """Return what the reader makes of each example; `run` gives the scores of a batch."""
    found: dict[int, Reading] = {}
    with torch.inference_mode():
        for rows in by_length(examples, most_tokens):
            batch = make_batch([examples[row] for row in rows])
            scores = run(reader, batch)
            starts, ends = scores.starts.cpu().numpy(), scores.ends.cpu().numpy()
            answerable = scores.answerable.cpu().numpy()
            for place, row in enumerate(rows):
                found[row] = _reading(
                    examples[row], starts[place], ends[place], float(answerable[place])
                )
    return [found[row] for row in range(len(examples))]


def _reading(
    example: Example,
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    answerable: float,
) -> Reading:
    first = passage_start(example)
    last = first + len(example.passage)
    start, end, score = best_span(starts[first:last], ends[first:last])
    return Reading(start, end, score - float(starts[0] + ends[0]), answerable)


def best_span(starts: NDArray[np.float32], ends: NDArray[np.float32]) -> tuple[int, int, float]:
    """Return the half-open span with the highest sum of logits, and that sum."""
    sums = starts[:, None] + ends[None, :]
    is_possible = np.triu(np.ones(sums.shape, dtype=np.bool_))
    is_possible &= ~np.triu(np.ones(sums.shape, dtype=np.bool_), _MOST_ANSWER_TOKENS)
    sums = np.where(is_possible, sums, -np.inf)
    start, end = divmod(int(sums.argmax()), len(ends))
    return start, end + 1, float(sums[start, end])


def judge(
    corpus: Corpus, examples: Sequence[Example], readings: Sequence[Reading]
) -> dict[str, dict[str, float]]:
    """Return figures by group: all, held out, across languages, each language, each kind.

    Of answerable questions: `exact` and `f1` of the words, whatever "none" scores; `sentence`, in
    how many the span touches a sentence that an answer touches. Of them against negatives:
    `auc`, areas under the curve of the margin, of the head, and of both's sum.
    """
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        for group in _groups(corpus, example):
            groups.setdefault(group, []).append(row)
    answerable = [row for row, example in enumerate(examples) if example.kind == ANSWERABLE]
    right = {row: _answer_figures(corpus, examples[row], readings[row]) for row in answerable}
    found: dict[str, dict[str, float]] = {}
    for group, rows in groups.items():
        asked = [row for row in rows if row in right]
        others = [row for row in rows if row not in right]
        figures: dict[str, float] = {"answerable": len(asked), "negatives": len(others)}
        for name in ("exact", "f1", "sentence") if asked else ():
            figures[name] = float(np.mean([right[row][name] for row in asked]))
        if others:
            # A kind has no answerable questions of its own: it is held against all there are.
            figures |= _curves(readings, asked or answerable, others)
        found[group] = figures
    return found


def _groups(corpus: Corpus, example: Example) -> Iterator[str]:
    pair = corpus.pair(example.number)
    is_held_out = corpus.parts[example.number] == int(Part.HELD_OUT)
    if example.kind != ANSWERABLE:
        yield f"kind {example.kind}"
    if is_held_out:
        yield HELD_OUT
    elif "-" in pair:
        yield CROSS
    else:
        yield ALL
    if "-" not in pair:
        yield pair


def _curves(
    readings: Sequence[Reading], answerable: Sequence[int], others: Sequence[int]
) -> dict[str, float]:
    found = {}
    for name, margin, head in (("auc", 1.0, 0.0), ("auc head", 0.0, 1.0), ("auc both", 0.5, 1.0)):
        scores = [margin * one.margin + head * one.answerable for one in readings]
        found[name] = area([scores[row] for row in answerable], [scores[row] for row in others])
    return found


def area(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Return how often a right one scores above a wrong one, half for a tie."""
    ours, theirs = np.array(right)[:, None], np.array(wrong)[None, :]
    return float(np.mean((ours > theirs) + 0.5 * (ours == theirs)))


def _answer_figures(corpus: Corpus, example: Example, reading: Reading) -> Mapping[str, float]:
    start, end = reading.start - example.lead, reading.end - example.lead
    offsets = corpus.offsets[example.passage_number]
    text = text_of(corpus.passage_texts, example.passage_number)
    shift = example.window.start
    language = corpus.names["languages"][corpus.languages[example.passage_number]]
    expected = [
        _text(text, offsets, first + shift, last + shift)
        for first, last in (example.spans - example.lead).tolist()
    ]
    found = _text(text, offsets, max(start, 0) + shift, end + shift) if end > 0 else ""
    sentences = corpus.sentences[example.passage_number]
    ours = _sentences_of(sentences, max(start, 0) + shift, max(end, 1) + shift)
    theirs = [
        _sentences_of(sentences, first + shift, last + shift)
        for first, last in (example.spans - example.lead).tolist()
    ]
    return {
        "exact": float(is_exact(found, expected, language)),
        "f1": best_overlap(found, expected, language),
        "sentence": float(any(ours & one for one in theirs)),
    }


def _text(text: str, offsets: NDArray[np.int32], start: int, end: int) -> str:
    return text[int(offsets[start, 0]) : int(offsets[end - 1, 1])].strip()


def _sentences_of(sentences: NDArray[np.int32], start: int, end: int) -> set[int]:
    first = int(np.searchsorted(sentences, start, side="right"))
    last = int(np.searchsorted(sentences, end - 1, side="right"))
    return set(range(first, last + 1))
