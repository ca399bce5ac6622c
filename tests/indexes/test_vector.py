"""The vector index: exact while small, nearly so when large, and the same through any change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.errors import IndexCorruptError, IndexWriteError
from qa_service.indexes import vector
from qa_service.indexes.vector import (
    FaissIndex,
    FaissIndexWriter,
    VectorIndexInfo,
    exact_neighbours,
    make_questions,
    needs_rebuild,
)

Keys = NDArray[np.int64]
Vectors = NDArray[np.float32]


class Corpus:
    """Clustered unit vectors by key: what the store hands the index as exact vectors."""

    def __init__(self, count: int, dimension: int = 32, first_key: int = 1) -> None:
        generator = np.random.default_rng(count)
        centres = generator.standard_normal((max(1, count // 50), dimension))
        noise = generator.standard_normal((count, dimension))
        vectors = centres[generator.integers(0, len(centres), count)] + 0.7 * noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.keys = np.arange(first_key, first_key + count, dtype=np.int64) * 3
        self.vectors = vectors.astype(np.float32)
        self.dimension = dimension

    def __call__(self, keys: Keys) -> Vectors:
        places = np.searchsorted(self.keys, keys)
        known = self.keys[np.minimum(places, len(self.keys) - 1)]
        if not np.array_equal(known, keys):
            raise KeyError(int(keys[known != keys][0]))
        return self.vectors[places]

    def best(self, question: Vectors, top_k: int, allowed: Keys | None = None) -> list[int]:
        """Return the right answer, found the slow way."""
        keys = self.keys if allowed is None else allowed
        scores = self(keys) @ question
        return keys[np.lexsort((keys, -scores))][:top_k].tolist()


def build(path: Path, corpus: Corpus, keys: Keys | None = None) -> FaissIndex:
    """Write an index and open it."""
    writer = FaissIndexWriter(path, corpus.dimension, corpus, threads=1)
    writer.build(corpus.keys if keys is None else keys)
    return FaissIndex.open(path, corpus)


@pytest.fixture(scope="module", params=[32, 33, 256])
def large(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[FaissIndex, Corpus]:
    """Return an index in lists; the limit is lowered so that it takes a second to make."""
    corpus = Corpus(6000, request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector, "EXACT_UP_TO", 2000)
        index = build(tmp_path_factory.mktemp("large") / "vectors.faiss", corpus)
    return index, corpus


def test_small_index_is_exact(tmp_path: Path) -> None:
    """Every question gets the very neighbours that comparing with all would give."""
    corpus = Corpus(400)
    index = build(tmp_path / "v.faiss", corpus)
    assert index.info.kind == "exact"
    for question in make_questions(corpus.vectors[:20], corpus.vectors):
        found = index.search(question, 10)
        assert found.keys.tolist() == corpus.best(question, 10)
        assert np.allclose(found.scores, corpus(found.keys) @ question, atol=1e-6)


def test_only_allowed_passages_are_found(tmp_path: Path) -> None:
    """A filter leaves the best of the allowed ones, however few."""
    corpus = Corpus(400)
    index = build(tmp_path / "v.faiss", corpus)
    question = make_questions(corpus.vectors[:1], corpus.vectors)[0]
    for allowed in (corpus.keys[::7], corpus.keys[:3], corpus.keys[:0]):
        found = index.search(question, 5, allowed)
        assert found.keys.tolist() == corpus.best(question, 5, allowed)


def test_filters_too_wide_to_scan_are_exact_in_a_small_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of searching changes with the number of allowed passages, the answer does not."""
    monkeypatch.setattr(vector, "SCAN_UP_TO", 10)
    corpus = Corpus(400)
    index = build(tmp_path / "v.faiss", corpus)
    for question in make_questions(corpus.vectors[:10], corpus.vectors):
        found = index.search(question, 5, corpus.keys[::2])
        assert found.keys.tolist() == corpus.best(question, 5, corpus.keys[::2])


def test_asking_for_more_than_there_is_gives_all(tmp_path: Path) -> None:
    """Short results are not padded."""
    corpus = Corpus(7)
    index = build(tmp_path / "v.faiss", corpus)
    assert sorted(index.search(corpus.vectors[0], 50).keys.tolist()) == corpus.keys.tolist()


@pytest.mark.parametrize("top_k", [1, 2, 5, 29, 30, 31])
def test_ties_go_by_key(tmp_path: Path, top_k: int) -> None:
    """Of many passages with one vector the lowest keys are found, wherever they are stored."""
    corpus = Corpus(60)
    corpus.vectors[::2] = corpus.vectors[0]
    writer = FaissIndexWriter(tmp_path / "v.faiss", corpus.dimension, corpus, threads=1)
    writer.build(corpus.keys[30:])
    writer.update(corpus.keys[:30], corpus.keys[:0])
    index = FaissIndex.open(tmp_path / "v.faiss", corpus)
    found = index.search(corpus.vectors[0], top_k)
    assert found.keys.tolist() == corpus.best(corpus.vectors[0], top_k)


def test_empty_index_finds_nothing(tmp_path: Path) -> None:
    """An index of no vectors is valid."""
    corpus = Corpus(5)
    index = build(tmp_path / "v.faiss", corpus, corpus.keys[:0])
    assert len(index) == 0
    assert index.search(corpus.vectors[0], 5).keys.tolist() == []
    assert index.keys().tolist() == []


