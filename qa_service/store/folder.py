"""`Store`: the index folder as a whole; who writes it, and which generation is in service."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qa_service.errors import (
    IndexBusyError,
    IndexCorruptError,
    NoIndexError,
    NoPreviousGenerationError,
    StoredIndexError,
)
from qa_service.indexes.engine import Engine
from qa_service.store import layout
from qa_service.store.centering import Centering
from qa_service.store.disk import Disk, FaultPoint, no_fault, writing_to
from qa_service.store.generation import Generation, is_of_others
from qa_service.store.journal import JOURNAL_FILES, Journal
from qa_service.store.lease import unleased
from qa_service.store.manifest import MANIFEST, MEND, Manifest, Recipe, read_manifest
from qa_service.store.preparation import mark, refuse_what_is_in_the_way
from qa_service.store.reading_log import READING_FILES, ReadingLog
from qa_service.store.small_files import read_small
from qa_service.store.soundness import SoundnessCheck, changed_files, check_sizes, checksum_of
from qa_service.store.write_lock import held_lock, refuse_while_held
from qa_service.store.writer import GenerationWriter

# A writer may delete the generation that a reader is about to open; each retry sees a newer one.
OPEN_ATTEMPTS = 20

# A generation that was compared with its checksums is not compared again for so long.
SECONDS_TO_TRUST = 60.0

# Ascending names are ascending ages; the time is for people.
GENERATION_NAME = re.compile(r"[0-9]{6,}-[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class LastGood:
    """The newest generation that opens; `problem` says why the one named in CURRENT does not."""

    generation: Generation | None
    problem: StoredIndexError | None = None


class Store:
    """The index folder. Safe to use from several threads and processes."""

    def __init__(
        self,
        path: Path,
        *,
        engine: Engine,
        centering: Centering,
        fault: FaultPoint = no_fault,
    ) -> None:
        """Name the folder; nothing is read or made yet.

        Args:
            path: the index folder.
            engine: makes and opens the indexes of generations.
            centering: fits and restores the transformation of vectors.
            fault: called before each step of a write, for tests.
        """
        self.path = path
        self.removed = path / layout.REMOVED
        self._engine = engine
        self._centering = centering
        self._disk = Disk(fault)
        self._soundness = SoundnessCheck()
        # Generations that were found damaged while they answered.
        self._set_aside: dict[str, IndexCorruptError] = {}
        self._sound_until: dict[str, float] = {}

    def current_id(self) -> str | None:
        """Return the name of the generation in service, None when there is none; cheap."""
        try:
            name = read_small(self.path / layout.CURRENT).decode("utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise IndexCorruptError(
                f"{self.path / layout.CURRENT} cannot be read ({error}). {MEND}"
            ) from error
        if not GENERATION_NAME.fullmatch(name):
            raise IndexCorruptError(
                f"{self.path / layout.CURRENT} names {name[:80]!r}, which is no generation. {MEND}"
            )
        return name

    def open_current(self, recipe: Recipe | None = None, *, is_checked: bool = True) -> Generation:
        """Open the generation in service.

        Args:
            recipe: what the caller's parts are; None opens whatever is there.
            is_checked: compare files with their checksums, as far as that is quickly done.

        Raises:
            NoIndexError: nothing has been indexed yet.
            IndexCorruptError: a file is missing, torn or unreadable.
            IndexMismatchError: built with another format, model, codec or analyser.
        """
        for _ in range(OPEN_ATTEMPTS):
            name = self.current_id()
            if name is None:
                raise NoIndexError(f"{self.path} holds no index yet. Run: qa-service index")
            try:
                return self._open(name, recipe, is_checked=is_checked)
            except IndexCorruptError:
                if self.current_id() == name:
                    raise
        raise IndexBusyError(f"{self.path} changes faster than it can be opened. Try again.")

    def open_last_good(self, recipe: Recipe | None = None) -> LastGood:
        """Open the generation in service or, when it is damaged, the one before it.

        Raises:
            IndexMismatchError: built with another format, model, codec or analyser.
        """
        try:
            return LastGood(self.open_current(recipe))
        except NoIndexError:
            return LastGood(None)
        except IndexCorruptError as error:
            problem = error
        for name in reversed(self._generation_names()):
            try:
                return LastGood(self._open(name, recipe), problem)
            except StoredIndexError:
                continue
        return LastGood(None, problem)

    def set_aside(self, generation: Generation, error: BaseException) -> IndexCorruptError | None:
        """Tell whether `error`, raised by a question, comes from damage; None when it does not.

        A damaged generation is not opened again by this store.
        """
        if is_of_others(error):
            return None
        if not isinstance(error, IndexCorruptError):
            # Anything may be raised by what reads torn files, and by mistakes of ours, too.
            if time.monotonic() < self._sound_until.get(generation.id, 0.0):
                return None
            problems = changed_files(generation.folder, generation.manifest)
            if not problems:
                # So that a mistake which any request can repeat does not read it all every time.
                self._sound_until[generation.id] = time.monotonic() + SECONDS_TO_TRUST
                return None
            error = IndexCorruptError(f"{generation.folder / problems[0]}. {MEND}")
        return self._set_aside.setdefault(generation.id, error)

    def verify(self) -> tuple[str, ...]:
        """Check every checksum and every offset of the generation in service.

        Returns:
            one line per problem; none when all is well.

        Raises:
            NoIndexError: nothing has been indexed yet.
            IndexCorruptError: a file is missing or torn, so that it does not even open.
        """
        name = self.current_id()
        if name is None:
            raise NoIndexError(f"{self.path} holds no index yet. Run: qa-service index")
        folder = self._generation_path(name)
        manifest = read_manifest(folder)
        check_sizes(folder, manifest)
        problems = changed_files(folder, manifest)
        if problems:
            # What reads them might not survive it.
            return problems
        generation = self._open(name, None, is_checked=False)
        try:
            return tuple(generation.problems())
        finally:
            generation.close()

    def last_sources(self) -> tuple[str, ...]:
        """Return what the newest generation mirrors whose manifest can be read; () without one."""
        manifests = map(self._manifest_or_none, reversed(self._generation_names()))
        return next((found.sources for found in manifests if found is not None), ())

    def previous_id(self) -> str | None:
        """Return the generation that `rollback` would put back in service, None without one."""
        names = self._generation_names()
        try:
            current = self.current_id()
            if current is None:
                return None
            names = [name for name in names if name < current]
            parent = read_manifest(self._generation_path(current)).parent
        except StoredIndexError:
            # What CURRENT or the manifest says is lost; the newest one is what it came from.
            parent = names[-1] if names else None
        if parent is None or not (self._generation_path(parent) / MANIFEST).is_file():
            return None
        return parent

    def rollback(self) -> Manifest:
        """Put the previous generation back in service and return its manifest.

        Raises:
            NoPreviousGenerationError: there is none.
            IndexCorruptError: it is damaged, too; nothing was changed.
            IndexBusyError: another process is writing.
        """
        with self.write_lock():
            previous = self.previous_id()
            if previous is None:
                raise NoPreviousGenerationError(
                    f"{self.path} holds no generation before {self.current_id()}. To make the "
                    "index anew, run: qa-service index --rebuild"
                )
            generation = self._open(previous, None)
            generation.close()
            with writing_to(self.path):
                self._disk.write_text(self.path / layout.CURRENT, f"{previous}\n")
            return generation.manifest

    @contextlib.contextmanager
    def write_lock(self) -> Iterator[None]:
        """Keep other writers out; the lock of a process that died is free.

        Raises:
            IndexBusyError: another process, or thread, is writing; names it.
            IndexWriteError: the folder cannot be written to.
        """
        with writing_to(self.path):
            self._disk.fault("lock")
            refuse_what_is_in_the_way(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
        with held_lock(self.path):
            with writing_to(self.path):
                mark(self.path)
                self._remove_leftovers()
            yield

    def refuse_while_busy(self) -> None:
        """Raise IndexBusyError when a run could not start now; names who is writing."""
        refuse_while_held(self.path)

    def begin(
        self, recipe: Recipe, base: Generation | None, parent: Generation | None = None
    ) -> GenerationWriter:
        """Start a generation; `write_lock` must be held.

        Args:
            recipe: what its parts are.
            base: the generation to go on from; None starts empty.
            parent: the generation that `rollback` returns to; `base` if None is given.

        Raises:
            IndexWriteError: the disk is full or read-only.
        """
        names = self._generation_names()
        manifests = [m for m in map(self._manifest_or_none, names) if m is not None]
        number = 1 + max((int(name.split("-")[0]) for name in names), default=0)
        came_from = parent or base
        with writing_to(self.path):
            (self.path / layout.GENERATIONS).mkdir(exist_ok=True)
        return GenerationWriter(
            f"{number:06d}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}",
            self.path,
            recipe,
            base,
            None if came_from is None else came_from.id,
            # A key must never mean two passages, even across a rollback.
            next_key=max((manifest.next_key for manifest in manifests), default=1),
            disk=self._disk,
            engine=self._engine,
            centering=self._centering,
            soundness=self._soundness,
        )

    def open_all(
        self, recipe: Recipe, held: Generation | None, *, is_thorough: bool
    ) -> list[Generation]:
        """Open every generation whose embeddings are of this recipe, newest first.

        `held`, which is open already, is not opened again. Damaged ones are left out; `is_thorough`
        reads their vectors and tokens through to find out.
        """
        opened = []
        for name in reversed(self._generation_names()):
            if held is not None and name == held.id:
                generation = held
            else:
                try:
                    generation = self._open(name, None)
                except StoredIndexError:
                    continue
            is_same = generation.manifest.recipe.embedding == recipe.embedding
            if is_same and not (is_thorough and self._has_damaged_embeddings(generation)):
                opened.append(generation)
            elif generation is not held:
                generation.close()
        return opened

    def journal(self, recipe: Recipe) -> Journal:
        """Open the journal of embeddings; `write_lock` must be held."""
        with writing_to(self.path):
            self._disk.fault("open journal")
            return Journal(self.path / layout.CACHE, recipe.embedding_size)

    def reading_log(self, reading_version: str, *, tries_again: bool) -> ReadingLog:
        """Open the log of files that are being read; `write_lock` must be held."""
        with writing_to(self.path):
            self._disk.fault("open reading log")
            return ReadingLog(self.path / layout.CACHE, reading_version, tries_again=tries_again)

    def discard_journal(self) -> None:
        """Delete journal and reading log; what they held is in a generation, or of no use."""
        with writing_to(self.path):
            self._disk.fault("discard journal")
            for name in (*JOURNAL_FILES, *READING_FILES):
                (self.path / layout.CACHE / name).unlink(missing_ok=True)

    def clean(self) -> None:
        """Delete what no reader needs: all but the live generation, its parent and leased ones."""
        keep = {self.current_id(), self.previous_id()}
        for name in self._generation_names():
            if name not in keep:
                with unleased(self._generation_path(name) / MANIFEST) as is_free:
                    if is_free:
                        self._disk.remove_tree(self._generation_path(name))

    def _remove_leftovers(self) -> None:
        building = self.path / layout.BUILDING
        for folder in sorted(building.glob("*")):
            self._disk.remove_tree(folder)
        # A new file that a killed process left beside the one it was to replace.
        with contextlib.suppress(OSError):
            (self.path / f"{layout.CURRENT}.new").unlink(missing_ok=True)

    def _open(self, name: str, recipe: Recipe | None, *, is_checked: bool = True) -> Generation:
        if is_checked and name in self._set_aside:
            raise self._set_aside[name]
        return Generation(
            self._generation_path(name),
            recipe=recipe,
            engine=self._engine,
            centering=self._centering,
            soundness=self._soundness if is_checked else None,
        )

    def _generation_path(self, name: str) -> Path:
        return self.path / layout.GENERATIONS / name

    def _generation_names(self) -> list[str]:
        folder = self.path / layout.GENERATIONS
        return sorted(
            path.name for path in folder.glob("*") if GENERATION_NAME.fullmatch(path.name)
        )

    def _manifest_or_none(self, name: str) -> Manifest | None:
        try:
            return read_manifest(self._generation_path(name))
        except StoredIndexError:
            return None

    def _has_damaged_embeddings(self, generation: Generation) -> bool:
        """Tell whether a file has changed that embeddings are found by, or come from."""
        read = (layout.ARTICLES, *self._engine.embedding_files)
        return any(
            checksum_of(generation.folder / name) != record.sha256
            for name, record in generation.manifest.files.items()
            if name.split("/")[0] in read
        )
