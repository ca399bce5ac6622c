"""Derived files are there whole or not at all, whoever is killed and whatever is torn."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from damages import DAMAGES, Damage, all_zeros

from qa_service.encoder.cached_folder import CachedFolder, problems_below, sha256_of
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
    """Beside the folder only its lock remains, and what was compared."""
    names = {path.name for path in cached.path.parent.iterdir()}
    assert names <= {"model", "model.lock", "model.compared"}


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
    assert not cached.is_complete()
    assert "first does not match its checksum" in cached.problems()[0]
    cached.remove()
    assert remade(cached)


def touched_back(path: Path, content: bytes) -> None:
    """Change a file in a way that leaves no trace in its times."""
    found = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("size", [3000, 5_000_000])
def test_damage_of_the_same_size_is_mended(
    damage: Damage, size: int, cached: CachedFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that was written to is compared with its checksum; the damage is logged once."""
    large = CachedFolder(cached.path, "large")

    def write(folder: Path) -> None:
        (folder / "weights").write_bytes(random.Random(1).randbytes(size))
        (folder / "other").write_bytes(b"{}")

    large.ensure(write)
    path = large.path / "weights"
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        large.ensure(write)
        large.ensure(write)
    assert large.problems() == ()
    assert [record.message.count("weights") for record in caplog.records] == [1]


def test_loss_that_leaves_the_time_is_seen_in_samples(cached: CachedFolder) -> None:
    """A file of which much is lost is seen at once; a byte of it when all is compared."""

    def write(folder: Path) -> None:
        (folder / "weights").write_bytes(random.Random(1).randbytes(5_000_000))

    large = CachedFolder(cached.path, "large")
    path = large.ensure(write) / "weights"
    touched_back(path, all_zeros(path.read_bytes()))
    assert not large.is_complete()
    large.ensure(write)
    content = bytearray(path.read_bytes())
    content[30_000] ^= 1
    touched_back(path, content)
    assert large.is_complete()
    assert "weights" in large.problems()[0]
    # What has been found is not forgotten.
    assert not large.is_complete()
    large.ensure(write)
    assert large.problems() == ()


def test_a_copied_folder_is_compared_once(
    cached: CachedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files whose times have changed are read through, once, and kept."""
    (cached.path / "first").touch()
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr("qa_service.encoder.cached_folder.sha256_of", noted)
    assert cached.is_complete()
    assert [path.name for path in read] == ["first"]
    assert cached.is_complete()
    assert len(read) == 1


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
@pytest.mark.parametrize("name", ["first", "qa-service.json"])
def test_a_pipe_is_not_waited_for(name: str, cached: CachedFolder) -> None:
    """Something else under a file's name counts as damage."""
    (cached.path / name).unlink()
    os.mkfifo(cached.path / name)
    assert not cached.is_complete()
    assert cached.problems() != ()
    assert remade(cached)


def test_every_folder_of_a_cache_is_looked_through(tmp_path: Path) -> None:
    """Whatever was unpacked is compared, and what is damaged is named."""
    for kind in ("models", "openvino"):
        CachedFolder(tmp_path / kind / "e5", "v1").ensure(write_two)
    assert problems_below(tmp_path) == ()
    (tmp_path / "openvino" / "e5" / "first").write_text("كتمب", "utf-8")
    (problem,) = problems_below(tmp_path)
    assert str(tmp_path / "openvino" / "e5" / "first") in problem


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
    assert {path.name for path in cached.path.parent.iterdir()} <= {
        "model",
        "model.lock",
        "model.compared",
    }


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
    assert {path.name for path in cached.path.parent.iterdir()} <= {
        "model",
        "model.lock",
        "model.compared",
    }


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
