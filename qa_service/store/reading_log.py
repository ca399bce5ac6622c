"""Which files a run is at, so that the next one knows which file ended it.

Two small files in `index/cache/`, there only while a run is under way or after one that died. They
are written without `fsync`: what they are for is a process that was killed, and what a process has
written outlives it. After a power cut, which no file of articles causes, they may be gone.

A file that a run was at when it died is suspected, and the next run reads it last, with no other
file beside it: it may have died of something else, as when somebody killed it. If that run dies at
the file, too, the file is set aside, and it is read no more until it changes or the index is
rebuilt. What a run found out slowly about files that cannot be read is remembered as well, for the
run after one that died.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

READING_FILES = ("reading.json", "set-aside.json")
KILLER = (
    "an index run died while it was at this file, and so did the next, which was at no other. It "
    "is left out until it changes. Split it, save it in a simpler form, such as plain text, or try "
    "it once more with: qa-service index --rebuild"
)


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file by its id, and what is in it."""

    id: str
    sha256: str


class ReadingLog:
    """Remembers, from a run that died to the next, what reading files led to."""

    def __init__(self, folder: Path, reading_version: str, *, tries_again: bool = False) -> None:
        """Take what a run that died has left.

        Args:
            folder: where the files lie.
            reading_version: what was found out under other rules counts no more.
            tries_again: read the files, too, that were set aside; if they end this run as well,
                the next one will set them aside again.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._current, self._known = (folder / name for name in READING_FILES)
        self._reading_version = reading_version
        self._suspects, self._reasons = self._load()
        if tries_again:
            self._reasons.clear()
        for file in self._died_at():
            if file in self._suspects and not tries_again:
                self._suspects.discard(file)
                self._reasons[file] = KILLER
            else:
                self._suspects.add(file)
        self._save()
        # Never buffered: what is not written when the process dies is of no use.
        self._stream = self._current.open("wb", buffering=0)

    def is_suspect(self, file: FileContent) -> bool:
        """Tell whether a run may have died of this file."""
        return file in self._suspects

    def reason_against(self, file: FileContent) -> str | None:
        """Return why a file is not to be read, None when nothing speaks against it."""
        return self._reasons.get(file)

    def begin(self, files: Iterable[FileContent]) -> None:
        """Note the files that the run is at from now on."""
        entries = json.dumps([[file.id, file.sha256] for file in files])
        # The line before may have been longer; what is left of it stands behind this one's end.
        self._stream.seek(0)
        self._stream.write(f"{entries}\n".encode())

    def found_harmless(self, file: FileContent) -> None:
        """Note that a file was read to its end and stored."""
        if file in self._suspects:
            self._suspects.discard(file)
            self._save()

    def found_unreadable(self, file: FileContent, reason: str) -> None:
        """Note that it takes long to find out that a file cannot be read."""
        self._suspects.discard(file)
        self._reasons[file] = reason
        self._save()

    def close(self) -> None:
        """Note that the run is at no file any more, however it goes on."""
        with contextlib.suppress(OSError):
            self.begin(())
        self._stream.close()

    def _died_at(self) -> list[FileContent]:
        """Return the files that a run was at when it died."""
        try:
            line = self._current.read_bytes().partition(b"\n")[0]
            return [FileContent(str(name), str(sha256)) for name, sha256 in json.loads(line)]
        except (OSError, ValueError, TypeError):
            return []

    def _load(self) -> tuple[set[FileContent], dict[FileContent, str]]:
        try:
            known = json.loads(self._known.read_bytes())
            if known["reading"] != self._reading_version:
                return set(), {}
            suspects = {FileContent(str(name), str(sha256)) for name, sha256 in known["suspects"]}
            reasons = {
                FileContent(str(name), str(sha256)): str(reason)
                for name, sha256, reason in known["reasons"]
            }
        except (OSError, ValueError, TypeError, KeyError):
            return set(), {}
        return suspects, reasons

    def _save(self) -> None:
        known = {
            "reading": self._reading_version,
            "suspects": sorted([file.id, file.sha256] for file in self._suspects),
            "reasons": sorted([f.id, f.sha256, reason] for f, reason in self._reasons.items()),
        }
        new = self._known.with_name(f"{self._known.name}.new")
        new.write_text(json.dumps(known), encoding="utf-8")
        new.replace(self._known)
