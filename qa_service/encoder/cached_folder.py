"""A folder of derived files in the user's cache: written once, whole or not at all.

The folder is filled beside its final place and put there by one rename, so that no process ever
sees half of it; a lock keeps processes that start together from doing the work twice. A stamp
inside names what the files were made from and lists each with its size and checksum.

At each start sizes are compared, and of a file that has not been touched since its checksum was
last compared some blocks from all over it: to read all would take half a second. Of one that has
been touched, or whose blocks differ, the checksum is compared; `problems` compares all. What was
touched when is kept in a file beside the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from qa_service.durable_files import sha256_of, sync_file, sync_folder
from qa_service.errors import ModelUnavailableError

log = logging.getLogger(__name__)

_STAMP = "qa-service.json"
_SAMPLED_BLOCKS = 64
_BLOCK_BYTES = 16 * 1024
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

        Damage is logged.

        Raises:
            ModelUnavailableError: the cache cannot be written.
        """
        damage = self._damage()
        if damage is None:
            return self.path
        if damage:
            log.warning("%s; it is made anew", damage)
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
        """True when the folder is up to date and its files are, by all that is quick to tell."""
        return self._damage() is None

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the files, by checksum of each; empty when sound.

        What is wrong is seen by the next `ensure`, too.
        """
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
        if found:
            self._compared.unlink(missing_ok=True)
        return tuple(found)

    def remove(self) -> None:
        """Delete the folder; the next `ensure` makes it again."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def _compared(self) -> Path:
        return self.path.with_name(f"{self.path.name}.compared")

    def _damage(self) -> str | None:
        """Return what is wrong, as far as is quick to tell; "" for nothing there or a stale one."""
        files = self._stamped_files()
        if files is None:
            return ""
        try:
            compared = self._read_compared()
            states = {}
            for file in files:
                path = self.path / file.name
                found = path.stat()
                if not path.is_file() or found.st_size != file.size:
                    return f"{path} has {found.st_size} bytes, expected {file.size}"
                state = [found.st_mtime_ns, _sample_of(path, found.st_size)]
                if compared.get(file.name) != state and sha256_of(path) != file.sha256:
                    return f"{path} does not match its checksum"
                states[file.name] = state
        except OSError as error:
            return f"{self.path} cannot be read ({error})"
        if states != compared:
            self._write_compared(states)
        return None

    def _read_compared(self) -> dict[str, list[object]]:
        """Return what each file looked like when its checksum was compared; {} when unknown."""
        try:
            if self._compared.is_file():
                found = json.loads(self._compared.read_text("utf-8"))
                return dict(found) if isinstance(found, dict) else {}
        except (OSError, ValueError, RecursionError):
            pass
        return {}

    def _write_compared(self, states: dict[str, list[object]]) -> None:
        # A cache that cannot be written is compared by checksum at every start.
        with contextlib.suppress(OSError):
            new = self.path.with_name(f"{self.path.name}.compared-{os.getpid()}")
            new.write_text(json.dumps(states, indent=1), "utf-8")
            new.replace(self._compared)

    def _stamped_files(self) -> list[_StampedFile] | None:
        """Return what the stamp lists, or None when there is no usable stamp."""
        try:
            if not (self.path / _STAMP).is_file():
                return None
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
                    sync_file(path)
                    name = path.relative_to(partial).as_posix()
                    # Read back from disk, so that what was written is what gets vouched for.
                    files.append((name, path.stat().st_size, sha256_of(path)))
            stamp = {"made_from": self.made_from, "files": files}
            (partial / _STAMP).write_text(json.dumps(stamp, indent=1), "utf-8")
            sync_file(partial / _STAMP)
            partial.chmod(0o755)
            sync_folder(partial)
            if self.path.exists():
                # Torn or stale; a folder can only be renamed over an empty one.
                self.path.rename(self._new_partial())
            partial.rename(self.path)
            sync_folder(self.path.parent)
            # It has just been read back.
            self._write_compared(
                {
                    name: [
                        (self.path / name).stat().st_mtime_ns,
                        _sample_of(self.path / name, size),
                    ]
                    for name, size, _ in files
                }
            )
        finally:
            self._remove_partials()

    def _new_partial(self) -> Path:
        prefix = f"{self.path.name}.partial-"
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))

    def _remove_partials(self) -> None:
        """Delete what this or a killed process left; only ever called under the lock."""
        for leftover in self.path.parent.glob(f"{self.path.name}.partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def problems_below(cache: Path) -> tuple[str, ...]:
    """Compare every file of every folder of a cache with its checksum; a line for each problem."""
    found: list[str] = []
    for stamp in sorted(cache.glob(f"*/*/{_STAMP}")):
        try:
            made_from = json.loads(stamp.read_text("utf-8"))["made_from"]
        except (OSError, ValueError, KeyError, TypeError):
            made_from = ""
        found.extend(CachedFolder(stamp.parent, str(made_from)).problems())
    return tuple(found)


def _sample_of(path: Path, size: int) -> str:
    """Return a checksum of blocks from all over a file; of all of it when it is small."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= _SAMPLED_BLOCKS * _BLOCK_BYTES:
            digest.update(file.read())
        else:
            for number in range(_SAMPLED_BLOCKS):
                file.seek((size - _BLOCK_BYTES) * number // (_SAMPLED_BLOCKS - 1))
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()
