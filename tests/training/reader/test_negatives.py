"""Passages beside a question that do not answer it, each kind from where it should come."""

from __future__ import annotations

import numpy as np

from training.reader.corpus import NEGATIVES
from training.reader.negatives import NegativeFinder

PASSAGES = [
    "ada bridge was built in 1911 by hans",
    "ada bridge was built in 1911 by hans indeed",
    "ada boats cost seven crowns from may on every day",
    "ada bridge has stood since 1911 says a sign near river",
    "ona bridge opened later and cost twelve crowns per head",
    "a lamp in kyoto was built long ago",
]
DOCUMENTS = np.array([0, 0, 0, 0, 1, 2], dtype=np.int32)
QUESTIONS = ["when was ada bridge built", "when was a lamp built", "what cost ona crowns"]
OWN = np.array([0, 5, 4], dtype=np.int32)
ANSWERS = [["1911"], ["long ago"], ["twelve crowns"]]


def found(kind: str) -> list[set[int]]:
    """Return the passages of a kind for each question."""
    words = sorted({word for text in [*PASSAGES, *QUESTIONS] for word in text.split()})
    number = {word: place for place, word in enumerate(words)}

    def ids(text: str) -> np.ndarray:
        return np.array([number[word] for word in text.split()], dtype=np.int32)

    finder = NegativeFinder([ids(text) for text in PASSAGES], PASSAGES, DOCUMENTS, len(words))
    pool = np.arange(len(PASSAGES), dtype=np.int32)
    rows = finder.find([ids(text) for text in QUESTIONS], OWN, ANSWERS, pool)
    return [set(row[NEGATIVES.index(kind)].tolist()) - {-1} for row in rows]


def test_neighbours_are_of_the_same_article() -> None:
    """A neighbour holds no answer and is no version of the passage itself."""
    assert found("neighbour") == [{2}, set(), set()]


def test_lexical_negatives_are_of_other_articles() -> None:
    """They share words with the question, and none of them holds an answer."""
    assert found("lexical")[0] == {4, 5}
    assert all(own not in numbers for own, numbers in zip(OWN, found("lexical"), strict=True))


def test_alike_negatives_answer_a_question_alike() -> None:
    """Another article's passage, which answers the same question about another thing."""
    assert found("alike")[0] == {5}
    assert found("alike")[1] == {0}
