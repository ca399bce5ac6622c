"""Files are read ahead, in order, in a thread of their own; each outcome reaches who waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Set
from pathlib import Path

import pytest

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.file_articles import FileArticles
from qa_service.errors import UnreadableFileError
from qa_service.indexer.read_ahead import ReadAhead
from qa_service.types import Article

NAMES = ["مقال.txt", "文章.txt", "บทความ.txt", "लेख.txt", "mixed مقال 文章.txt"]


def source(name: str) -> SourceFile:
    """Return a file that is not there; nobody looks."""
    return SourceFile(path=Path(name), id=name, root=Path(), size=0, mtime_ns=0)


class SlowLoader:
    """Reads a file when it is let; tells half-way, and which thread it was."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.begun = threading.Event()
        self.read_names: list[str] = []
        self.repeated: list[Set[str]] = []
        self.threads: set[str] = set()

    def read(
        self,
        file: SourceFile,
        repeated: Set[str],
        on_share: Callable[[float], None] | None = None,
    ) -> FileArticles:
        self.begun.set()
        assert self.may_go_on.wait(60)
        self.read_names.append(file.id)
        self.repeated.append(repeated)
        self.threads.add(threading.current_thread().name)
        assert on_share is not None
        on_share(0.5)
        if "bad" in file.id:
            raise UnreadableFileError(f"{file.id} is broken")
        return FileArticles((Article(id=file.id, title=file.id, text=file.id, language="und"),))


@pytest.fixture
def loader() -> SlowLoader:
    """Return a loader that waits."""
    return SlowLoader()


def nothing(share: float) -> None:
    """Let a share pass."""


def test_files_are_read_in_order_while_nobody_waits(loader: SlowLoader) -> None:
    """All can be asked for at once; each outcome is its own file's."""
    loader.may_go_on.set()
    ahead = ReadAhead(loader)
    readings = [ahead.start(source(name), {"سطر", name}) for name in NAMES]
    # The last first: what is done waits for whoever asks for it.
    found = [reading.result(nothing).articles[0].id for reading in reversed(readings)]
    ahead.close()
    assert found == NAMES[::-1]
    assert loader.read_names == NAMES
    assert loader.repeated == [{"سطر", name} for name in NAMES]
    assert threading.current_thread().name not in loader.threads


def test_shares_are_told_to_who_waits(loader: SlowLoader) -> None:
    """What is read so far comes before the articles."""
    loader.may_go_on.set()
    ahead = ReadAhead(loader)
    shares: list[float] = []
    ahead.start(source("文章"), frozenset()).result(shares.append)
    ahead.close()
    assert shares == [0.5]


def test_an_error_is_raised_where_the_file_was_asked_for(loader: SlowLoader) -> None:
    """And the files after it are read all the same."""
    loader.may_go_on.set()
    ahead = ReadAhead(loader)
    bad, good = (ahead.start(source(name), frozenset()) for name in ("bad ملف", "good ملف"))
    with pytest.raises(UnreadableFileError, match="bad ملف is broken"):
        bad.result(nothing)
    assert good.result(nothing).articles[0].id == "good ملف"
    ahead.close()


def test_closed_it_begins_no_other_file(loader: SlowLoader) -> None:
    """The file under way is finished, for nobody; those in line after the end are not read."""
    ahead = ReadAhead(loader)
    first = ahead.start(source("first"), frozenset())
    assert loader.begun.wait(60)
    ahead.close()
    ahead.start(source("second"), frozenset())
    loader.may_go_on.set()
    first.result(nothing)
    (thread,) = [one for one in threading.enumerate() if one.name in loader.threads] or [None]
    if thread is not None:
        thread.join(60)
    assert loader.read_names == ["first"]
