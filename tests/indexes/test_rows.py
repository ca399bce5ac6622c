"""Rows by key: what was put in comes out, across generations, merges and rewrites."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_service.errors import IndexCorruptError
from qa_service.indexes.rows import RowStore, RowWriter, segments_to_merge

ROW = 4


def rows_of(key: int, count: int) -> NDArray[np.uint8]:
    """Return rows that no other key has."""
    generator = np.random.default_rng(key)
    return generator.integers(0, 256, (count, ROW), dtype=np.uint8)


def keys(*numbers: int) -> NDArray[np.int64]:
    """Return an array of keys."""
    return np.array(numbers, dtype=np.int64)


def write(folder: Path, counts: dict[int, int], base: RowStore | None = None) -> RowStore:
    """Write a folder that holds these keys, going on from `base` as the store does."""
    folder.mkdir()
    known = [] if base is None else base.keys.tolist()
    if base is not None:
        for path in base.folder.iterdir():
            os.link(path, folder / path.name)
    writer = RowWriter(folder, ROW, base)
    for key in sorted(counts.keys() - set(known)):
        writer.append(key, rows_of(key, counts[key]))
    writer.finish(keys(*sorted(counts)))
    return RowStore(folder, ROW)


def test_rows_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    """Keys may be asked for in any order and more than once; a key may own no rows."""
    store = write(tmp_path / "a", {1: 2, 5: 0, 9: 3})
    batch = store.get(keys(9, 5, 1, 9))
    assert batch.offsets.tolist() == [0, 3, 3, 5, 8]
    assert np.array_equal(batch.rows[3:5], rows_of(1, 2))
    assert np.array_equal(batch.rows[5:], rows_of(9, 3))
    assert [len(view) for view in store.views(keys(5, 9))] == [0, 3]
    assert np.diff(store.get(keys(9, 5)).offsets).tolist() == [3, 0]


def not_cached(_descriptor: int, _into: object, _start: int) -> int:
    """Say that reading would have to wait for the disk."""
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def not_supported(_descriptor: int, _into: object, _start: int) -> int:
    """Say, as some file systems do, that reading without waiting is unknown."""
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


def half_cached(_descriptor: int, into: list[memoryview], _start: int) -> int:
    """Read the first byte alone, as when the rest would have to come from the disk."""
    into[0].cast("B")[0] = 255
    return 1


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="the system cannot read without waiting")
@pytest.mark.parametrize("without_waiting", [not_cached, not_supported, half_cached])
def test_what_is_not_in_memory_is_announced_and_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_waiting: Callable[[int, object, int], int],
) -> None:
    """All rows are announced before the first is waited for, and read where advice is refused."""
    store = write(tmp_path / "a", {1: 2, 5: 0, 9: 3})
    read = os.preadv
    happened: list[tuple[str, int]] = []

    def refuse(_descriptor: int, start: int, size: int, _advice: int) -> None:
        happened.append((f"announced {size}", start))
        raise OSError(errno.ENOSYS, "Function not implemented")

    def preadv(descriptor: int, into: list[memoryview], start: int, flags: int = 0) -> int:
        if flags & os.RWF_NOWAIT:
            return without_waiting(descriptor, into, start)
        happened.append(("read", start))
        return read(descriptor, into, start)

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    monkeypatch.setattr(os, "preadv", preadv)
    rows = store.get(keys(9, 5, 1)).rows
    assert np.array_equal(rows, np.concatenate([rows_of(9, 3), rows_of(1, 2)]))
    nine, one = 2 * ROW, 0
    assert happened == [
        (f"announced {3 * ROW}", nine),
        (f"announced {2 * ROW}", one),
        ("read", nine),
        ("read", one),
    ]


def test_reads_where_the_system_knows_nothing_of_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are the same on systems that neither take advice nor read without waiting."""
    store = write(tmp_path / "a", {1: 2, 9: 3})
    for name in ("RWF_NOWAIT", "posix_fadvise"):
        monkeypatch.delattr(os, name, raising=False)
    assert np.array_equal(store.get(keys(9)).rows, rows_of(9, 3))


@pytest.mark.parametrize("asked", [[2], [1, 2], [10**12], [0], [1, 9, 3]])
def test_unknown_key_is_an_error(tmp_path: Path, asked: list[int]) -> None:
    """A key that is not there is never answered with another's rows."""
    store = write(tmp_path / "a", {1: 1, 9: 1})
    with pytest.raises(KeyError):
        store.get(keys(*asked))
    with pytest.raises(KeyError):
        store.get_firsts(keys(*asked))


def test_empty_store_answers_nothing_and_knows_no_key(tmp_path: Path) -> None:
    """A folder without keys is a valid store."""
    store = write(tmp_path / "a", {})
    assert len(store) == 0
    assert store.get(keys()).rows.shape == (0, ROW)
    assert store.problems() == []
    with pytest.raises(KeyError):
        store.views(keys(1))


def test_views_are_not_copies(tmp_path: Path) -> None:
    """Asking for a passage's rows reads only the pages they lie on."""
    store = write(tmp_path / "a", {1: 2, 2: 2})
    (view,) = store.views(keys(2))
    assert not view.flags.owndata
    assert not view.flags.writeable


def test_next_generation_shares_files_and_leaves_the_old_one_alone(tmp_path: Path) -> None:
    """Adding and removing keys changes nothing for readers of the folder it began from."""
    first = write(tmp_path / "a", dict.fromkeys(range(1, 11), 10))
    second = write(tmp_path / "b", dict.fromkeys(range(2, 12), 10), first)
    assert first.keys.tolist() == list(range(1, 11))
    assert np.array_equal(first.get(keys(1)).rows, rows_of(1, 10))
    assert second.keys.tolist() == list(range(2, 12))
    assert (tmp_path / "b" / "000001.rows").samefile(tmp_path / "a" / "000001.rows")
    assert RowStore(tmp_path / "a", ROW).keys.tolist() == list(range(1, 11))


