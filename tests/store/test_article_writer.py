"""Keys of passages: kept for what stays, never used again for anything else."""

from __future__ import annotations

from pathlib import Path

from index_parts import RECIPE, make_indexer
from stored_articles import TEXTS, change

from qa_service.store import Generation, Store


def test_keys_are_never_used_again(store: Store, articles: Path) -> None:
    """A key that meant one passage never means another, not even after a rollback or a rebuild."""
    meaning: dict[int, str] = {}

    def note(generation: Generation) -> None:
        for key, passage in zip(
            generation.keys.tolist(), generation.passages(generation.keys), strict=True
        ):
            assert meaning.setdefault(key, passage.text) == passage.text

    note(store.open_current(RECIPE))
    note(change(store, articles, "en.txt", "Canal\nanother text"))
    store.rollback()
    note(change(store, articles, "en.txt", "Canal\nyet another text"))
    (articles / "en.txt").unlink()
    make_indexer(store.path).run([articles], rebuild=True)
    note(store.open_current(RECIPE))


def test_unchanged_passages_keep_their_keys(store: Store, articles: Path) -> None:
    """Editing one paragraph leaves the others' places in every index alone."""
    generation = store.open_current(RECIPE)
    keys, passages = generation.keys_of("ar.txt").tolist(), generation.passages_of("ar.txt")
    before = dict(zip(keys, passages, strict=True))
    lines = TEXTS["ar.txt"].splitlines()
    after = change(store, articles, "ar.txt", "\n".join([lines[0], "فقرة جديدة.", lines[2]]))
    kept = set(before) & set(after.keys_of("ar.txt").tolist())
    assert sorted(before[key].text for key in kept) == sorted([lines[0], lines[2]])
