"""An index of articles in six scripts, made anew for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store
from stored_articles import TEXTS

from qa_service.store import Generation, Store


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Return a folder of articles in six scripts."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path, articles: Path) -> Store:
    """Return a store with one generation of those articles."""
    make_indexer(tmp_path / "index").run([articles])
    return make_store(tmp_path / "index")


@pytest.fixture
def generation(store: Store) -> Generation:
    """Return that generation."""
    return store.open_current(RECIPE)