def test_large_index_reaches_the_recall_wanted(large: tuple[FaissIndex, Corpus]) -> None:
    """In lists, at least 99 of 100 of the ten nearest are found, with their exact scores."""
    index, corpus = large
    assert index.info.kind == "ivf-pq4"
    assert index.info.recall >= vector.RECALL_TO_REACH
    assert 0 < index.info.n_probe < index.info.lists
    generator = np.random.default_rng(5)
    places = generator.choice(len(corpus.keys), 200, replace=False)
    questions = make_questions(corpus.vectors[places], corpus.vectors)
    hits = 0
    for question in questions:
        found = index.search(question, 10)
        hits += len(set(found.keys.tolist()) & set(corpus.best(question, 10)))
        assert np.allclose(found.scores, corpus(found.keys) @ question, atol=1e-6)
        assert np.all(np.diff(found.scores) <= 0)
    assert hits >= 0.99 * 10 * len(questions)


@pytest.mark.parametrize("step", [2, 3, 50, 3000])
def test_filters_in_a_large_index(
    large: tuple[FaissIndex, Corpus], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Filters narrow and wide find at least 99 of 100, and nothing that is not allowed."""
    monkeypatch.setattr(vector, "SCAN_UP_TO", 500)
    monkeypatch.setattr(vector, "VISIT_ALL_UP_TO", 2500)
    index, corpus = large
    allowed = corpus.keys[::step]
    hits = wanted = 0
    for question in make_questions(corpus.vectors[:50], corpus.vectors):
        found = index.search(question, 10, allowed).keys
        assert np.isin(found, allowed).all()
        best = corpus.best(question, 10, allowed)
        hits += len(set(found.tolist()) & set(best))
        wanted += len(best)
    assert hits >= 0.99 * wanted


@pytest.mark.parametrize("limit", [10_000, 300])
def test_update_equals_a_fresh_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Adding and removing passages leaves just the keys that should be there, findable."""
    monkeypatch.setattr(vector, "EXACT_UP_TO", limit)
    corpus = Corpus(1000)
    before, removed, after = corpus.keys[:800], corpus.keys[:200], corpus.keys[200:]
    path = tmp_path / "v.faiss"
    old = build(path, corpus, before)
    FaissIndexWriter(path, corpus.dimension, corpus).update(corpus.keys[800:], removed)
    new = FaissIndex.open(path, corpus)
    assert new.keys().tolist() == after.tolist()
    assert len(new) == len(after)
    for place in (250, 799, 900, 999):
        assert new.search(corpus.vectors[place], 1).keys.tolist() == [corpus.keys[place]]
    for key in removed[:20]:
        assert key not in new.search(corpus([key])[0], 20).keys
    # Whoever had the old file open still sees what it held.
    assert old.keys().tolist() == before.tolist()
    assert old.search(corpus.vectors[0], 1).keys.tolist() == [corpus.keys[0]]


def test_exact_neighbours_agree_with_sorting(tmp_path: Path) -> None:
    """What recall is measured against is itself right, across batches."""
    corpus = Corpus(500)
    questions = make_questions(corpus.vectors[:9], corpus.vectors)
    found = exact_neighbours(questions, corpus.keys, corpus, depth=10, batch_rows=64)
    for row, question in zip(found, questions, strict=True):
        assert sorted(row.tolist()) == sorted(corpus.best(question, 10))


def test_questions_are_as_far_as_said() -> None:
    """The questions made up to measure recall are unit vectors at the cosine that is stated."""
    corpus = Corpus(50)
    questions = make_questions(corpus.vectors, corpus.vectors)
    assert np.allclose(np.linalg.norm(questions, axis=1), 1, atol=1e-5)
    cosines = np.sum(questions * corpus.vectors, axis=1)
    assert np.allclose(cosines, vector.QUESTION_COSINE, atol=1e-5)


@pytest.mark.parametrize(
    ("lists", "trained_on", "vectors", "expected"),
    [
        (0, 10, 20_000, False),
        (0, 10, 20_001, True),
        (566, 20_001, 20_001, False),
        (566, 20_001, 15_000, False),
        (566, 20_001, 10_000, True),
        (566, 20_001, 80_004, False),
        (566, 20_001, 80_005, True),
    ],
)
def test_when_to_build_anew(lists: int, trained_on: int, vectors: int, expected: bool) -> None:
    """The kind follows the size, without flapping at the limit."""
    kind = "ivf-pq4" if lists else "exact"
    info = VectorIndexInfo(kind, 32, lists, 8, trained_on, 1.0)
    assert needs_rebuild(info, vectors) is expected


@pytest.mark.parametrize("name", ["v.faiss", "v.json"])
@pytest.mark.parametrize("content", [b"", b"torn", None])
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    """A torn or missing file ends in a message that names it and how to mend it."""
    corpus = Corpus(20)
    build(tmp_path / "v.faiss", corpus)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(IndexCorruptError, match=rf"{name} cannot be read.*qa-service rollback"):
        FaissIndex.open(tmp_path / "v.faiss", corpus)


def test_failed_write_is_explained(tmp_path: Path) -> None:
    """A file that cannot be written ends in a message for a person."""
    corpus = Corpus(20)
    with pytest.raises(IndexWriteError, match="cannot be written"):
        build(tmp_path / "no such folder" / "v.faiss", corpus)
