"""One writer at a time: the lock of an index folder, and who holds it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from qa_service.errors import IndexBusyError
from qa_service.store import layout
from qa_service.store.disk import writing_to
from qa_service.store.small_files import read_small


@contextlib.contextmanager
def held_lock(folder: Path) -> Iterator[None]:
    """Keep other writers out of an index folder; the lock of a process that died is free.

    Raises:
        IndexBusyError: another process, or thread, is writing; names it.
        IndexWriteError: the folder cannot be written to.
    """
    with writing_to(folder):
        lock = _lock_of(folder)
        try:
            lock.acquire()
        except Timeout as error:
            raise _busy(folder) from error
    try:
        with writing_to(folder):
            _write_owner(folder)
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / layout.WRITER).unlink()
        lock.release()


def refuse_while_held(folder: Path) -> None:
    """Raise IndexBusyError when `held_lock` would now; what else is wrong is for it to say."""
    if not (folder / layout.LOCK).is_file():
        return
    try:
        with _lock_of(folder):
            return
    except Timeout as error:
        raise _busy(folder) from error
    except OSError:
        return


def _lock_of(folder: Path) -> FileLock:
    # A lock lets its own holder in again; a new one keeps out this process's threads, too.
    return FileLock(folder / layout.LOCK, timeout=0, thread_local=False)


def _write_owner(folder: Path) -> None:
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    path = folder / layout.WRITER
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(owner) + "\n", encoding="utf-8")


def _busy(folder: Path) -> IndexBusyError:
    try:
        owner = json.loads(read_small(folder / layout.WRITER))
        who = f"process {owner['pid']} on {owner['host']} (since {owner['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return IndexBusyError(
        f"{folder} is being written by {who}. Wait until it has finished, then try again."
    )
