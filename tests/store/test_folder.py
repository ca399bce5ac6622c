"""The index folder as a whole: which generation is in service, and what stands in for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store, verify
from stored_articles import TEXTS, change

from qa_service.errors import IndexCorruptError, NoIndexError, NoPreviousGenerationError
from qa_service.store import Store
from qa_service.store.manifest import MANIFEST


def test_no_index_yet(tmp_path: Path) -> None:
    """An empty or missing folder holds no index, and asking for one makes none."""
    for path in (tmp_path / "missing", tmp_path):
        store = make_store(path)
        assert store.current_id() is None
        assert store.previous_id() is None
        with pytest.raises(NoIndexError, match="qa-service index"):
            store.open_current(RECIPE)
    assert not (tmp_path / "missing").exists()


def test_rollback(store: Store, articles: Path) -> None:
    """The previous generation answers again, and there is none before it."""
    change(store, articles, "en.txt", "Canal\nThe canal was closed.").close()
    manifest = store.rollback()
    assert manifest.id == store.current_id()
    assert store.open_current(RECIPE).article("en.txt").text == TEXTS["en.txt"]
    with pytest.raises(NoPreviousGenerationError, match="qa-service index --rebuild"):
        store.rollback()
    # Indexing again brings the newer text back, and never a key that meant something else.
    generation = change(store, articles, "zh.txt", "新\n新的")
    assert generation.article("en.txt").text == "Canal\nThe canal was closed."
    assert verify(generation) == ()


def test_last_good_generation_stands_in(store: Store, articles: Path) -> None:
    """When the live generation is damaged the one before it can serve, and the damage is told."""
    good = store.current_id()
    bad = change(store, articles, "en.txt", "Canal\nThe canal was closed.")
    (bad.folder / "tokens" / "table.npy").unlink()
    bad.close()
    last = store.open_last_good(RECIPE)
    assert last.generation is not None
    assert last.generation.id == good
    assert "table.npy" in str(last.problem)
    # The next run mends it, though no file has changed.
    report = make_indexer(store.path).run([articles])
    assert report.is_new
    mended = store.open_current(RECIPE)
    assert mended.article("en.txt").text == "Canal\nThe canal was closed."
    assert verify(mended) == ()


def test_everything_damaged(store: Store, articles: Path) -> None:
    """When no generation opens, that is told, and indexing makes the index anew."""
    folder = store.open_current().folder
    (folder / MANIFEST).write_text("{}", encoding="utf-8")
    last = store.open_last_good(RECIPE)
    assert last.generation is None
    assert last.problem is not None
    make_indexer(store.path).run([articles])
    assert verify(store.open_current(RECIPE)) == ()


@pytest.mark.parametrize(
    "content", ["", "../../etc", "nothing-there", "000099-20260101T000000Z", "\x00"]
)
def test_broken_current(store: Store, content: str) -> None:
    """A CURRENT that names no generation is an error with a mend, not a crash."""
    (store.path / "CURRENT").write_text(content, encoding="utf-8")
    with pytest.raises(IndexCorruptError, match="qa-service rollback"):
        store.open_current(RECIPE)
    assert store.open_last_good(RECIPE).generation is not None
    store.rollback()
    assert verify(store.open_current(RECIPE)) == ()


def test_what_a_killed_run_was_building_goes(store: Store, articles: Path) -> None:
    """The next run deletes what is left of one that was killed, even when nothing has changed."""
    leftover = store.path / "building" / "000009-20260101T000000Z"
    (leftover / "lexical").mkdir(parents=True)
    (leftover / "articles.db").write_bytes(b"half")
    (store.path / "CURRENT.new").write_text("half")
    current = store.current_id()
    assert store.open_current(RECIPE).id == current
    assert store.previous_id() is None
    report = make_indexer(store.path).run([articles])
    assert not report.is_new
    assert not leftover.exists()
    assert not (store.path / "CURRENT.new").exists()