@given(
    generations=st.lists(
        st.dictionaries(st.integers(1, 60), st.integers(0, 5), max_size=25), min_size=1, max_size=6
    )
)
def test_any_history_keeps_every_live_row(
    tmp_path_factory: pytest.TempPathFactory, generations: list[dict[int, int]]
) -> None:
    """After any series of additions and removals each live key has its rows, and no other is known.

    Keys are given out once in an index's life, so each key's rows are the same throughout.
    """
    root = tmp_path_factory.mktemp("rows")
    counts: dict[int, int] = {}
    retired: set[int] = set()
    store: RowStore | None = None
    for number, wanted in enumerate(generations):
        retired |= counts.keys() - wanted.keys()
        counts = {
            key: counts.get(key, count) for key, count in wanted.items() if key not in retired
        }
        store = write(root / str(number), counts, store)
        assert store.keys.tolist() == sorted(counts)
        for key, count in counts.items():
            assert np.array_equal(store.get(keys(key)).rows, rows_of(key, count))
        assert store.problems() == []


def test_many_small_additions_leave_few_segments(tmp_path: Path) -> None:
    """A hundred articles added one by one end in a handful of files."""
    store: RowStore | None = None
    counts: dict[int, int] = {}
    for key in range(1, 101):
        counts[key] = 3
        store = write(tmp_path / str(key), counts, store)
    assert len(list((tmp_path / "100").glob("*.rows"))) <= 8
    assert store is not None
    assert all(np.array_equal(store.get(keys(key)).rows, rows_of(key, 3)) for key in counts)


def test_dead_rows_are_given_back(tmp_path: Path) -> None:
    """Once more than three rows in ten are dead, the file shrinks."""
    first = write(tmp_path / "a", dict.fromkeys(range(1, 101), 10))
    few = write(tmp_path / "b", dict.fromkeys(range(21, 101), 10), first)
    many = write(tmp_path / "c", dict.fromkeys(range(41, 101), 10), few)

    def size(name: str) -> int:
        return sum(path.stat().st_size for path in (tmp_path / name).glob("*.rows"))

    assert size("a") == size("b") == 1000 * ROW
    assert size("c") == 600 * ROW
    assert np.array_equal(many.get(keys(77)).rows, rows_of(77, 10))


@pytest.mark.parametrize(
    ("sizes", "live", "expected"),
    [
        ({1: 100}, {1: 100}, []),
        ({1: 100}, {1: 71}, []),
        ({1: 100}, {1: 69}, [1]),
        ({1: 100, 2: 50}, {1: 100, 2: 50}, []),
        ({1: 100, 2: 51}, {1: 100, 2: 51}, [1, 2]),
        ({1: 1000, 2: 10, 3: 9}, {1: 1000, 2: 10, 3: 9}, [2, 3]),
        ({1: 1000, 2: 0}, {1: 1000, 2: 0}, [2]),
        ({1: 100, 2: 10}, {1: 50, 2: 10}, [1]),
    ],
)
def test_segments_to_merge(
    sizes: dict[int, int], live: dict[int, int], expected: list[int]
) -> None:
    """Segments shrink at least by half from one to the next, and none is mostly dead."""
    assert segments_to_merge(sizes, live) == expected


def test_missing_segment_is_named(tmp_path: Path) -> None:
    """A file that is gone ends in a message that names it and how to mend it."""
    write(tmp_path / "a", {1: 2})
    (tmp_path / "a" / "000001.rows").unlink()
    with pytest.raises(IndexCorruptError, match=r"000001\.rows is missing.*qa-service rollback"):
        RowStore(tmp_path / "a", ROW)


def test_torn_segment_is_found(tmp_path: Path) -> None:
    """A file cut in the middle of a row, or between rows, is noticed."""
    write(tmp_path / "a", {1: 2})
    path = tmp_path / "a" / "000001.rows"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexCorruptError, match="row size 4"):
        RowStore(tmp_path / "a", ROW)
    path.write_bytes(path.read_bytes()[:ROW])
    assert RowStore(tmp_path / "a", ROW).problems() != []


@pytest.mark.parametrize("content", [b"", b"junk", b"\x93NUMPY"])
def test_torn_table_is_named(tmp_path: Path, content: bytes) -> None:
    """A table that cannot be read ends in a message, not in a crash of the reader."""
    write(tmp_path / "a", {1: 2})
    (tmp_path / "a" / "table.npy").write_bytes(content)
    with pytest.raises(IndexCorruptError, match=r"table\.npy"):
        RowStore(tmp_path / "a", ROW)


def test_finish_without_rows_for_a_live_key_is_an_error(tmp_path: Path) -> None:
    """A passage can never be in the index without its rows."""
    writer = RowWriter(tmp_path, ROW)
    writer.append(1, rows_of(1, 1))
    with pytest.raises(KeyError, match="2"):
        writer.finish(keys(1, 2))


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    """Rows that are gone since the folder was opened are an error that says so, not a crash."""
    store = write(tmp_path / "a", {1: 3, 2: 5})
    segment = next((tmp_path / "a").glob("*.rows"))
    with segment.open("r+b") as file:
        file.truncate(4 * ROW)
    assert len(store.get(keys(1)).rows) == 3
    with pytest.raises(IndexCorruptError, match=r"\.rows ends before byte"):
        store.get(keys(1, 2))
