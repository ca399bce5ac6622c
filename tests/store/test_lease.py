"""A generation stays as long as somebody reads it, and not longer."""

from __future__ import annotations

from pathlib import Path

from index_parts import RECIPE, verify
from stored_articles import TEXTS, change, found

from qa_service.store import Store


def test_a_reader_keeps_its_generation(store: Store, articles: Path) -> None:
    """Whoever holds a generation sees all of it, through any number of switches and deletions."""
    first = store.open_current(RECIPE)
    for number in range(4):
        change(store, articles, "en.txt", f"Canal\nThe canal was closed {number} times.")
    assert first.folder.is_dir()
    assert found(first, "82 kilometres long").text == "The canal is 82 kilometres long."
    assert first.article("en.txt").text == TEXTS["en.txt"]
    assert verify(first) == ()
    assert (
        found(store.open_current(RECIPE), "the canal was closed 3 times").text
        == "The canal was closed 3 times."
    )
    folder = first.folder
    first.close()
    change(store, articles, "en.txt", "Canal\nopen")
    assert not folder.exists()


def test_old_generations_go_when_nobody_reads_them(store: Store, articles: Path) -> None:
    """The live generation and the one before it stay, and nothing else."""
    for number in range(3):
        change(store, articles, "en.txt", f"Canal {number}").close()
    names = sorted(path.name for path in (store.path / "generations").iterdir())
    assert names == [store.previous_id(), store.current_id()]
    assert list((store.path / "building").iterdir()) == []
    assert list((store.path / "cache").iterdir()) == []
