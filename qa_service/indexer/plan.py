"""Which files must be read: those that are not what they were when last read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_service.corpus.discovery import SourceFile
from qa_service.durable_files import sha256_of
from qa_service.store import StoredFile
from qa_service.types import FileOutcome, FileState

# A file changed this shortly before it is read might change again without its time or size telling.
RACY_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class ToRead:
    """A file to read, and what its content is."""

    file: SourceFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    `removed` are ids of files that are gone; `touched` are files that changed in nothing but their
    time.
    """

    to_read: tuple[ToRead, ...]
    unchanged: tuple[FileOutcome, ...]
    failed: tuple[FileOutcome, ...]
    removed: tuple[str, ...]
    touched: tuple[SourceFile, ...]

    @property
    def is_empty(self) -> bool:
        """True when the index is what it should be."""
        return not self.to_read and not self.removed


def make_plan(
    files: Sequence[SourceFile],
    stored: Mapping[str, StoredFile],
    *,
    trust_times: bool = True,
    read_all: bool = False,
) -> Plan:
    """Compare the files that are there with those that were read.

    A file of the same size and time of change is taken to be the same, if `trust_times`; otherwise
    its content is compared. With `read_all` every file is read. A file that could not be read last
    time is tried again only when it has changed since: reading it might have taken long.
    """
    to_read, unchanged, failed, touched = [], [], [], []
    kept = set()
    for file in files:
        known = stored.get(file.id)
        if trust_times and not read_all and known is not None and _looks_unchanged(file, known):
            sha256 = known.sha256
        else:
            try:
                sha256 = sha256_of(file.path)
            except OSError as error:
                reason = f"cannot be read: {error.strerror or error}. Grant access to it."
                failed.append(FileOutcome(file.id, FileState.FAILED, reason=reason))
                continue
        kept.add(file.id)
        if known is not None and not _looks_unchanged(file, known):
            touched.append(file)
        if read_all or known is None or known.sha256 != sha256:
            to_read.append(ToRead(file, sha256))
        elif known.state is FileState.FAILED:
            failed.append(FileOutcome(file.id, FileState.FAILED, reason=known.reason))
        else:
            unchanged.append(
                FileOutcome(
                    path=file.id,
                    state=FileState.UNCHANGED,
                    articles=known.articles,
                    passages=known.passages,
                    reason=known.reason,
                )
            )
    removed = tuple(sorted(stored.keys() - kept))
    return Plan(tuple(to_read), tuple(unchanged), tuple(failed), removed, tuple(touched))


def time_to_store(file: SourceFile, now_ns: int) -> int:
    """Return the time of change to remember, 0 when it cannot be trusted next time."""
    return file.mtime_ns if file.mtime_ns < now_ns - RACY_NS else 0


def _looks_unchanged(file: SourceFile, known: StoredFile) -> bool:
    return known.mtime_ns != 0 and (file.size, file.mtime_ns) == (known.size, known.mtime_ns)
