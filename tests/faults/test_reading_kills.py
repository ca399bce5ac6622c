"""A file that kills the index run is set aside; one that was only there when it died is not."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import campaign
import pytest
from index_parts import RECIPE, TextLoader, make_indexer, make_parts, make_store

from qa_service.indexer import Indexer
from qa_service.store.reading_log import FileContent, ReadingLog
from qa_service.types import FileState, IndexReport

ROOT = Path(__file__).parents[2]

# Kills the whole process when it reads a file that says so; writes down what it read.
PROGRAM = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from index_parts import TextLoader, make_indexer, make_parts

class DeadlyLoader(TextLoader):
    def read(self, file, repeated, on_share=None):
        with open({log!r}, "a") as log:
            log.write(file.id + "\\n")
        if "DIE" in file.path.read_text():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(file, repeated, on_share)

def die(step):
    if step == {kill_at!r}:
        os.kill(os.getpid(), signal.SIGKILL)

make_indexer(Path({index!r}), make_parts(loader=DeadlyLoader()), die).run([Path({articles!r})])
"""


class Folder:
    """A folder of articles and its index, indexed by processes that may die."""

    def __init__(self, root: Path) -> None:
        self.articles, self.index = root / "articles", root / "index"
        self.articles.mkdir()
        self._log = root / "read.log"

    def write(self, name: str, text: str) -> None:
        """Write an article."""
        (self.articles / name).write_text(text, encoding="utf-8")

    def run(self, kill_at: str = "") -> int:
        """Index in a process of its own; return its exit status."""
        self._log.write_text("")
        program = PROGRAM.format(
            root=str(ROOT),
            tests=str(ROOT / "tests"),
            log=str(self._log),
            index=str(self.index),
            articles=str(self.articles),
            kill_at=kill_at,
        )
        return subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode

    def read(self) -> list[str]:
        """Return the files that the last run read, in order."""
        return self._log.read_text().split()

    def report(self, **options: bool) -> tuple[IndexReport, list[str]]:
        """Index in this process; return the report and the files that were read."""
        loader = TextLoader()
        indexer = Indexer(make_store(self.index), make_parts(loader=loader))
        return indexer.run([self.articles], **options), loader.read_files


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder with an article that kills whoever reads it, between two that do not."""
    made = Folder(tmp_path)
    made.write("a.txt", "قناة\nنص المقال هنا.")
    made.write("b.txt", "DIE\n运河全长82公里。")
    made.write("c.txt", "คลอง\nน้ำ")
    return made


def reason_of(report: IndexReport, name: str) -> str:
    """Return why a file failed."""
    (outcome,) = (one for one in report.files if one.path == name)
    assert outcome.state is FileState.FAILED
    return outcome.reason or ""


def test_a_file_that_kills_two_runs_is_set_aside_until_it_changes(folder: Folder) -> None:
    """First it may have been chance; then it was read last and alone, and there is no doubt."""
    assert folder.run() == -signal.SIGKILL
    assert folder.run() == -signal.SIGKILL
    # The one before it may have been in work as well when the first run died.
    assert folder.read() in (["a.txt", "c.txt", "b.txt"], ["c.txt", "b.txt"])
    assert folder.run() == 0
    assert sorted(folder.read()) == ["a.txt", "c.txt"]
    report, read = folder.report()
    assert read == []
    assert "died while it was at this file" in reason_of(report, "b.txt")
    with contextlib.closing(make_store(folder.index).open_current(RECIPE)) as generation:
        assert campaign.set_aside(generation) == {"b.txt"}
        assert "b.txt" not in campaign.state_of(generation)
    folder.write("b.txt", "harmless\nby now")
    report, read = folder.report()
    assert read == ["b.txt"]
    assert report.articles == 3
    assert not (folder.index / "cache" / "reading.json").exists()


def test_rebuild_tries_again(folder: Folder) -> None:
    """What was set aside is read when everything is, at the risk of whoever asks for it."""
    for expected in (-signal.SIGKILL, -signal.SIGKILL, 0):
        assert folder.run() == expected
    report, read = folder.report(rebuild=True)
    assert "b.txt" in read
    assert report.articles == 3


def test_a_file_that_was_only_there_when_the_run_was_killed_is_read(folder: Folder) -> None:
    """Somebody kills a run while it is at a good file: the next one has its article."""
    folder.write("b.txt", "Good\nIt did nothing.")
    assert folder.run(kill_at="read") == -signal.SIGKILL
    ReadingLog(folder.index / "cache", "1").begin([FileContent("b.txt", sha256_of(folder))])
    report, read = folder.report()
    assert read == ["a.txt", "c.txt", "b.txt"]
    assert report.articles == 3


def test_a_run_that_was_killed_later_accuses_no_file(folder: Folder) -> None:
    """The model or the disk was at work when the run died, and no file was being read."""
    folder.write("b.txt", "Good\nIt did nothing.")
    for _ in range(3):
        assert folder.run(kill_at="embed") == -signal.SIGKILL
        assert folder.read() == ["a.txt", "b.txt", "c.txt"]


def test_what_takes_long_to_find_out_outlives_a_killed_run(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose reader was stopped is not read again by the run after one that died."""
    folder.write("b.txt", "Good\nIt did nothing.")
    log = ReadingLog(folder.index / "cache", "1")
    log.found_unreadable(FileContent("b.txt", sha256_of(folder)), "reading it took too long")
    log.close()
    report, read = folder.report()
    assert read == ["a.txt", "c.txt"]
    assert reason_of(report, "b.txt") == "reading it took too long"


def sha256_of(folder: Folder) -> str:
    """Return the SHA-256 of the article in the middle."""
    import hashlib

    return hashlib.sha256((folder.articles / "b.txt").read_bytes()).hexdigest()


def test_index_is_whole_after_all_that(folder: Folder) -> None:
    """The other articles answer, whatever became of the one that kills."""
    for _ in range(3):
        folder.run()
    generation = make_store(folder.index).open_current(RECIPE)
    assert {item.id for item in generation.article_page(0, 10).items} == {"a.txt", "c.txt"}
    generation.close()
    make_indexer(folder.index).run([folder.articles])
