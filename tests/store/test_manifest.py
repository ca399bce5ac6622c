"""The manifest tells what a generation holds, and what it may be opened with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from index_parts import RECIPE

from qa_service.errors import IndexMismatchError
from qa_service.store import Generation, Recipe, Store
from qa_service.store.manifest import MANIFEST


@pytest.mark.parametrize(
    ("field", "value"), [("model", "other-model"), ("codec", "pq-2"), ("analyzer", "words-9")]
)
def test_other_parts_are_refused(store: Store, field: str, value: str) -> None:
    """An index made with another model, codec or analyser names both and the mend."""
    wanted = dataclasses.replace(RECIPE, **{field: value})
    found_value = getattr(RECIPE, field)
    with pytest.raises(
        IndexMismatchError,
        match=rf"{field} {found_value}; settings ask for {value}.*qa-service index --rebuild",
    ):
        store.open_current(wanted)


@pytest.mark.parametrize("field", ["chunker", "reading", "statistics"])
def test_other_rules_of_making_still_answer(store: Store, field: str) -> None:
    """Articles read, cut or learnt from differently are as good until the next run."""
    store.open_current(dataclasses.replace(RECIPE, **{field: "2"}))


def test_another_format_is_refused(store: Store) -> None:
    """A generation of a later version is not misread."""
    path = store.open_current().folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8")) | {"format": 99}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="format 99"):
        store.open_current(RECIPE)


def test_manifest_tells_what_is_inside(generation: Generation, articles: Path) -> None:
    """The manifest counts, dates and names what the generation holds."""
    manifest = generation.manifest
    assert manifest.recipe == RECIPE
    assert isinstance(manifest.recipe, Recipe)
    assert (manifest.file_count, manifest.articles, manifest.passages) == (6, 6, 15)
    assert manifest.sources == (str(articles),)
    assert manifest.parent is None
    assert manifest.created_at.tzinfo is not None
    sizes = sum((generation.folder / name).stat().st_size for name in manifest.files)
    assert manifest.size_bytes == sizes
