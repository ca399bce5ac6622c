"""Full disks and folders that may not be written to: a clear message, and the index stays."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store, verify

from qa_service.errors import IndexWriteError


def write_articles(folder: Path, count: int, version: str) -> None:
    """Write articles of some kilobytes each."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        lines = "\n".join(f"{version} {number} {line} نص 文本." for line in range(60))
        (folder / f"{number}.txt").write_text(f"Title {number}.\n{lines}", encoding="utf-8")


class Failure:
    """Makes one step of a write fail."""

    def __init__(self, fail_at: int, code: int) -> None:
        self._left = fail_at
        self._code = code
        self.has_come = False

    def __call__(self, step: str) -> None:
        """Let a step pass, or fail."""
        # What is being tidied up is not written.
        if not self.has_come and not step.startswith("remove "):
            self.has_come = self._left == 0
            self._left -= 1
            if self.has_come:
                raise OSError(self._code, os.strerror(self._code))


def check(index: Path, version: str) -> None:
    """The index is whole and holds this version."""
    generation = make_store(index).open_current(RECIPE)
    assert verify(generation) == ()
    assert generation.article("0.txt").text.startswith(f"Title 0.\n{version} 0 0")
    generation.close()


@pytest.mark.slow
@pytest.mark.parametrize(("code", "stride"), [(errno.ENOSPC, 1), (errno.EROFS, 7), (errno.EIO, 5)])
def test_failure_of_any_step(tmp_path: Path, code: int, stride: int) -> None:
    """Whichever step of a write fails, the run says so, and what is in service is whole."""
    articles, index = tmp_path / "articles", tmp_path / "index"
    write_articles(articles, 2, "old")
    make_indexer(index).run([articles])
    fail_at = 0
    while True:
        write_articles(articles, 2, f"new{fail_at}")
        failure = Failure(fail_at, code)
        try:
            make_indexer(index, fault=failure).run([articles])
        except IndexWriteError as error:
            message = str(error)
        if not failure.has_come:
            break
        assert str(index) in message
        assert "index again" in message.lower() or "write access" in message
        generation = make_store(index).open_current(RECIPE)
        assert verify(generation) == ()
        generation.close()
        assert list((index / "building").iterdir()) == []
        fail_at += stride
    assert fail_at > 40
    check(index, f"new{fail_at}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of four megabytes; only root may."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this system does not let root mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write zeros until nothing fits any more."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_disk_that_is_really_full(small_disk: Path, tmp_path: Path) -> None:
    """On a small disk the run that does not fit fails with a message; after tidying up it works."""
    articles, index = tmp_path / "articles", small_disk / "index"
    write_articles(articles, 3, "old")
    make_indexer(index).run([articles])
    write_articles(articles, 150, "new")
    with pytest.raises(IndexWriteError, match=r"(?i)full|space|size"):
        make_indexer(index).run([articles])
    check(index, "old")
    # Answering needs no space at all.
    fill(small_disk / "ballast")
    check(index, "old")
    (small_disk / "ballast").unlink()
    for path in list(articles.iterdir())[3:]:
        path.unlink()
    write_articles(articles, 3, "newer")
    make_indexer(index).run([articles])
    check(index, "newer")


def test_a_disk_that_is_really_read_only(small_disk: Path, tmp_path: Path) -> None:
    """From a read-only disk one can answer and verify, and writing says what is wrong."""
    articles, index = tmp_path / "articles", small_disk / "index"
    write_articles(articles, 2, "old")
    make_indexer(index).run([articles])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    check(index, "old")
    write_articles(articles, 2, "new")
    with pytest.raises(IndexWriteError, match="write access"):
        make_indexer(index).run([articles])
    with pytest.raises(IndexWriteError, match="write access"):
        make_store(index).rollback()
    check(index, "old")


def test_a_quota_on_file_size(tmp_path: Path) -> None:
    """Where no file may grow past a limit, the run fails with a message and leaves no half."""
    articles, index = tmp_path / "articles", tmp_path / "index"
    write_articles(articles, 1, "old")
    make_indexer(index).run([articles])
    write_articles(articles, 100, "new")
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from index_parts import make_indexer\n"
        "from qa_service.errors import IndexWriteError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try:\n"
        "    make_indexer(Path(sys.argv[1])).run([Path(sys.argv[2])])\n"
        "except IndexWriteError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(index), str(articles)],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr.startswith("refused: "), done.stderr
    check(index, "old")
    assert list((index / "building").iterdir()) == []
