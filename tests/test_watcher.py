"""The folder watcher, with real files: told of whole files, once, and of nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa_service.watcher import Watcher

ATTEMPTS = 30
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


def touch_until(told: Told, change: Callable[[int], None], calls: int) -> None:
    """Change files until the watcher, which may still be setting up, has told of it."""
    for number in range(ATTEMPTS):
        change(number)
        # A change before the watch stands is not seen; then another one is needed.
        if told.wait_for(calls, seconds=1.0):
            return
    raise AssertionError("the watcher never told of a change")


@pytest.mark.parametrize("name", ["تقرير.txt", "长城.md", "คลอง.txt", "नहर.txt", "mixed مصر.txt"])
def test_new_file_is_told_of(tmp_path: Path, watch: Watch, name: str) -> None:
    """A file that appears, whatever script its name is in, is a change."""
    told = watch(lambda: [tmp_path])
    touch_until(told, lambda number: write(tmp_path / name, f"{number}"), 1)


def test_file_in_a_folder_below_and_its_end_are_told_of(tmp_path: Path, watch: Watch) -> None:
    """Changes deep in the folder count, and so does a file that goes."""
    below = tmp_path / "uploads" / "2026"
    below.mkdir(parents=True)
    told = watch(lambda: [tmp_path])
    touch_until(told, lambda number: write(below / "a.txt", f"{number}"), 1)

    def remove_or_write(number: int) -> None:
        if number % 2:
            write(below / "a.txt", f"again {number}")
        else:
            (below / "a.txt").unlink(missing_ok=True)

    touch_until(told, remove_or_write, told.calls + 1)


def test_hidden_files_are_not_told_of(tmp_path: Path, watch: Watch) -> None:
    """What lies below a name with a dot is no article, unless that folder itself is named."""
    hidden = tmp_path / ".hidden"
    hidden.mkdir()
    from_above = watch(lambda: [tmp_path])
    from_within = watch(lambda: [hidden])
    for calls in (1, 2, 3):
        touch_until(from_within, lambda number: write(hidden / "a.txt", f"{number}"), calls)
        write(tmp_path / ".partial", f"{calls}")
    assert from_above.calls == 0


def test_folder_may_come_later(tmp_path: Path, watch: Watch) -> None:
    """A folder that does not exist yet is watched once it does."""
    folder = tmp_path / "later"
    told = watch(lambda: [folder])
    folder.mkdir()
    touch_until(told, lambda number: write(folder / "a.txt", f"{number}"), 1)


def test_watched_places_are_asked_for_again(tmp_path: Path, watch: Watch) -> None:
    """After a change another folder may be indexed, and is watched from then on."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    places = [one]
    told = watch(lambda: list(places))
    places.append(two)
    touch_until(told, lambda number: write(one / "a.txt", f"{number}"), 1)
    touch_until(told, lambda number: write(two / "b.txt", f"{number}"), told.calls + 1)


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
