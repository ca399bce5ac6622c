"""Tells when articles have changed and are whole: after the last write, not during it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from watchfiles import watch

log = logging.getLogger(__name__)

# A file that was the same for so long is taken to be written to its end.
SETTLING_S = 1.0
# Files that never settle, like logs, must not keep the others from being indexed for ever.
LONGEST_SETTLING_S = 60.0


class Watcher:
    """Watches folders and calls back, in a thread of its own, when articles in them changed.

    It also calls back once each time that it begins to watch a place: what changed before is not
    seen by watching.
    """

    def __init__(
        self,
        find_paths: Callable[[], Sequence[Path]],
        on_change: Callable[[], object],
        settling_s: float = SETTLING_S,
        is_left_out: Callable[[Path, Path], bool] = lambda _path, _root: False,
    ) -> None:
        """Take where the articles are, and what to do when they change.

        Args:
            find_paths: asked again and again, for other folders may be indexed meanwhile.
            on_change: called once for many changes that come together.
            settling_s: how long files must stay the same.
            is_left_out: tells of a path, and the watched one that it was found under, that no
                article can be there, as in an index: what a run writes must not start another.
        """
        self._find_paths = find_paths
        self._on_change = on_change
        self._settling_s = settling_s
        self._is_left_out = is_left_out
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            places = _places(self._find_paths())
            if places:
                self._follow(places)
            else:
                self._stop.wait(self._settling_s)

    def _follow(self, places: Mapping[Path, tuple[int, int]]) -> None:
        """Tell of changes until told to stop, or until other places are to be watched."""
        paths = list(places)
        has_caught_up = False
        # One watch for as long as possible: while another is set up, changes go unseen.
        for changes in watch(
            *paths, stop_event=self._stop, debounce=400, rust_timeout=500, yield_on_timeout=True
        ):
            changed = {Path(name) for _, name in changes if self._may_hold_articles(name, paths)}
            if (changed or not has_caught_up) and self._settle(changed):
                log.info("%d files changed; indexing", len(changed))
                has_caught_up = True
                self._on_change()
            if _places(self._find_paths()) != places:
                return

    def _may_hold_articles(self, name: str, roots: Sequence[Path]) -> bool:
        path = Path(name)
        root = next((root for root in roots if path.is_relative_to(root)), None)
        return not _is_hidden(path, root) and not self._is_left_out(path, root or path.parent)

    def _settle(self, paths: set[Path]) -> bool:
        """Wait until the files stay the same; False when told to stop meanwhile."""
        before = _states(paths)
        waited = 0.0
        while waited < LONGEST_SETTLING_S:
            if self._stop.wait(self._settling_s):
                return False
            waited += self._settling_s
            now = _states(paths)
            if now == before:
                return True
            before = now
        return True


def _places(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return the paths that exist and what they are; one made anew under its name is another."""
    places = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.stat()
            places[path] = status.st_dev, status.st_ino
    return places


def _is_hidden(path: Path, root: Path | None) -> bool:
    """Tell files that no index run reads: those below a name that starts with a dot."""
    if root is None:
        return path.name.startswith(".")
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _states(paths: Iterable[Path]) -> dict[Path, tuple[int, int] | None]:
    states: dict[Path, tuple[int, int] | None] = {}
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            states[path] = None
        else:
            states[path] = (found.st_size, found.st_mtime_ns)
    return states
