"""One writes at a time; the others are told who, and nobody waits for the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store
from stored_articles import change

from qa_service.errors import IndexBusyError
from qa_service.store import Store


def test_second_writer_is_told_who_is_first(store: Store, articles: Path) -> None:
    """Another thread or process that writes is named; readers go on; the lock ends with it."""
    with store.write_lock():
        for other in (store, make_store(store.path)):
            with pytest.raises(IndexBusyError, match=f"process {os.getpid()} on"):
                other.rollback()
        with pytest.raises(IndexBusyError):
            make_indexer(store.path).run([articles])
        store.open_current(RECIPE).close()
    make_indexer(store.path).run([articles])


def test_lock_of_a_dead_process_is_free(store: Store, articles: Path) -> None:
    """A writer that was killed leaves a lock file that hinders nobody."""
    script = (
        "import os, signal, sys\n"
        "from index_parts import make_store\n"
        "from pathlib import Path\n"
        "with make_store(Path(sys.argv[1])).write_lock():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", script, str(store.path)], check=False, env=environment, timeout=60
    )
    assert (store.path / "writer.json").exists()
    change(store, articles, "en.txt", "Canal\nopen")


def test_a_writer_is_seen_without_waiting(store: Store) -> None:
    """Whoever asks is told at once that another writes, and nothing while nobody does."""
    store.refuse_while_busy()
    other = make_store(store.path)
    with other.write_lock(), pytest.raises(IndexBusyError, match="is being written by process"):
        store.refuse_while_busy()
    store.refuse_while_busy()
    make_store(store.path.parent / "nowhere").refuse_while_busy()
    assert not (store.path.parent / "nowhere").exists()
