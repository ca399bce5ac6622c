"""Stored arrays come back as they were, and one thread at a time has their headers parsed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from qa_service.indexes.arrays import load_arrays, map_array


def test_threads_read_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read by however many threads, numpy is at work in one of them."""
    table = np.arange(12, dtype=np.int64).reshape(4, 3)
    np.save(tmp_path / "table.npy", table)
    np.savez(tmp_path / "named.npz", languages=np.array(["ar", "中文"]), mean=np.ones(3))
    load, inside = np.load, threading.Semaphore(1)

    def load_alone(*args: object, **options: object) -> object:
        assert inside.acquire(blocking=False), "two threads at once"
        try:
            threading.Event().wait(0.001)
            return load(*args, **options)  # type: ignore[call-overload]
        finally:
            inside.release()

    def read_table() -> None:
        assert np.array_equal(map_array(tmp_path / "table.npy"), table)

    def read_names() -> None:
        arrays = load_arrays(tmp_path / "named.npz")
        assert arrays["languages"].tolist() == ["ar", "中文"]
        assert arrays["mean"].tolist() == [1, 1, 1]

    monkeypatch.setattr(np, "load", load_alone)
    readers: list[Callable[[], None]] = [read_table, read_names] * 20
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(read) for read in readers]:
            future.result()
