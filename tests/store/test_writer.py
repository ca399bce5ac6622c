"""A generation that is being written: in order, in one piece, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer
from stored_articles import change

from qa_service.errors import IndexWriteError
from qa_service.store import Generation, Store
from qa_service.store.writer import GenerationWriter


def test_unchanged_files_are_shared(store: Store, articles: Path) -> None:
    """A small change writes a small part of what a generation holds anew."""
    before = store.open_current(RECIPE)
    after = change(store, articles, "new.txt", "New\nshort")
    shared = [
        name
        for name in before.manifest.files
        if name in after.manifest.files and (before.folder / name).samefile(after.folder / name)
    ]
    assert "vectors/000001.rows" in shared
    assert "tokens/000001.rows" in shared
    assert "articles.db" not in shared


def test_the_manifest_is_written_once(store: Store, articles: Path) -> None:
    """Nothing of a generation is written, and then written over."""
    steps: list[str] = []
    (articles / "new.txt").write_text("New\nnew", encoding="utf-8")
    make_indexer(store.path, fault=steps.append).run([articles], rebuild=True)
    assert steps.count("write manifest") == 1


def begin(store: Store, base: Generation | None = None) -> GenerationWriter:
    """Begin a generation."""
    return store.begin(RECIPE, base)


def test_what_was_not_committed_leaves_nothing(store: Store) -> None:
    """A writer that is given up takes its folder with it; the generation in service stays."""
    before = store.current_id()
    with store.write_lock(), begin(store) as writer:
        assert writer.folder.is_dir()
        writer.seal_articles()
    assert not writer.folder.exists()
    assert store.current_id() == before


def test_a_failed_write_says_how_to_mend_it(store: Store) -> None:
    """An error of the system on the way out becomes one that says what to do."""
    with (
        store.write_lock(),
        pytest.raises(IndexWriteError, match=r"disk is full.*index in service is untouched"),
        begin(store) as writer,
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not writer.folder.exists()


def test_steps_have_their_order(store: Store) -> None:
    """What follows from the articles is not there before they are sealed, nor rows before that."""
    with store.write_lock(), begin(store) as writer:
        with pytest.raises(RuntimeError, match="seal_articles comes first"):
            _ = writer.change
        writer.seal_articles()
        with pytest.raises(RuntimeError, match="finish_rows comes first"):
            _ = writer.embeddings


def test_what_came_and_went_is_told(store: Store, generation: Generation) -> None:
    """Of a file taken out, in whatever script, the passages go; what is left stays as it was."""
    gone = generation.keys_of("ar.txt").tolist()
    with store.write_lock(), begin(store, generation) as writer:
        writer.articles.remove_file("ar.txt")
        change = writer.seal_articles()
    assert change.removed.tolist() == gone
    assert change.added.tolist() == []
    assert (change.files, change.articles) == (5, 5)
    assert change.language_counts() == {"en": 3, "hi": 2, "th": 2, "zh": 3, "ar": 2}
