"""What is learnt from the passages: stored with them, and anew when they have changed enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from index_parts import RECIPE, SignCodec, make_store
from numpy.typing import NDArray
from workshop import Workshop

from qa_service.indexer.statistics import needs_refit
from qa_service.indexer.token_statistics import measure_token_means
from qa_service.indexes.token_means import TokenMeans


class CountingCodec(SignCodec):
    """Counts the passages whose tokens were measured."""

    def __init__(self) -> None:
        self.passages = 0

    def common(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Count, and return zeros."""
        self.passages += len(passages)
        return super().common(passages)


class Shift:
    """A centring that can be recognised: takes the mean of what it was fitted to from vectors."""

    def __init__(self, mean: NDArray[np.float32] | None = None) -> None:
        self.mean = mean
        self.fitted: list[int] = []

    def fit(self, vectors: NDArray[np.float32], languages: Sequence[str]) -> Shift:
        """Fit."""
        assert len(vectors) == len(languages)
        self.fitted.append(len(vectors))
        return Shift(vectors.mean(axis=0) if len(vectors) else np.zeros(RECIPE.dimension))

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> Shift:
        """Restore."""
        return Shift(np.asarray(arrays["mean"], dtype=np.float32))

    def passages(
        self, vectors: NDArray[np.float32], languages: Sequence[str]
    ) -> NDArray[np.float32]:
        """Transform."""
        assert self.mean is not None
        moved = vectors - self.mean
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)

    def to_arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Store."""
        assert self.mean is not None
        return {"mean": self.mean}


def test_centring_is_kept_until_the_corpus_has_doubled(tmp_path: Path) -> None:
    """Stored vectors stay valid between runs; a new fit makes them anew without the encoder."""
    workshop = Workshop(tmp_path)
    shift = Shift()
    workshop.store = make_store(tmp_path / "index", centering=shift)
    for number in range(6):
        workshop.write(f"{number}.txt", f"text {number}")
    workshop.index()
    assert shift.fitted == [6]
    first = workshop.generation().statistics["mean"]
    workshop.write("6.txt", "text six")
    workshop.index()
    assert shift.fitted == [6]
    assert np.array_equal(workshop.generation().statistics["mean"], first)
    for number in range(7, 12):
        workshop.write(f"{number}.txt", f"text {number}")
    report = workshop.index()
    assert shift.fitted == [6, 12]
    assert report.embedded == 5
    generation = workshop.generation()
    expected = generation.centering.passages(
        generation.embeddings.vectors(generation.keys), generation.languages_of(generation.keys)
    )
    for key, vector in zip(generation.keys, expected, strict=True):
        found = generation.vectors.search(vector, 1)
        assert found.keys.tolist() == [key]
        assert found.scores[0] == pytest.approx(1.0, abs=1e-5)


def test_other_rules_of_statistics_learn_anew(tmp_path: Path) -> None:
    """A code update of what is learnt is noticed without --rebuild, reading and embedding nothing.

    The means of tokens are learnt anew, too, from the same passages under the same keys.
    """
    workshop = Workshop(tmp_path)
    shift = Shift()
    workshop.store = make_store(tmp_path / "index", centering=shift)
    for number, text in enumerate(("نص أول", "第二篇", "บทความ", "लेख")):
        workshop.write(f"{number}.txt", text)
    workshop.index()
    keys = workshop.generation().keys.tolist()
    workshop.parts = dataclasses.replace(
        workshop.parts,
        codec=CountingCodec(),
        recipe=dataclasses.replace(workshop.parts.recipe, statistics="2"),
    )
    report = workshop.index()
    assert report.is_new
    assert (report.embedded, report.reused) == (0, 4)
    assert workshop.loader.read_files == []
    assert shift.fitted == [4, 4]
    generation = workshop.generation()
    assert workshop.parts.codec.passages == 4
    assert generation.keys.tolist() == keys
    assert not workshop.index().is_new


@pytest.mark.parametrize(
    ("fitted", "now", "expected"),
    [
        ({}, {}, True),
        ({"ar": 10}, {"ar": 10}, False),
        ({"ar": 10}, {"ar": 19}, False),
        ({"ar": 10}, {"ar": 20}, True),
        ({"ar": 10}, {"ar": 6}, False),
        ({"ar": 10}, {"ar": 5}, True),
        ({"ar": 100, "th": 10}, {"ar": 100, "th": 19}, False),
        ({"ar": 100, "th": 10}, {"ar": 100, "th": 20}, True),
        ({"ar": 100}, {"ar": 100, "th": 1}, True),
        ({"ar": 100_000}, {"ar": 100_000, "th": 1}, False),
        ({"ar": 100_000}, {"ar": 100_000, "th": 101}, True),
    ],
)
def test_when_to_fit_anew(fitted: dict[str, int], now: dict[str, int], expected: bool) -> None:
    """When the corpus or a language in it has doubled or halved; a mere trace does not count."""
    assert needs_refit(fitted, now) is expected


def test_means_of_tokens_are_stored_with_the_generation(tmp_path: Path) -> None:
    """They are learnt from what was written, and carried on until the corpus has grown."""
    workshop = Workshop(tmp_path)
    codec = CountingCodec()
    workshop.parts = dataclasses.replace(workshop.parts, codec=codec)
    for number in range(4):
        workshop.write(f"{number}.txt", f"text {number}")
    workshop.index()
    first = workshop.generation()
    stored = TokenMeans.of(first.statistics, RECIPE.dimension)
    measured = measure_token_means(
        first.embeddings, first.keys, first.languages_of(first.keys), SignCodec()
    )
    assert np.array_equal(stored.corpus, measured.corpus)
    assert np.array_equal(stored.languages["en"], measured.languages["en"])
    assert stored.corpus.any()
    workshop.write("4.txt", "text four")
    workshop.index()
    second = workshop.generation().statistics
    assert {name: array.tolist() for name, array in second.items()} == {
        name: array.tolist() for name, array in first.statistics.items()
    }
    assert codec.passages == 4
