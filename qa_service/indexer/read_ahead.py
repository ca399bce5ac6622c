"""Reads files in a thread of its own: the next file is read while one is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Set
from queue import SimpleQueue

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.file_articles import FileArticles
from qa_service.indexer.components import Loader


class Reading:
    """A file that is being read."""

    def __init__(self, file: SourceFile, repeated: Set[str]) -> None:
        self.file = file
        self.repeated = repeated
        self.elapsed_s = 0.0
        self._told: SimpleQueue[float | FileArticles | BaseException] = SimpleQueue()

    def result(self, on_share: Callable[[float], None]) -> FileArticles:
        """Return the file's articles when they are there, telling on the way how much is read.

        Raises:
            UnreadableFileError: there are none.
        """
        while True:
            told = self._told.get()
            if isinstance(told, float):
                on_share(told)
            elif isinstance(told, BaseException):
                raise told
            else:
                return told

    def run(self, loader: Loader) -> None:
        """Read the file; in the thread that reads."""
        started = time.monotonic()
        outcome: FileArticles | BaseException
        try:
            outcome = loader.read(self.file, self.repeated, self._told.put)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            outcome = error
        self.elapsed_s = time.monotonic() - started
        self._told.put(outcome)


class ReadAhead:
    """Reads the files that it is given, one after the other."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._waiting: SimpleQueue[Reading | None] = SimpleQueue()
        # It ends with the process: a run that is given up does not wait for the file it is at.
        threading.Thread(target=self._run, name="reading", daemon=True).start()

    def start(self, file: SourceFile, repeated: Set[str]) -> Reading:
        """Read a file when those before it are read."""
        reading = Reading(file, repeated)
        self._waiting.put(reading)
        return reading

    def close(self) -> None:
        """Begin no other file."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (reading := self._waiting.get()) is not None:
            reading.run(self._loader)
