"""Passages beside which a question has no answer, though they look as if it had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.reader.answers import holds_any, normalize
from training.reader.corpus import NEGATIVES
from training.reader.lexical import LexicalIndex

KEPT = 4
"""Passages of each kind that are kept for a question."""

_LOOKED_AT = 16
# More alike, a passage is a version of the other: machine translations of one paragraph, say.
_MOST_ALIKE = 0.35
# Of so many questions, drawn by chance, the nearest is as near as of all.
_MOST_QUESTIONS = 25_000
_SEED = 7


class NegativeFinder:
    """Looks for passages among those of the same part and language as a question's own."""

    def __init__(
        self,
        passage_tokens: Sequence[NDArray[np.int32]],
        passage_texts: Sequence[str],
        documents: NDArray[np.int32],
        vocabulary: int,
    ) -> None:
        """Take passages by number. `documents`: (passages,), the number of each one's article."""
        self._tokens = passage_tokens
        self._texts = passage_texts
        self._documents = documents
        self._vocabulary = vocabulary
        self._normalized: dict[int, str] = {}

    def find(
        self,
        questions: Sequence[NDArray[np.int32]],
        passages: NDArray[np.int32],
        answers: Sequence[Sequence[str]],
        pool: NDArray[np.int32],
    ) -> NDArray[np.int32]:
        """Return passages of each kind that hold none of a question's answers.

        Args:
            questions: token ids.
            passages: (questions,), their own passages.
            answers: as they are written, one or more each.
            pool: numbers of all passages to choose from.

        Returns:
            (questions, kinds, KEPT), −1 where there are fewer; kinds as in `NEGATIVES`.
        """
        found = np.full((len(questions), len(NEGATIVES), KEPT), -1, dtype=np.int32)
        for kind, look in enumerate((self._neighbours, self._lexical, self._alike)):
            candidates = look(questions, passages, pool)
            for row, numbers in enumerate(candidates):
                kept = self._without_answer(numbers, answers[row])
                found[row, kind, : len(kept)] = kept
        return found

    def _without_answer(self, numbers: Sequence[int], answers: Sequence[str]) -> list[int]:
        kept: list[int] = []
        for number in numbers:
            if number not in self._normalized:
                self._normalized[number] = normalize(self._texts[number])
            if not holds_any(self._normalized[number], answers):
                kept.append(number)
            if len(kept) == KEPT:
                break
        return kept

    def _neighbours(
        self,
        questions: Sequence[NDArray[np.int32]],
        passages: NDArray[np.int32],
        pool: NDArray[np.int32],
    ) -> list[list[int]]:
        """Return other passages of the same article, those that share most words first."""
        by_document = _grouped(pool, self._documents)
        rows_of = _grouped(np.arange(len(questions)), self._documents[passages])
        found: list[list[int]] = [[] for _ in questions]
        for document, rows in rows_of.items():
            members = by_document.get(document, [])
            if len(members) < 2:
                continue
            index = LexicalIndex([self._tokens[number] for number in members], self._vocabulary)
            best = index.best([questions[row] for row in rows], 2 * _LOOKED_AT)
            is_version = _cached(self._is_version)
            for row, places in zip(rows, best, strict=True):
                own = int(passages[row])
                numbers = [members[place] for place in places if place >= 0]
                found[row] = [n for n in numbers if n != own and not is_version(own, n)]
        return found

    def _lexical(
        self,
        questions: Sequence[NDArray[np.int32]],
        passages: NDArray[np.int32],
        pool: NDArray[np.int32],
    ) -> list[list[int]]:
        """Return passages of other articles that share telling words with a question."""
        index = LexicalIndex([self._tokens[number] for number in pool], self._vocabulary)
        return [
            self._of_others(int(own), [int(pool[place]) for place in places if place >= 0])
            for own, places in zip(passages, index.best(questions, _LOOKED_AT), strict=True)
        ]

    def _alike(
        self,
        questions: Sequence[NDArray[np.int32]],
        passages: NDArray[np.int32],
        pool: NDArray[np.int32],  # noqa: ARG002 (questions' own passages are the pool)
    ) -> list[list[int]]:
        """Return passages that answer a question alike about another article."""
        rows = np.random.default_rng(_SEED).permutation(len(questions))[:_MOST_QUESTIONS]
        index = LexicalIndex([questions[row] for row in rows], self._vocabulary)
        return [
            self._of_others(
                int(own), [int(passages[rows[place]]) for place in places if place >= 0]
            )
            for own, places in zip(passages, index.best(questions, _LOOKED_AT), strict=True)
        ]

    def _of_others(self, own: int, numbers: list[int]) -> list[int]:
        others = [n for n in numbers if self._documents[n] != self._documents[own]]
        return list(dict.fromkeys(others))

    def _is_version(self, one: int, other: int) -> bool:
        ours, theirs = _pairs(self._tokens[one]), _pairs(self._tokens[other])
        shared = len(np.intersect1d(ours, theirs, assume_unique=True))
        return shared > _MOST_ALIKE * (len(ours) + len(theirs) - shared)


def _pairs(tokens: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return each two tokens that follow each other, once."""
    left = tokens[:-1].astype(np.int64)
    return np.unique((left << 32) | tokens[1:])


def _cached(compare: Callable[[int, int], bool]) -> Callable[[int, int], bool]:
    known: dict[tuple[int, int], bool] = {}

    def cached(one: int, other: int) -> bool:
        key = (min(one, other), max(one, other))
        if key not in known:
            known[key] = compare(*key)
        return known[key]

    return cached


def _grouped(numbers: NDArray[np.integer], by: NDArray[np.int32]) -> dict[int, list[int]]:
    """Return numbers by group; `by` is looked up by number, or by place if as long as they."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number in numbers.tolist():
        groups[int(by[number])].append(number)
    return groups
