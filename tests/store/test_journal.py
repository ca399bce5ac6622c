"""The journal: what a killed run had embedded is there for the next one, or nothing is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from qa_service.indexes.packing import EmbeddingSize, PackedEmbedding
from qa_service.store.journal import JOURNAL_FILES, KEYS_PER_QUERY, Journal

SIZE = EmbeddingSize(dimension=4, code_size=2)


def embedding(seed: int, tokens: int = 3) -> PackedEmbedding:
    """Return an embedding that no other seed gives."""
    chance = np.random.default_rng(seed)
    return PackedEmbedding(
        chance.integers(0, 256, (1, SIZE.vector_bytes), np.uint8),
        chance.integers(0, 256, (tokens, SIZE.token_bytes), np.uint8),
    )


def test_what_was_added_is_found_by_the_next_run(tmp_path: Path) -> None:
    """Whatever was added before the file was let go of comes back as it was, and nothing else."""
    known = {b"first": embedding(1), b"none": embedding(2, tokens=0)}
    with closing(Journal(tmp_path / "cache", SIZE)) as journal:
        journal.add(known)
    with closing(Journal(tmp_path / "cache", SIZE)) as journal:
        found = journal.find([b"first", b"none", b"unknown"])
    assert found.keys() == known.keys()
    for key, item in known.items():
        assert np.array_equal(found[key].vector, item.vector)
        assert np.array_equal(found[key].tokens, item.tokens)


def test_more_hashes_than_a_statement_takes(tmp_path: Path) -> None:
    """As many as there are can be asked for at once."""
    known = {str(number).encode(): embedding(number) for number in range(2 * KEYS_PER_QUERY + 1)}
    with closing(Journal(tmp_path, SIZE)) as journal:
        journal.add(known)
        assert journal.find(list(known)).keys() == known.keys()


def test_a_later_embedding_stands_in_for_an_earlier_one(tmp_path: Path) -> None:
    """What is added again replaces what was there."""
    with closing(Journal(tmp_path, SIZE)) as journal:
        for seed in (1, 2):
            journal.add({b"same": embedding(seed)})
        assert np.array_equal(journal.find([b"same"])[b"same"].vector, embedding(2).vector)


def test_embeddings_of_another_size_are_not_taken(tmp_path: Path) -> None:
    """Another model's embeddings, of other lengths, are as good as none."""
    with closing(Journal(tmp_path, SIZE)) as journal:
        journal.add({b"a": embedding(1)})
    other = EmbeddingSize(dimension=8, code_size=2)
    with closing(Journal(tmp_path, other)) as journal:
        assert journal.find([b"a"]) == {}


def test_cleared_is_empty_and_goes_on(tmp_path: Path) -> None:
    """Nothing is left, and more can be added."""
    with closing(Journal(tmp_path, SIZE)) as journal:
        journal.add({b"a": embedding(1)})
        journal.clear()
        journal.add({b"b": embedding(2)})
        assert journal.find([b"a", b"b"]).keys() == {b"b"}


@pytest.mark.parametrize("name", JOURNAL_FILES)
@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_whatever_is_left_of_a_journal_it_can_be_used(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """Damage to any of its files costs what was in it, at most."""
    with closing(Journal(tmp_path, SIZE)) as journal:
        journal.add({b"a": embedding(1)})
    (tmp_path / name).write_bytes(content)
    with closing(Journal(tmp_path, SIZE)) as journal:
        assert journal.find([b"a"]).keys() <= {b"a"}
        journal.add({b"b": embedding(2)})
        assert b"b" in journal.find([b"b"])
