"""How much memory processes take; read from `/proc`, so what measures it runs on Linux."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS_BETWEEN = 0.02


@dataclass(frozen=True, slots=True)
class Memory:
    """A process and its children: all that is resident, and what of it no file stands behind.

    Pages that parent and child share count in both. Mapped files (model, index) are resident as
    long as the system has room for them.
    """

    resident_mb: float
    own_mb: float


def memory_of(pid: int) -> Memory:
    """Return what a process and all its descendants hold."""
    resident = own = 0.0
    for process in _family(pid):
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        kilobytes = {
            name: int(value.split()[0])
            for name, _, value in (line.partition(":") for line in status.splitlines())
            if name in {"VmRSS", "RssAnon"}
        }
        resident += kilobytes.get("VmRSS", 0) / 1024
        own += kilobytes.get("RssAnon", 0) / 1024
    return Memory(resident, own)


class PeakMemory:
    """A context in which the memory of this process and its children is watched."""

    def __init__(self) -> None:
        self.resident_mb = self.own_mb = 0.0
        self._has_ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._has_ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._has_ended.wait(SECONDS_BETWEEN)
            now = memory_of(os.getpid())
            self.resident_mb = max(self.resident_mb, now.resident_mb)
            self.own_mb = max(self.own_mb, now.own_mb)


def _family(pid: int) -> list[int]:
    found = [pid]
    for process in found:  # grows while it is gone through
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found += map(int, children.read_text(encoding="ascii").split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found
