"""Keeps where things lie on the server out of what clients are told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from qa_service.bodies import Excerpt

# An absolute path of at least two parts; a part may hold blanks inside, the last one none. What
# follows a letter, a colon or a slash is an address, or a path that is relative already.
_POSIX = re.compile(r"""(?<![\w/:.~…)\]-])/(?:[^/\s"'`:;,()<>|]+(?:[ ][^/\s"'`:;,()<>|]+)*/)+""")
_WINDOWS = re.compile(r"""(?<!\w)[A-Za-z]:\\(?:[^\\/"':;,()<>|\n]+\\)*""")


def without_folders(text: str, roots: Iterable[str | Path] = ()) -> str:
    """Return a message in which files go by their place below one of these folders.

    Files that lie elsewhere go by their name alone.
    """
    absolute = {str(Path(root).absolute()) for root in roots}
    for root in sorted(absolute - {"/"}, key=len, reverse=True):
        text = text.replace(f"{root}/", "").replace(root, Path(root).name)
    return _WINDOWS.sub("…\\\\", _POSIX.sub("…/", text))


def excerpt_without_folders(roots: Iterable[str | Path] = (), **part: int) -> Excerpt:
    """Return what a client is told of files and runs: `offset` and `limit` name the part."""
    return Excerpt.for_reply(partial(without_folders, roots=tuple(roots)), **part)
