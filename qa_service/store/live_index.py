"""The generation in service: held open, switched for a newer one, put out when damaged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from qa_service.errors import IndexCorruptError, QaServiceError
from qa_service.store.folder import Store
from qa_service.store.generation import Generation
from qa_service.store.manifest import Recipe

log = logging.getLogger(__name__)

T = TypeVar("T")


class LiveIndex:
    """Opens whatever generation is in service when it is read. Safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._damage: str | None = None

    @property
    def is_open(self) -> bool:
        """True while a generation is held open."""
        return self._generation is not None

    @property
    def damage(self) -> str | None:
        """What is wrong with the index in service, when an older one answers in its stead."""
        return self._damage

    def current(self, recipe: Recipe | None) -> Generation:
        """Return the generation in service or, when it is damaged, the last good one.

        Requests that hold an older generation keep it until they are done with it.

        Args:
            recipe: what must be able to search it; None for whoever only reads articles.

        Raises:
            NoIndexError: nothing has been indexed yet.
            IndexCorruptError: it is damaged, and no other is left.
            IndexMismatchError: built with another format, model, codec or analyser.
        """
        with self._lock:
            held = self._generation
            try:
                if held is not None and held.id == self._store.current_id():
                    self._damage = None
                    return held
                self._generation = self._store.open_current(recipe)
                self._damage = None
            except IndexCorruptError as error:
                # What was last good goes on answering, and whoever runs this reads why.
                self._generation = held or self._store.open_last_good(recipe).generation
                if self._generation is None:
                    raise
                damage = f"{error}. Meanwhile generation {self._generation.id} answers."
                if self._damage != damage:
                    self._damage = damage
                    log.error("%s", damage)
            return self._generation

    def read(self, use: Callable[[Generation], T], recipe: Recipe | None) -> T:
        """Return what `use` makes of the generation in service, or else of the one before it.

        Damage that shows only now puts a generation out of service, for all that follows. Raises
        what `current` and `use` raise.
        """
        while True:
            generation = self.current(recipe)
            try:
                return use(generation)
            except BaseException as error:
                if isinstance(error, QaServiceError) and not isinstance(error, IndexCorruptError):
                    raise
                problem = self._store.set_aside(generation, error)
                if problem is None:
                    raise
                with self._lock:
                    if self._generation is generation:
                        self._generation = None
                log.error("generation %s is out of service: %s", generation.id, problem)

    def close(self) -> None:
        """Let go of files."""
        with self._lock:
            if self._generation is not None:
                self._generation.close()
                self._generation = None
