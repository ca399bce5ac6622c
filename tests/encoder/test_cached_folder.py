"""Derived files are there whole or not at all, whoever is killed and whatever is torn."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from qa_service.encoder.cached_folder import CachedFolder
from qa_service.errors import ModelUnavailableError


def write_two(folder: Path) -> None:
    """Fill a folder with two files."""
    (folder / "first").write_text("كتاب", "utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "second").write_text("书" * 1000, "utf-8")


@pytest.fixture
def cached(tmp_path: Path) -> CachedFolder:
    """Give a folder that has been made."""
    folder = CachedFolder(tmp_path / "cache" / "model", "v1")
    folder.ensure(write_two)
    return folder


def remade(cached: CachedFolder) -> bool:
    """Tell whether `ensure` makes the folder anew."""
    calls = []

    def write(folder: Path) -> None:
        calls.append(folder)
        write_two(folder)

    cached.ensure(write)
    assert cached.problems() == ()
    return bool(calls)


def test_made_once(cached: CachedFolder) -> None:
    """What is there and whole is left alone."""
    assert (cached.path / "sub" / "second").read_text("utf-8") == "书" * 1000
    assert cached.problems() == ()
    assert not remade(cached)


def test_nothing_else_is_left(cached: CachedFolder) -> None:
    """Beside the folder only its lock remains."""
    names = {path.name for path in cached.path.parent.iterdir()}
    assert names <= {"model", "model.lock"}


@pytest.mark.parametrize("damage", ["cut", "gone", "no stamp", "torn stamp"])
def test_damage_is_mended(cached: CachedFolder, damage: str) -> None:
    """A file that is cut short or missing, or a stamp that is, makes the folder anew."""
    file, stamp = cached.path / "sub" / "second", cached.path / "qa-service.json"
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case "gone":
            file.unlink()
        case "no stamp":
            stamp.unlink()
        case "torn stamp":
            stamp.write_bytes(stamp.read_bytes()[:20])
    assert cached.problems() != ()
    assert remade(cached)
    assert not remade(cached)


def test_tampering_is_found(cached: CachedFolder) -> None:
    """A changed file of the same size is found by its checksum, and `remove` clears the way."""
    (cached.path / "first").write_text("كتمب", "utf-8")
    assert cached.is_complete()
    assert "first does not match its checksum" in cached.problems()[0]
    cached.remove()
    assert remade(cached)


def test_stale_folder_is_replaced(cached: CachedFolder) -> None:
    """A folder made from something else is replaced."""
    assert remade(CachedFolder(cached.path, "v2"))
    assert not remade(CachedFolder(cached.path, "v2"))


def test_failure_leaves_the_old(cached: CachedFolder) -> None:
    """When making the new folder fails, the old one is as it was and no scrap remains."""

    def fail(folder: Path) -> None:
        write_two(folder)
        raise ModelUnavailableError("no weights")

    with pytest.raises(ModelUnavailableError, match="no weights"):
        CachedFolder(cached.path, "v2").ensure(fail)
    assert cached.problems() == ()
    assert {path.name for path in cached.path.parent.iterdir()} <= {"model", "model.lock"}


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    """A cache that is no folder is named together with the setting that mends it."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelUnavailableError, match="QA_CACHE"):
        CachedFolder(tmp_path / "file" / "model", "v1").ensure(write_two)


KILLED = """
import os, signal
from pathlib import Path
from qa_service.encoder.cached_folder import CachedFolder

def write(folder):
    (folder / "first").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

CachedFolder(Path({path!r}), "v1").ensure(write)
"""


def test_killed_midway(tmp_path: Path, run_python: Callable[[str], list[str]]) -> None:
    """A process killed while it writes leaves nothing that counts, and nothing for ever."""
    cached = CachedFolder(tmp_path / "cache" / "model", "v1")
    code = KILLED.format(path=str(cached.path))
    done = subprocess.run(run_python(code), check=False)
    assert done.returncode == -signal.SIGKILL
    assert not cached.is_complete()
    assert remade(cached)
    assert {path.name for path in cached.path.parent.iterdir()} <= {"model", "model.lock"}


RACING = """
from pathlib import Path
from qa_service.encoder.cached_folder import CachedFolder

def write(folder):
    with open({log!r}, "a") as log:
        log.write("written\\n")
    for number in range(200):
        (folder / str(number)).write_bytes(b"x" * 10_000)

cached = CachedFolder(Path({path!r}), "v1")
cached.ensure(write)
assert cached.problems() == ()
"""


def test_processes_that_start_together(
    tmp_path: Path, run_python: Callable[[str], list[str]]
) -> None:
    """Of several processes one does the work, and all find it whole."""
    log, path = tmp_path / "log", tmp_path / "cache" / "model"
    command = run_python(RACING.format(log=str(log), path=str(path)))
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert log.read_text() == "written\n"
