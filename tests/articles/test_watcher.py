"""The folder watcher, with real files: told of whole files, once, and of nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa_service.articles.watcher import Watcher

PATIENCE_S = 30.0
SETTLING_S = 0.05


class Told:
    """Counts the calls, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.calls = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        """Take a call."""
        with self._changed:
            self.calls += 1
            self._changed.notify_all()

    def wait_for(self, calls: int, seconds: float) -> bool:
        """Wait until there were so many calls; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self.calls >= calls, seconds)


Watch = Callable[[Callable[[], list[Path]]], Told]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Start watchers; they are stopped when the test ends."""
    watchers: list[Watcher] = []

    def start(find_paths: Callable[[], list[Path]]) -> Told:
        told = Told()
        watcher = Watcher(find_paths, told, settling_s=SETTLING_S)
        watcher.start()
        watchers.append(watcher)
        return told

    yield start
    for watcher in watchers:
        watcher.stop()


def change(told: Told, how: Callable[[], object]) -> None:
    """Change something, once, and expect to be told of it."""
    calls = told.calls
    how()
    assert told.wait_for(calls + 1, PATIENCE_S), "the watcher never told of a change"


def begun(told: Told) -> Told:
    """Wait until the watch stands."""
    assert told.wait_for(1, PATIENCE_S), "the watcher never began"
    return told


def test_what_changed_before_is_told_of(tmp_path: Path, watch: Watch) -> None:
    """Articles that came while nobody watched are not left out until the next change."""
    write(tmp_path / "قديم.txt", "old")
    assert begun(watch(lambda: [tmp_path])).calls == 1


@pytest.mark.parametrize("name", ["تقرير.txt", "长城.md", "คลอง.txt", "नहर.txt", "mixed مصر.txt"])
def test_new_file_is_told_of(tmp_path: Path, watch: Watch, name: str) -> None:
    """A file that appears, whatever script its name is in, is a change."""
    told = begun(watch(lambda: [tmp_path]))
    change(told, lambda: write(tmp_path / name, "new"))


def test_file_in_a_folder_below_and_its_end_are_told_of(tmp_path: Path, watch: Watch) -> None:
    """Changes deep in the folder count, one right after the other, and so does a file that goes."""
    below = tmp_path / "uploads" / "2026"
    told = begun(watch(lambda: [tmp_path]))
    change(told, lambda: below.mkdir(parents=True))
    for number in range(3):
        change(told, lambda number=number: write(below / "a.txt", f"{number}"))  # type: ignore[misc]
    change(told, (below / "a.txt").unlink)


def test_hidden_files_are_not_told_of(tmp_path: Path, watch: Watch) -> None:
    """What lies below a name with a dot is no article, unless that folder itself is named."""
    hidden = tmp_path / ".hidden"
    hidden.mkdir()
    from_above = begun(watch(lambda: [tmp_path]))
    from_within = begun(watch(lambda: [hidden]))
    for number in range(3):
        write(tmp_path / ".partial", f"{number}")
        change(from_within, lambda number=number: write(hidden / "a.txt", f"{number}"))  # type: ignore[misc]
    assert from_above.calls == 1


def test_what_is_left_out_is_not_told_of(tmp_path: Path) -> None:
    """What an index run writes into the watched folder starts no other run."""
    told = Told()
    watcher = Watcher(
        lambda: [tmp_path],
        told,
        settling_s=SETTLING_S,
        is_left_out=lambda path, root: root == tmp_path and "index" in path.parts,
    )
    watcher.start()
    try:
        begun(told)
        (tmp_path / "index").mkdir()
        for number in range(3):
            write(tmp_path / "index" / "CURRENT", f"{number}")
        # What is told of next comes from this change alone.
        change(told, lambda: write(tmp_path / "خبر.txt", "news"))
    finally:
        watcher.stop()
    assert told.calls == 2


def test_folder_may_come_later(tmp_path: Path, watch: Watch) -> None:
    """A folder that does not exist yet is watched once it does."""
    folder = tmp_path / "later"
    told = watch(lambda: [folder])
    folder.mkdir()
    change(begun(told), lambda: write(folder / "a.txt", "first"))


def test_folder_made_anew_is_watched(tmp_path: Path, watch: Watch) -> None:
    """One that was deleted, and another of its name put there, as archives are unpacked."""
    folder = tmp_path / "articles"
    folder.mkdir()
    told = begun(watch(lambda: [folder]))
    folder.rename(tmp_path / "old")
    change(told, folder.mkdir)
    change(told, lambda: write(folder / "a.txt", "in the new one"))


def test_watched_places_are_asked_for_again(tmp_path: Path, watch: Watch) -> None:
    """Another folder that is indexed by now is watched from then on, without any change."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    places = [one]
    told = begun(watch(lambda: list(places)))
    change(told, lambda: places.append(two))
    change(told, lambda: write(two / "b.txt", "second"))
    change(told, lambda: write(one / "a.txt", "first"))


def test_stop_ends_the_thread(tmp_path: Path) -> None:
    """Stopping returns when the thread is gone, with a folder to watch or without one."""
    for folder in (tmp_path, tmp_path / "none"):
        watcher = Watcher(lambda folder=folder: [folder], Told(), settling_s=SETTLING_S)  # type: ignore[misc]
        watcher.start()
        watcher.stop()
    assert not any(thread.name == "watcher" for thread in threading.enumerate())


def write(path: Path, text: str) -> None:
    """Write a file in one go."""
    path.write_text(text, encoding="utf-8")
