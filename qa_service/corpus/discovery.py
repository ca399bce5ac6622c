"""Which files hold articles, and under which ids."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from qa_service.corpus.bounds import SUPPORTED_SUFFIXES
from qa_service.errors import CorpusError
from qa_service.text.encoding import has_utf8_form
from qa_service.types import FileState

_OF_AN_INDEX = "belongs to an index of qa-service; never read as articles"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that may hold articles. `id` is stable as long as it keeps its place in its root."""

    path: Path
    id: str
    root: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file or folder that is left out, and why: SKIPPED on purpose, or FAILED to be read."""

    path: str
    reason: str
    state: FileState = FileState.SKIPPED


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, in the order of the roots; in a root by path, what is linked in last."""

    files: tuple[SourceFile, ...]
    problems: tuple[FileProblem, ...]


class IndexFolders(Protocol):
    """Tells what belongs to an index, and so is never read as articles."""

    def is_index(self, folder: Path) -> bool:
        """Tell whether a folder is an index folder."""
        ...

    def holds(self, path: Path) -> bool:
        """Tell whether a path lies among what an index folder keeps, links resolved."""
        ...


class NoIndexFolders:
    """Knows no index."""

    def is_index(self, folder: Path) -> bool:  # noqa: ARG002
        """Find none."""
        return False

    def holds(self, path: Path) -> bool:  # noqa: ARG002
        """Find none."""
        return False


def discover(
    paths: Sequence[Path],
    *,
    allow_empty: bool = False,
    indexes: IndexFolders = NoIndexFolders(),  # noqa: B008 - it holds nothing
) -> Discovery:
    """Find the files that hold articles under these folders, and among these files.

    A file's id is its path relative to the folder it was found in, with `/` between the parts; a
    file given by itself goes by its name. Where two roots would give the same id, the root named
    first keeps it; files of a later root get the name of that root in front
    (`archive/2020/truce.md`), and, when even that is taken, the name followed by eight hex digits
    of the root's absolute path (`archive~1f0c9a3e/2020/truce.md`).

    Names that start with a dot are left out silently. Links are followed, but no file is read
    twice and no loop entered. Pipes, sockets and devices are never opened. Index folders are named
    once and not entered: the files of removed articles lie in them.

    Args:
        paths: folders and files, the most important first.
        allow_empty: return an empty discovery instead of raising when nothing was found.
        indexes: tells index folders from others.

    Raises:
        CorpusError: a path does not exist or belongs to an index, or nothing under all of them can
            hold an article.
    """
    roots = [_checked_root(path, indexes) for path in paths]
    search = _Search(indexes)
    for root in roots:
        search.visit_root(root)
    if not search.files and not allow_empty:
        raise CorpusError(_nothing_found(paths, search.problems))
    return Discovery(tuple(search.files), tuple(search.problems))


def _checked_root(path: Path, indexes: IndexFolders) -> Path:
    if indexes.is_index(path) or indexes.holds(path):
        raise CorpusError(
            f"{path} is an index folder of qa-service, or part of one; what it keeps is never read "
            "as articles. Name a folder of articles, or another place for the index with --index."
        )
    try:
        path.stat()
    except FileNotFoundError as error:
        what = "is a broken link" if path.is_symlink() else "does not exist"
        raise CorpusError(
            f"{path} {what}. Name a folder or file of articles that exists."
        ) from error
    except PermissionError as error:
        raise CorpusError(
            f"{path} may not be looked at: {error.strerror}. Grant access."
        ) from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path} cannot be looked at: {error}. Name another folder.") from error
    return path


def _nothing_found(paths: Sequence[Path], problems: Sequence[FileProblem]) -> str:
    where = ", ".join(str(path) for path in paths) or "no path at all"
    supported = " ".join(SUPPORTED_SUFFIXES)
    if not problems:
        return (
            f"{where}: there are no files. Put articles there ({supported}) or name another folder."
        )
    first = problems[0]
    more = f", and {len(problems) - 1} more like this" if len(problems) > 1 else ""
    return (
        f"{where}: no file can be used ({first.path}: {first.reason}{more}). "
        f"Articles are read from {supported}."
    )


