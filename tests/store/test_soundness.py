"""Files that are missing, torn or changed are noticed and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from index_parts import RECIPE, verify

from qa_service.errors import IndexCorruptError, IndexMismatchError
from qa_service.store import Generation, Store
from qa_service.store.manifest import MANIFEST


def files_of(generation: Generation) -> list[str]:
    """Return every file of a generation, the manifest included."""
    return [*generation.manifest.files, MANIFEST]


def test_every_missing_file_is_noticed_on_opening(store: Store) -> None:
    """Take away any file, and opening names it and the mend."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        (folder / name).rename(folder / "away")
        with pytest.raises(IndexCorruptError, match=rf"{Path(name).name}.*qa-service rollback"):
            store.open_current(RECIPE)
        (folder / "away").rename(folder / name)
    assert verify(store.open_current(RECIPE)) == ()


def put(path: Path, content: bytes | bytearray) -> None:
    """Put a new file in the place of one that may be mapped: cutting that short would kill."""
    beside = path.with_name("beside")
    beside.write_bytes(content)
    beside.replace(path)


def test_every_torn_file_is_noticed_on_opening(store: Store) -> None:
    """Cut any file short, and opening names it."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        content = (folder / name).read_bytes()
        put(folder / name, content[: len(content) // 2])
        with pytest.raises(IndexCorruptError, match=Path(name).name):
            store.open_current(RECIPE)
        put(folder / name, content)


def test_every_changed_byte_is_found_by_verify(store: Store) -> None:
    """Flip a bit anywhere, and `verify` names the file, or it does not even open."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        content = (folder / name).read_bytes()
        for place in {0, len(content) // 3, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 1
            put(folder / name, changed)
            try:
                problems = verify(store.open_current(RECIPE))
            except (IndexCorruptError, IndexMismatchError):
                continue
            assert any(name in problem for problem in problems), (name, place)
        put(folder / name, content)
    assert verify(store.open_current(RECIPE)) == ()
