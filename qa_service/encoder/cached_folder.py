"""A folder of derived files in the user's cache: written once, whole or not at all.

The folder is filled beside its final place and put there by one rename, so that no process ever
sees half of it; a lock keeps processes that start together from doing the work twice. A stamp
inside names what the files were made from and lists each with its size and checksum. Sizes are
compared at each start, checksums by `problems`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from qa_service.errors import ModelUnavailableError

_STAMP = "qa-service.json"
_LOCK_TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class _StampedFile:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CachedFolder:
    """`path` is the folder; `made_from` identifies its contents: another value replaces them."""

    path: Path
    made_from: str

    def ensure(self, write: Callable[[Path], None]) -> Path:
        """Return the folder, calling `write` to fill a new one if it is not there, torn or stale.

        Raises:
            ModelUnavailableError: the cache cannot be written.
        """
        if self.is_complete():
            return self.path
        lock = f"{self.path}.lock"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock, timeout=_LOCK_TIMEOUT_S):
                # Another process may have made it while this one waited.
                if not self.is_complete():
                    self._replace(write)
        except Timeout as error:
            raise ModelUnavailableError(
                f"Another process has been preparing the model for {_LOCK_TIMEOUT_S:.0f} s "
                f"(lock {lock}). End it and try again."
            ) from error
        except OSError as error:
            raise ModelUnavailableError(
                f"The model cannot be prepared in {self.path}: {error}. Preparing takes about 1 GB "
                f"in a folder that can be written; set QA_CACHE to one."
            ) from error
        return self.path

    def is_complete(self) -> bool:
        """True when the folder is up to date and every file has its size."""
        files = self._stamped_files()
        try:
            return files is not None and all(
                (self.path / file.name).stat().st_size == file.size for file in files
            )
        except OSError:
            return False

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the files, by checksum of each; empty when sound."""
        files = self._stamped_files()
        if files is None:
            return (f"{self.path} holds no complete model",)
        found = []
        for file in files:
            path = self.path / file.name
            if not path.is_file():
                found.append(f"{path} is missing")
            elif path.stat().st_size != file.size or sha256_of(path) != file.sha256:
                found.append(f"{path} does not match its checksum")
        return tuple(found)

    def remove(self) -> None:
        """Delete the folder; the next `ensure` makes it again."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _stamped_files(self) -> list[_StampedFile] | None:
        """Return what the stamp lists, or None when there is no usable stamp."""
        try:
            stamp = json.loads((self.path / _STAMP).read_text("utf-8"))
            if stamp["made_from"] != self.made_from:
                return None
            return [
                _StampedFile(str(name), int(size), str(sha256))
                for name, size, sha256 in stamp["files"]
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _replace(self, write: Callable[[Path], None]) -> None:
        self._remove_partials()
        try:
            partial = self._new_partial()
            write(partial)
            files = []
            for path in sorted(partial.rglob("*")):
                if path.is_file():
                    _sync_file(path)
                    name = path.relative_to(partial).as_posix()
                    # Read back from disk, so that what was written is what gets vouched for.
                    files.append((name, path.stat().st_size, sha256_of(path)))
            stamp = {"made_from": self.made_from, "files": files}
            (partial / _STAMP).write_text(json.dumps(stamp, indent=1), "utf-8")
            _sync_file(partial / _STAMP)
            partial.chmod(0o755)
            _sync_folder(partial)
            if self.path.exists():
                # Torn or stale; a folder can only be renamed over an empty one.
                self.path.rename(self._new_partial())
            partial.rename(self.path)
            _sync_folder(self.path.parent)
        finally:
            self._remove_partials()

    def _new_partial(self) -> Path:
        prefix = f"{self.path.name}.partial-"
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))

    def _remove_partials(self) -> None:
        """Delete what this or a killed process left; only ever called under the lock."""
        for leftover in self.path.parent.glob(f"{self.path.name}.partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Return a file's checksum in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