@dataclass(slots=True)
class _Search:
    """The state of one discovery: what was found, and what has been seen already."""

    indexes: IndexFolders
    files: list[SourceFile] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    taken_ids: set[str] = field(default_factory=set)
    seen_files: dict[Path, str] = field(default_factory=dict)
    seen_folders: set[tuple[int, int]] = field(default_factory=set)

    def visit_root(self, root: Path) -> None:
        """Collect a root's files in the order of their paths, real ones before links."""
        if not root.is_dir():
            self._add(root, root.name, root.parent)
            return
        found = sorted(self._walk(root), key=lambda path: path.parts)
        for path in sorted(found, key=lambda path: _goes_through_link(path, root)):
            self._add(path, path.relative_to(root).as_posix(), root)

    def _walk(self, folder: Path) -> Iterator[Path]:
        pending = [folder]
        while pending:
            current = pending.pop()
            try:
                status = current.stat()
                inside = sorted(current.iterdir())
            except OSError as error:
                reason = f"folder cannot be read: {error.strerror}. Grant access or move it away."
                self._fail(current, reason)
                continue
            if (status.st_dev, status.st_ino) in self.seen_folders:
                if current.is_symlink():
                    self._skip(current, "link to a folder that is read already")
                continue
            self.seen_folders.add((status.st_dev, status.st_ino))
            if self.indexes.is_index(current) or (
                current.is_symlink() and self.indexes.holds(current)
            ):
                self._skip(current, _OF_AN_INDEX)
                continue
            links = []
            for path in inside:
                if path.name.startswith("."):
                    continue
                if not path.is_dir():
                    yield path
                elif path.is_symlink():
                    links.append(path)
                else:
                    pending.append(path)
            # At the bottom of the stack, so that a folder is entered by its real path if it can be.
            pending[:0] = links

    def _add(self, path: Path, relative: str, root: Path) -> None:
        if not has_utf8_form(relative):
            self._fail(path, "file name is not valid UTF-8. Rename it.")
            return
        if path.suffix.lower() not in SUPPORTED_SUFFIXES:
            kind = path.suffix or "no suffix"
            supported = " ".join(SUPPORTED_SUFFIXES)
            self._skip(path, f"unsupported format ({kind}); supported: {supported}")
            return
        try:
            status = path.stat()
            real = path.resolve(strict=True)
        except FileNotFoundError:
            self._fail(path, "link leads nowhere, or the file has just been removed")
            return
        except (OSError, RuntimeError) as error:
            # RuntimeError: Python 3.11 reports a loop of links this way.
            detail = error.strerror if isinstance(error, OSError) else "loop of links"
            self._fail(path, f"cannot be looked at: {detail}")
            return
        if not stat.S_ISREG(status.st_mode):
            self._skip(path, "not a regular file (pipe, socket or device); never opened")
            return
        if path.is_symlink() and self.indexes.holds(real):
            self._skip(path, _OF_AN_INDEX)
            return
        if real in self.seen_files:
            self._skip(path, f"same file as {self.seen_files[real]}, which is read already")
            return
        article_id = self._unique_id(relative, root)
        self.seen_files[real] = article_id
        self.taken_ids.add(article_id)
        self.files.append(SourceFile(path, article_id, root, status.st_size, status.st_mtime_ns))

    def _unique_id(self, relative: str, root: Path) -> str:
        if relative not in self.taken_ids:
            return relative
        absolute = os.path.abspath(root)  # noqa: PTH100 - links stay as the user wrote them
        name = Path(absolute).name or "root"
        by_name = f"{name}/{relative}"
        if by_name not in self.taken_ids:
            return by_name
        digest = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:8]
        return f"{name}~{digest}/{relative}"

    def _skip(self, path: Path, reason: str) -> None:
        self.problems.append(FileProblem(_printable(path), reason, FileState.SKIPPED))

    def _fail(self, path: Path, reason: str) -> None:
        self.problems.append(FileProblem(_printable(path), reason, FileState.FAILED))


def _goes_through_link(path: Path, root: Path) -> bool:
    while path != root:
        if path.is_symlink():
            return True
        path = path.parent
    return False


def _printable(path: Path) -> str:
    return str(path).encode(errors="replace").decode()
