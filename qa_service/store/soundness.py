"""Whether the files of a generation are still what was written, as far as a start can wait for.

SQLite, FAISS and tantivy notice some damage, late, and a zeroed page of vectors is noticed by none
of them: it answers wrongly. So files are compared with their checksums before anything reads them.
Reading a gigabyte takes about a second, so of a large index only the smaller files are compared at
each opening, and those that were changed after the manifest was sealed; `verify` compares all.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from qa_service.errors import IndexCorruptError
from qa_service.store.manifest import MANIFEST, MEND, FileRecord, Manifest
from qa_service.store.small_files import open_file

# An eighth of a second.
BYTES_TO_COMPARE = 128 * 1024 * 1024

_Version = tuple[int, int, int, int, int]


class SoundnessCheck:
    """Compares files with a manifest; what this process has compared is not read again."""

    def __init__(self, bytes_to_compare: int = BYTES_TO_COMPARE) -> None:
        self._bytes_to_compare = bytes_to_compare
        self._known: dict[_Version, str] = {}

    def check(self, folder: Path, manifest: Manifest) -> None:
        """Let a generation pass whose files are as they should be, as far as is cheap to tell.

        Raises:
            IndexCorruptError: a file is missing, is no file, or has another size or content.
        """
        versions = check_sizes(folder, manifest)
        sealed_ns = (folder / MANIFEST).stat().st_mtime_ns
        left = self._bytes_to_compare
        known: dict[_Version, str] = {}
        for name, record in sorted(manifest.files.items(), key=lambda item: item[1].size):
            version = versions[name]
            found = self._known.get(version)
            if found is None:
                is_cheap = record.size <= left
                if not is_cheap and version[3] <= sealed_ns:
                    continue
                left -= record.size if is_cheap else 0
                found = checksum_of(folder / name)
            if found != record.sha256:
                raise IndexCorruptError(
                    f"{folder / name} has other content than was written. {MEND}"
                )
            known[version] = found
        # Only this generation's: the one before is not opened again as a rule.
        self._known = known


def check_sizes(folder: Path, manifest: Manifest) -> dict[str, _Version]:
    """Return what changes whenever a file is written to, by name.

    Raises:
        IndexCorruptError: a file is missing, is no file, or has another size.
    """
    return {name: _version(folder / name, record) for name, record in manifest.files.items()}


def changed_files(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Compare every file with its checksum; one line per file that is not what was written."""
    problems = []
    for name, record in manifest.files.items():
        try:
            found = checksum_of(folder / name)
        except OSError as error:
            problems.append(f"{name}: cannot be read ({error.strerror or error})")
        else:
            if found != record.sha256:
                problems.append(f"{name}: its content has changed since it was written")
    return tuple(problems)


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a plain file's content as hex digits. OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(path: Path, record: FileRecord) -> _Version:
    """Return what changes whenever the file is written to."""
    try:
        found = path.stat()
    except OSError as error:
        raise IndexCorruptError(f"{path} is missing. {MEND}") from error
    if not stat.S_ISREG(found.st_mode):
        raise IndexCorruptError(f"{path} is no plain file. {MEND}")
    if found.st_size != record.size:
        raise IndexCorruptError(
            f"{path} has {found.st_size} bytes, the manifest says {record.size}. {MEND}"
        )
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
