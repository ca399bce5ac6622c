"""The token store: codes and places of every content token, by passage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from index_parts import CODE_SIZE, DIMENSION, SignCodec, WordHashEncoder
from numpy.typing import NDArray

from qa_service.encoder.protocol import TokenVectors
from qa_service.indexes.tokens import LARGEST_OFFSET, TokenStore, row_size, token_rows, token_writer

NO_VECTOR = np.zeros(DIMENSION, dtype=np.float32)
TEXTS = {
    3: "وصل الوفد إلى يريفان في الثالث من أيار",
    4: "第一段讲的是运河",
    7: "ประเทศไทย",
    8: "भारत की नदियाँ",
    9: "Mixed 42 кириллица и 漢字",
    11: "",
}


def keys(*numbers: int) -> NDArray[np.int64]:
    """Return an array of keys."""
    return np.array(numbers, dtype=np.int64)


def encoded(text: str) -> TokenVectors:
    """Return the tokens of a text."""
    return WordHashEncoder().encode_document([text]).tokens[0]


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """Return a store of the texts above."""
    codec = SignCodec()
    writer = token_writer(tmp_path, codec.code_size, None)
    for key, text in TEXTS.items():
        tokens = encoded(text)
        writer.append(key, token_rows(tokens.vectors, tokens.spans, NO_VECTOR, codec))
    writer.finish(keys(*TEXTS))
    return TokenStore(tmp_path, codec.code_size)


@pytest.mark.parametrize("key", TEXTS)
def test_codes_and_spans_come_back(store: TokenStore, key: int) -> None:
    """In every script a passage has the codes and places of its own tokens, or none."""
    tokens = encoded(TEXTS[key])
    batch = store.get_batch(keys(key))
    assert np.array_equal(batch.codes, SignCodec().encode(tokens.vectors, NO_VECTOR))
    assert np.array_equal(batch.spans, tokens.spans)
    (codes,) = store.get(keys(key))
    assert np.array_equal(codes, batch.codes)


def test_batch_keeps_the_order_asked_for(store: TokenStore) -> None:
    """Offsets part the passages, those without tokens too."""
    batch = store.get_batch(keys(9, 11, 3))
    lengths = np.diff(batch.offsets).tolist()
    assert lengths == [len(encoded(TEXTS[key]).spans) for key in (9, 11, 3)]
    start, end = batch.spans[batch.offsets[2]].tolist()
    assert TEXTS[3][start:end] == "وصل"


def test_codes_are_views_of_the_file(store: TokenStore) -> None:
    """Single passages are read without a copy."""
    (codes,) = store.get(keys(3))
    assert not codes.flags.owndata
    assert codes.shape[1] == CODE_SIZE


def test_unknown_passage_is_an_error(store: TokenStore) -> None:
    """A key that is not there is no passage without tokens."""
    with pytest.raises(KeyError):
        store.get_batch(keys(3, 5))


def test_places_beyond_the_range_are_held_at_its_end() -> None:
    """A token far inside a monstrous passage does not wrap around to its start."""
    spans = np.array([[65_534, 70_000]], dtype=np.int32)
    rows = token_rows(np.ones((1, DIMENSION), dtype=np.float32), spans, NO_VECTOR, SignCodec())
    assert rows[:, CODE_SIZE:].copy().view("<u2").tolist() == [[65_534, LARGEST_OFFSET]]


def test_a_passage_of_150_tokens_takes_less_than_8_kilobytes() -> None:
    """With codes of 48 bytes, places included."""
    assert 150 * row_size(48) <= 8 * 1000
