"""Tells index folders from folders of articles, wherever they lie and whatever they are called.

What an index keeps (the files of removed articles above all) must not be found as articles, and
what it writes must not start an index run.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from qa_service.store import layout
from qa_service.store.manifest import MANIFEST

OWN_FOLDERS = (layout.GENERATIONS, layout.BUILDING, layout.CACHE, layout.REMOVED)


class IndexFolders:
    """Knows one index folder by being that folder, and any other by what is in it."""

    def __init__(self, own: Path) -> None:
        """Take the folder that the settings name; it need not be there yet."""
        self._own = own

    def is_index(self, folder: Path) -> bool:
        """Tell whether a folder is an index folder: the own one, or one that looks like it."""
        with contextlib.suppress(OSError):
            if folder.samefile(self._own):
                return True
        return _looks_like_index(folder)

    def holds(self, path: Path) -> bool:
        """Tell whether a path lies among what an index folder keeps, links resolved.

        Articles may lie beside that: somebody's index folder is the one around their articles.
        """
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # Python 3.11 reports a loop of links as the latter
            return False
        inside = real.name
        for folder in real.parents:
            if inside in OWN_FOLDERS and self.is_index(folder):
                return True
            inside = folder.name
        return False

    def is_written_by_index(self, path: Path, root: Path) -> bool:
        """Tell whether a path that changed below `root` is, or lies in, an index folder."""
        for folder in (path, *path.parents):
            if folder == root or folder == folder.parent:
                break
            if self.is_index(folder):
                return True
        return self.holds(path)


def _looks_like_index(folder: Path) -> bool:
    """Tell an index by its mark or, without one, by the names in it, finished or not."""
    generations = folder / layout.GENERATIONS
    try:
        if os.path.lexists(folder / layout.MARKER):
            return True
        if generations.is_dir() and (
            (folder / layout.CURRENT).is_file() or any(generations.glob(f"*/{MANIFEST}"))
        ):
            return True
        # Before the first generation is in service there is the lock, and who holds it or what
        # was begun.
        return (folder / layout.LOCK).is_file() and (
            (folder / layout.WRITER).is_file()
            or any((folder / name).is_dir() for name in OWN_FOLDERS)
        )
    except OSError:
        return False
