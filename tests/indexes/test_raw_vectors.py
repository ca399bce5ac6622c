"""Vectors as they are stored: half precision there and back, in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa_service.indexes.raw_vectors import RawVectors, vector_rows, vector_writer


def test_every_finite_number_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    """Normal, tiny and zero, of either sign: exactly what half precision makes of them."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 8)
    writer = vector_writer(tmp_path, 8, None)
    for key, row in enumerate(finite):
        writer.append(key, vector_rows(row.astype(np.float32)[None]))
    keys = np.arange(len(finite))
    writer.finish(keys)
    found = RawVectors(tmp_path, 8).get(keys[::-1])
    assert found.dtype == np.float32
    expected = finite[::-1].astype(np.float32)
    assert np.array_equal(found, expected)
    assert np.array_equal(np.signbit(found), np.signbit(expected))


def test_vectors_come_in_the_order_asked_for(tmp_path: Path) -> None:
    """Keys may be asked for in any order and more than once; an unknown one is an error."""
    vectors = np.random.default_rng(3).standard_normal((3, 8)).astype(np.float16)
    writer = vector_writer(tmp_path, 8, None)
    for key, vector in zip((2, 5, 9), vectors, strict=True):
        writer.append(key, vector_rows(vector.astype(np.float32)[None]))
    writer.finish(np.array([2, 5, 9]))
    store = RawVectors(tmp_path, 8)
    assert np.array_equal(store.get(np.array([9, 2, 9])), vectors[[2, 0, 2]].astype(np.float32))
    assert store.get(np.array([], dtype=np.int64)).shape == (0, 8)
    with pytest.raises(KeyError):
        store.get(np.array([3]))
