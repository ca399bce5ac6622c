"""Embeddings as bytes: half precision there and back, codes and places of every content token."""

from __future__ import annotations

import numpy as np
import pytest
from index_parts import CODE_SIZE, DIMENSION, SignCodec, WordHashEncoder

from qa_service.indexes.packing import (
    LARGEST_OFFSET,
    EmbeddingSize,
    pack_tokens,
    pack_vectors,
    unpack_tokens,
    unpack_vectors,
)

NO_VECTOR = np.zeros(DIMENSION, dtype=np.float32)
TEXTS = (
    "وصل الوفد إلى يريفان في الثالث من أيار",
    "第一段讲的是运河",
    "ประเทศไทย",
    "भारत की नदियाँ",
    "Mixed 42 кириллица и 漢字",
    "",
)


def test_every_finite_number_comes_back_as_it_was_stored() -> None:
    """Normal, tiny and zero, of either sign: exactly what half precision makes of them."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 8)
    packed = pack_vectors(finite.astype(np.float32))
    assert packed.shape == (len(finite), EmbeddingSize(8, CODE_SIZE).vector_bytes)
    found = unpack_vectors(packed)
    assert found.dtype == np.float32
    assert np.array_equal(found, finite.astype(np.float32))
    assert np.array_equal(np.signbit(found), np.signbit(finite))


def test_no_vectors_are_no_bytes() -> None:
    """Nothing is packed and unpacked like something."""
    packed = pack_vectors(np.empty((0, 8), dtype=np.float32))
    assert unpack_vectors(packed).shape == (0, 8)


@pytest.mark.parametrize("text", TEXTS)
def test_codes_and_spans_come_back(text: str) -> None:
    """In every script a passage has the codes and places of its own tokens, or none."""
    tokens = WordHashEncoder().encode_document([text]).tokens[0]
    packed = pack_tokens(tokens.vectors, tokens.spans, NO_VECTOR, SignCodec())
    assert packed.shape == (len(tokens.spans), EmbeddingSize(DIMENSION, CODE_SIZE).token_bytes)
    batch = unpack_tokens(packed, np.array([0, len(packed)]))
    assert np.array_equal(batch.codes, SignCodec().encode(tokens.vectors, NO_VECTOR))
    assert np.array_equal(batch.spans, tokens.spans)


def test_places_beyond_the_range_are_held_at_its_end() -> None:
    """A token far inside a monstrous passage does not wrap around to its start."""
    spans = np.array([[65_534, 70_000]], dtype=np.int32)
    rows = pack_tokens(np.ones((1, DIMENSION), dtype=np.float32), spans, NO_VECTOR, SignCodec())
    assert unpack_tokens(rows, np.array([0, 1])).spans.tolist() == [[65_534, LARGEST_OFFSET]]


def test_a_passage_of_150_tokens_takes_less_than_8_kilobytes() -> None:
    """With codes of 48 bytes, places included."""
    assert 150 * EmbeddingSize(384, 48).token_bytes <= 8 * 1000
