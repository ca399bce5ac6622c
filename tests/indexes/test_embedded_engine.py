"""The engine in this process: what it keeps in files, and what it does where it may not write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_passages import SIZE, TEXTS, center, keys, write
from index_parts import WordAnalyzer

from qa_service.errors import IndexWriteError
from qa_service.indexes.embedded_engine import UNPACKED_AT_ONCE, EmbeddedEngine
from qa_service.indexes.lexical import TantivyIndex


def test_more_vectors_than_are_unpacked_at_once(tmp_path: Path) -> None:
    """Pieces are put together in the order asked for."""
    opened = write(EmbeddedEngine(), tmp_path / "1", TEXTS)
    wanted = np.resize(keys(*TEXTS), UNPACKED_AT_ONCE + 3)
    once = opened.embeddings.vectors(keys(*TEXTS))
    assert np.array_equal(opened.embeddings.vectors(wanted), np.resize(once, (len(wanted), 32)))


def test_rows_come_before_the_vectors_made_of_them(tmp_path: Path) -> None:
    """The vector index follows from stored embeddings, so it cannot be written before them."""
    (tmp_path / "1").mkdir()
    writer = EmbeddedEngine().begin(tmp_path / "1", SIZE, None)
    with pytest.raises(RuntimeError, match="finish_embeddings comes first"):
        writer.finish_vectors(keys(3), keys(3), keys(), center, is_stale=True)
    writer.abandon()


def test_every_part_counts_the_passages(tmp_path: Path) -> None:
    """Vectors, tokens, terms and the vector index: each by the name of its files."""
    opened = write(EmbeddedEngine(), tmp_path / "1", TEXTS)
    assert opened.counts() == dict.fromkeys(
        ("vectors.faiss", "vectors", "tokens", "lexical"), len(TEXTS) + 1
    )
    assert [name for name, _ in opened.keys_by_part()] == ["vectors", "tokens", "vectors.faiss"]


@pytest.mark.parametrize("key", TEXTS)
def test_terms_are_found_on_a_read_only_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: int
) -> None:
    """Where the lexical index may not put its lock, it is read through links from elsewhere."""
    write(EmbeddedEngine(), tmp_path / "1", TEXTS)
    folder = tmp_path / "1" / "lexical"
    open_as_ever = TantivyIndex.open

    def open_elsewhere(path: Path) -> TantivyIndex:
        if path == folder:
            raise IndexWriteError(f"{path} cannot be written")
        return open_as_ever(path)

    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(TantivyIndex, "open", open_elsewhere)
    opened = EmbeddedEngine().open(tmp_path / "1", SIZE, center)
    found = opened.lexical.search(WordAnalyzer().terms(TEXTS[key], "und"), 1)
    assert found.keys.tolist() == [key]
    assert sorted(path.name for path in folder.iterdir()) == before
