"""The folder of articles: puts uploaded files into it and takes removed ones out of it."""

from __future__ import annotations

import codecs
import contextlib
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from qa_service.errors import (
    ArticleConflictError,
    IndexWriteError,
    TooLargeFileError,
    UnreadableFileError,
    UnsupportedFormatError,
)

UPLOADS = "uploads"

# The longest marks first: UTF-32's begins with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_SUFFIXES = frozenset({".csv", ".htm", ".html", ".jsonl", ".md", ".txt"})
# What is being written is younger; what is older was left by a process that was killed.
_PARTIAL_S = 3600.0


class ArticleFolder:
    """Adds files to the articles folder and removes them; nothing is ever overwritten or lost."""

    def __init__(self, articles: Path, removed: Path, max_bytes: Mapping[str, int]) -> None:
        """Name the folder of articles, the one that keeps removed files, and the formats.

        `max_bytes` says, by the endings of files that are read as articles, in small letters, how
        large such a file may be.
        """
        self._articles = articles
        self._removed = removed
        self._max_bytes = max_bytes

    def add(self, name: str, content: bytes) -> Path:
        """Store a file in the folder for uploads, under a free name made from `name`.

        Raises:
            ArticleConflictError: the name is not one of a file.
            UnsupportedFormatError: no reader takes files with such an ending.
            TooLargeFileError: files of this format are not read when they are as large.
            UnreadableFileError: the file is empty, or a text of blanks.
            IndexWriteError: the folder cannot be written to.
        """
        if name != Path(name).name or name in ("", ".", "..") or "\0" in name:
            raise ArticleConflictError(
                f"{name!r} is not the name of a file. Give a plain name such as report.txt."
            )
        suffix = Path(name).suffix.lower()
        if suffix not in self._max_bytes:
            raise UnsupportedFormatError(
                f"{name!r} ends in {suffix or 'nothing'}, which no reader takes. Articles are read "
                f"from {' '.join(sorted(self._max_bytes))}; save it as one of these."
            )
        if len(content) > self._max_bytes[suffix]:
            raise TooLargeFileError(
                f"{name!r} has {len(content) / 2**20:.1f} MB, and {suffix} files are read up to "
                f"{self._max_bytes[suffix] / 2**20:.1f} MB. Split it, then upload the parts."
            )
        if _holds_nothing(suffix, content):
            raise UnreadableFileError(
                f"{name!r} holds no text ({len(content)} bytes). Send a file with something in it."
            )
        folder = self._articles / UPLOADS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_partials(folder)
            return _write_new(folder, name, content)
        except OSError as error:
            raise IndexWriteError(
                f"{folder} cannot be written to ({error.strerror or error}). Make room or allow "
                "writing, then upload again."
            ) from error

    def remove(self, path: Path) -> Path:
        """Move a file from the articles to the index folder's `removed/`; return where it is now.

        Raises:
            ArticleConflictError: the file is not in the articles folder, or is gone.
            IndexWriteError: it cannot be moved.
        """
        root = self._articles.resolve()
        # The file itself may be a link; what must not lead out of the folder is the way to it.
        place = path.parent.resolve() / path.name
        if not place.is_relative_to(root) or not place.is_file():
            raise ArticleConflictError(
                f"{path} is not a file in {root}. Remove it where it is, then rebuild the index."
            )
        try:
            self._removed.mkdir(parents=True, exist_ok=True)
            target = _free_name(self._removed, place.name)
            place.replace(target)
        except OSError as error:
            raise IndexWriteError(
                f"{place} cannot be moved to {self._removed} ({error.strerror or error}). Remove "
                "it by hand, then rebuild the index."
            ) from error
        return target


def _holds_nothing(suffix: str, content: bytes) -> bool:
    """Tell whether a file is empty or, as a text, has no character that means something."""
    if not content or suffix not in _TEXT_SUFFIXES:
        return not content
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        # Another encoding: the index run finds out which.
        return not content.strip(b" \t\r\n\0")
    return not any(character.isalnum() for character in text)


def _remove_partials(folder: Path) -> None:
    """Delete what processes left that were killed while they wrote."""
    for path in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _PARTIAL_S:
                path.unlink()


def _write_new(folder: Path, name: str, content: bytes) -> Path:
    """Write a file that appears whole or not at all, and never in place of another."""
    partial = folder / f".{secrets.token_hex(8)}.partial"
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        while True:
            target = _free_name(folder, name)
            try:
                # A hard link, unlike a rename, fails when somebody took the name meanwhile.
                target.hardlink_to(partial)
            except FileExistsError:
                continue
            return target
    finally:
        partial.unlink(missing_ok=True)


def _free_name(folder: Path, name: str) -> Path:
    """Return a path in the folder that nothing has: `name`, or `name-2` and so on."""
    wanted = folder / name
    number = 2
    while wanted.exists() or wanted.is_symlink():
        wanted = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return wanted
