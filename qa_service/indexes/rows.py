"""Rows of bytes by passage key, in immutable files that generations share.

A folder holds segment files, each a plain run of rows of one size, and `table.npy`, which says
where the rows of each key stand. A segment never changes once it is written, so the next generation
takes it over by a hard link and writes only what is new; a key that is gone is simply absent from
the table. Segments are merged as they pile up, in the manner of log-structured merge trees, and
rewritten when too many of their rows are dead.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import IndexCorruptError
from qa_service.indexes.arrays import map_array
from qa_service.indexes.sorted_keys import places_of

TABLE = "table.npy"
SEGMENT_SUFFIX = ".rows"

DEAD_FRACTION_TO_REWRITE = 0.3
# A segment joins those after it when it is less than this many times as long as they are together:
# segments then shrink at least by half from one to the next, and their number stays logarithmic.
MERGE_RATIO = 2

# Where keys without rows are said to stand; there is no such file.
NO_SEGMENT = 0

_KEY, _SEGMENT, _START, _COUNT = range(4)


@dataclass(frozen=True, slots=True)
class RowBatch:
    """The rows of several keys, one after the other.

    `rows`: uint8 (total, row size). `offsets`: int64 (keys + 1,); key number i owns
    `rows[offsets[i]:offsets[i + 1]]`.
    """

    rows: NDArray[np.uint8]
    offsets: NDArray[np.int64]


class RowStore:
    """Reads the rows of a folder, only what is asked for.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path, row_size: int) -> None:
        self.folder = folder
        self.row_size = row_size
        try:
            table = map_array(folder / TABLE)
        except (OSError, ValueError, EOFError) as error:
            raise IndexCorruptError(
                f"{folder / TABLE} cannot be read ({error}). Run: qa-service index, "
                "which makes it anew, or qa-service rollback"
            ) from error
        if table.dtype != np.int64 or table.ndim != 2 or table.shape[0] != 4:
            raise IndexCorruptError(
                f"{folder / TABLE} holds {table.dtype} {table.shape}, expected int64 (4, n). "
                "Run: qa-service index, "
                "which makes it anew, or qa-service rollback"
            )
        self.table: NDArray[np.int64] = table
        numbers = [int(number) for number in np.unique(table[_SEGMENT])]
        self._segments = {
            number: _map_rows(segment_path(folder, number), row_size) for number in numbers
        }
        self._files = {
            number: _OpenFile(segment_path(folder, number))
            for number in numbers
            if number != NO_SEGMENT
        }

    def __len__(self) -> int:
        """Count keys."""
        return int(self.table.shape[1])

    @property
    def keys(self) -> NDArray[np.int64]:
        """Every key, ascending."""
        return np.asarray(self.table[_KEY])

    def views(self, keys: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        """Return the rows of each key, uint8 (count, row size), without copying them.

        Raises:
            KeyError: a key is unknown.
        """
        found = self.table[:, places_of(self.keys, keys)]
        return [
            self._segments[segment][start : start + count]
            for segment, start, count in found[_SEGMENT:].T.tolist()
        ]

    def get(self, keys: NDArray[np.int64]) -> RowBatch:
        """Return the rows of these keys, in the order given. KeyError for an unknown key."""
        found = self.table[:, places_of(self.keys, keys)]
        offsets = np.zeros(len(keys) + 1, dtype=np.int64)
        np.cumsum(found[_COUNT], out=offsets[1:])
        # Read, not mapped: pages that are mapped, and those around them, would count as memory of
        # this process long after a question has been answered.
        size = self.row_size
        rows = np.empty((int(offsets[-1]), size), dtype=np.uint8)
        room = rows.reshape(-1).data
        missing = []
        end = 0
        for segment, start, count in found[_SEGMENT:].T.tolist():
            begin, end = end, end + count * size
            if count:
                file, place, into = self._files[segment], start * size, room[begin:end]
                if not file.read_cached(place, into):
                    missing.append((file, place, into))
        # All are asked for before the first is read: a disk finds many at once as fast as a few.
        for file, place, into in missing:
            file.expect(place, into.nbytes)
        for file, place, into in missing:
            file.read(place, into)
        return RowBatch(rows=rows, offsets=offsets)

    def get_firsts(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the first row of each key, uint8 (keys, row size). KeyError for an unknown key."""
        found = self.table[:, places_of(self.keys, keys)]
        rows = np.empty((len(keys), self.row_size), dtype=np.uint8)
        for number, segment in self._segments.items():
            here = found[_SEGMENT] == number
            rows[here] = segment[found[_START][here]]
        return rows

    def problems(self) -> list[str]:
        """Check that keys ascend and that every key's rows lie inside its segment."""
        problems = []
        if len(self) and not np.all(np.diff(self.keys) > 0):
            problems.append(f"{self.folder / TABLE}: keys do not ascend")
        for number, segment in self._segments.items():
            here = self.table[:, self.table[_SEGMENT] == number]
            ends = here[_START] + here[_COUNT]
            if np.any(here[_START] < 0) or np.any(here[_COUNT] < 0) or np.any(ends > len(segment)):
                problems.append(f"{segment_path(self.folder, number)}: rows lie beyond its end")
        return problems


class _OpenFile:
    """A file to read from any place, by several threads; closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    def read_cached(self, start: int, into: memoryview) -> bool:
        """Fill a buffer if the system holds all of it in memory; tells whether it did."""
        if not hasattr(os, "RWF_NOWAIT"):
            return False
        try:
            return os.preadv(self._descriptor, (into,), start, os.RWF_NOWAIT) == into.nbytes
        except OSError:
            # It does not, or the file system cannot tell.
            return False

    def expect(self, start: int, size: int) -> None:
        """Let the system fetch what will be read next, where it can be told."""
        if hasattr(os, "posix_fadvise"):
            # Not every file system takes advice, and none is needed to read.
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, start, size, os.POSIX_FADV_WILLNEED)

    def read(self, start: int, into: memoryview) -> None:
        """Fill a buffer with the bytes from `start` on. IndexCorruptError when the file ends."""
        if os.preadv(self._descriptor, (into,), start) != into.nbytes:
            raise IndexCorruptError(
                f"{self._path} ends before byte {start + into.nbytes}. Run: qa-service index, "
                "which makes it anew, or qa-service rollback"
            )


class RowWriter:
    """Adds rows to a folder that begins as links to the files of `base`, if there is one.

    Files that are there already are shared with other generations: they are replaced or unlinked,
    never written to.
    """

    def __init__(self, folder: Path, row_size: int, base: RowStore | None = None) -> None:
        self._folder = folder
        self._row_size = row_size
        self._table = np.empty((4, 0), np.int64) if base is None else np.asarray(base.table)
        # Key, start and count of each key added, flat: millions of tuples would fill the memory.
        self._added = array("q")
        self._number = 1 + max(
            (int(path.stem) for path in folder.glob(f"*{SEGMENT_SUFFIX}")), default=0
        )
        self._rows = 0
        self._file: BinaryIO | None = None

    def append(self, key: int, rows: NDArray[np.uint8]) -> None:
        """Write the rows of a new key, uint8 (count, row size)."""
        if self._file is None and len(rows):
            self._file = segment_path(self._folder, self._number).open("xb")
        if self._file is not None:
            self._file.write(np.ascontiguousarray(rows).data)
        self._added.extend((key, self._rows, len(rows)))
        self._rows += len(rows)

    def finish(self, live: NDArray[np.int64]) -> None:
        """Write the table of the keys in `live` (ascending) and tidy the segments up.

        Raises:
            KeyError: a live key has no rows.
        """
        self.close()
        added = np.frombuffer(self._added, dtype=np.int64).reshape(-1, 3)
        fresh = np.empty((4, len(added)), dtype=np.int64)
        fresh[[_KEY, _START, _COUNT]] = added.T
        fresh[_SEGMENT] = self._number
        fresh[_SEGMENT:_COUNT, fresh[_COUNT] == 0] = NO_SEGMENT
        table = np.concatenate([self._table, fresh], axis=1)
        table = table[:, np.argsort(table[_KEY], kind="stable")]
        table = table[:, np.isin(table[_KEY], live)]
        if table.shape[1] != len(live):
            raise KeyError(int(np.setdiff1d(live, table[_KEY])[0]))
        self._merge(table)
        with_suffix = self._folder / f"{TABLE}.new"
        with with_suffix.open("wb") as file:
            np.save(file, table)
        with_suffix.replace(self._folder / TABLE)

    def close(self) -> None:
        """Close the segment being written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _merge(self, table: NDArray[np.int64]) -> None:
        """Merge and rewrite segments as the rules at the top say; `table` is changed in place."""
        sizes = {
            int(path.stem): path.stat().st_size // self._row_size
            for path in self._folder.glob(f"*{SEGMENT_SUFFIX}")
        }
        live_rows = dict.fromkeys(sizes, 0)
        for number in sizes:
            live_rows[number] = int(table[_COUNT][table[_SEGMENT] == number].sum())
        chosen = segments_to_merge(sizes, live_rows)
        target = 1 + max(sizes, default=0)
        if any(live_rows[number] for number in chosen):
            with segment_path(self._folder, target).open("xb") as file:
                written = 0
                for number in chosen:
                    written = self._copy_live(table, number, target, written, file)
        for number in chosen:
            segment_path(self._folder, number).unlink()

    def _copy_live(
        self, table: NDArray[np.int64], number: int, target: int, written: int, file: BinaryIO
    ) -> int:
        source = _map_rows(segment_path(self._folder, number), self._row_size)
        columns = np.flatnonzero(table[_SEGMENT] == number)
        columns = columns[np.argsort(table[_START][columns], kind="stable")]
        for column in columns.tolist():
            start, count = int(table[_START, column]), int(table[_COUNT, column])
            file.write(np.ascontiguousarray(source[start : start + count]).data)
            table[_SEGMENT, column], table[_START, column] = target, written
            written += count
        return written


def segments_to_merge(sizes: dict[int, int], live_rows: dict[int, int]) -> list[int]:
    """Choose the segments to write anew as one; empty when all is well.

    `sizes` and `live_rows` map a segment's number to all its rows and to those still in use.
    """
    numbers = sorted(sizes)
    chosen = {
        number
        for number in numbers
        if sizes[number] == 0
        or sizes[number] - live_rows[number] > DEAD_FRACTION_TO_REWRITE * sizes[number]
    }
    tail: list[int] = []
    rows_after = 0
    for number in reversed(numbers):
        if tail and sizes[number] >= MERGE_RATIO * rows_after:
            break
        tail.append(number)
        rows_after += sizes[number]
    if len(tail) > 1:
        chosen.update(tail)
    return sorted(chosen)


def segment_path(folder: Path, number: int) -> Path:
    """Return the path of a segment's file."""
    return folder / f"{number:06d}{SEGMENT_SUFFIX}"


def _map_rows(path: Path, row_size: int) -> NDArray[np.uint8]:
    if path.stem == f"{NO_SEGMENT:06d}":
        return np.empty((0, row_size), dtype=np.uint8)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise IndexCorruptError(
            f"{path} is missing. Run: qa-service index, which makes it anew, or qa-service rollback"
        ) from error
    if size % row_size:
        raise IndexCorruptError(
            f"{path} has {size} bytes, which is no multiple of its row size {row_size}. "
            "Run: qa-service index, "
            "which makes it anew, or qa-service rollback"
        )
    if size == 0:
        return np.empty((0, row_size), dtype=np.uint8)
    # As a plain array: a slice of it takes 0.2 µs, one of a memmap 4; the file stays mapped.
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r")).reshape(-1, row_size)
