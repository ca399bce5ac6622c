"""Texts are found by the tokens that tell them apart."""

from __future__ import annotations

import numpy as np

from training.reader.lexical import LexicalIndex


def ids(*values: int) -> np.ndarray:
    """Return token ids."""
    return np.array(values, dtype=np.int32)


def test_best_first() -> None:
    """The text with the rare token of the question is first, texts with none are left out."""
    texts = [ids(1, 2, 3), ids(1, 2, 9), ids(4, 5), ids(1, 4)] + [ids(7, 1)] * 5
    found = LexicalIndex(texts, 12).best([ids(9, 2), ids(4), ids(11)], 3)
    assert found[0].tolist() == [1, 0, -1]
    assert found[1].tolist() == [3, 2, -1] or found[1].tolist() == [2, 3, -1]
    assert found[2].tolist() == [-1, -1, -1]


def test_no_more_than_asked_for() -> None:
    """Of many texts that match, those with the best scores stay."""
    texts = [ids(*[5] * count, *range(10, 40 - count)) for count in range(1, 9)]
    found = LexicalIndex(texts, 50).best([ids(5)], 2)
    assert found.tolist() == [[7, 6]]


def test_tokens_that_all_texts_have_tell_nothing() -> None:
    """What is in most of many texts finds none of them."""
    texts = [ids(1, 2 + number) for number in range(200)]
    found = LexicalIndex(texts, 300).best([ids(1), ids(1, 77)], 2)
    assert found.tolist() == [[-1, -1], [75, -1]]
