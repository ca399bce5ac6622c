"""The indexing process's side of the process that reads files.

Every format is read, and its articles are cleaned, in a child: a hostile file can make any parser
hang or swell, and what hangs in C holds up the whole interpreter. The parent keeps one child for
many files, gives each file a time limit, and starts a new child when the old one was ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from qa_service.child_python import python_command
from qa_service.corpus.file_articles import FileArticles
from qa_service.corpus.reading_messages import (
    article_from_json,
    dropped_from_json,
    from_line,
    to_line,
)
from qa_service.errors import ReadingStoppedError, UnreadableFileError
from qa_service.types import Article

MAX_MEMORY_BYTES = 2 * 2**30
# A child that holds more than this share of it between two files is replaced: what earlier files
# left behind must not make a later one fail.
_MAX_SHARE_BETWEEN_FILES = 0.4
_STOP_SECONDS = 5.0
# The child keeps to its time itself where the system can see to that; else the parent does.
_GRACE_S = 2.0 if hasattr(signal, "setitimer") else 0.0
_LOOK_EVERY_S = 0.25

OnShare = Callable[[float], None]
"""Is told what share of a file is read, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long reading a file may take: so many seconds, and more for each article read of it.

    A file of a million lines takes its time; one whose lines each take almost too long does not.
    """

    seconds: float
    per_article_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FileToRead:
    """A file, the suffix that says how it is read, and the id of an article that is all of it."""

    suffix: str
    path: Path
    id: str


class ReadingProcess:
    """Reads files in a child process, one at a time; safe to call from several threads."""

    def __init__(self, max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._max_memory_bytes = max_memory_bytes
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._is_closed = False

    def read(
        self,
        file: FileToRead,
        *,
        limit: TimeLimit,
        repeated: Set[str] = frozenset(),
        on_share: OnShare | None = None,
    ) -> FileArticles:
        """Read a file by the reader of its suffix.

        Raises:
            UnreadableFileError: the reader says so, or took too long or too much memory.
        """
        with self._lock:
            while True:
                child = self._running()
                was_fresh = child.files_read == 0
                try:
                    return child.read(file, limit, repeated, on_share)
                except _BrokenDownError as error:
                    self._stop()
                    if was_fresh or self._is_closed:
                        raise ReadingStoppedError(
                            "its reader broke down, most likely for want of memory. "
                            "Save it in a simpler form, such as plain text."
                        ) from error
                    # What broke down may have been worn out by the files before: a fresh one
                    # reads this file alone.
                except ReadingStoppedError:
                    self._stop()
                    raise

    def close(self) -> None:
        """End the child process, and with it the reading of a file that is under way."""
        self._is_closed = True
        if (child := self._child) is not None:
            child.kill()
        with self._lock:
            self._stop()

    def _running(self) -> _Child:
        largest = _MAX_SHARE_BETWEEN_FILES * self._max_memory_bytes
        if self._child is not None and (self._child.has_ended or self._child.holds > largest):
            self._stop()
        if self._child is None:
            self._child = _Child(self._max_memory_bytes)
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.stop()


class _BrokenDownError(Exception):
    """The child ended, for no reason that it could name."""


class _Child:
    """One child process."""

    def __init__(self, max_memory_bytes: int) -> None:
        self.files_read = 0
        self.holds = 0
        self._repeated: Set[str] = frozenset()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            python_command("corpus.reading_child", [str(max_memory_bytes)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # It looks at no file but those it is told to read, by their full names.
            cwd=Path(sys.executable).anchor,
            # Not in the terminal's group: Ctrl-C is for the parent, which ends the child.
            start_new_session=True,
        )
        self._deadline: float | None = None
        self._deadline_lock = threading.Lock()
        self._was_stopped = False
        self._has_stopped = threading.Event()
        threading.Thread(target=self._watch, name="reader-watch", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """True when the process is no more."""
        return self._process.poll() is not None

    def read(
        self, file: FileToRead, limit: TimeLimit, repeated: Set[str], on_share: OnShare | None
    ) -> FileArticles:
        """Have a file read; the process is of no further use after any but UnreadableFileError."""
        self.files_read += 1
        request = {
            "suffix": file.suffix,
            "path": os.path.abspath(file.path),  # noqa: PTH100 - links stay as they are
            "id": file.id,
            "time_limit_s": limit.seconds,
            "per_article_s": limit.per_article_s,
        }
        self._set_deadline(time.monotonic() + limit.seconds + _GRACE_S)
        try:
            self._ask(request, repeated)
            return self._articles(limit, on_share)
        except (OSError, _BrokenDownError) as error:
            if self._was_ended_for_time():
                raise ReadingStoppedError(
                    f"reading it took longer than {limit.seconds:g} seconds and was stopped. "
                    "Save it in a simpler form, such as plain text."
                ) from error
            raise _BrokenDownError from error
        finally:
            self._set_deadline(None)

    def kill(self) -> None:
        """End the process while another thread waits for what it reads."""
        self._process.kill()

    def stop(self) -> None:
        """End the process and let go of it."""
        self._has_stopped.set()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            # Without its input the child ends by itself; one that hangs does not.
            self._process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=_STOP_SECONDS)

    def _ask(self, request: dict[str, object], repeated: Set[str]) -> None:
        stdin = self._process.stdin
        if stdin is None:
            raise RuntimeError("the reader process was started without pipes")
        # There may be many lines, and they are the same for all files of a run.
        if repeated is not self._repeated and repeated != self._repeated:
            stdin.write(to_line({"repeated": sorted(repeated)}))
        self._repeated = repeated
        stdin.write(to_line(request))
        stdin.flush()

    def _articles(self, limit: TimeLimit, on_share: OnShare | None) -> FileArticles:
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the reader process was started without pipes")
        articles: list[Article] = []
        while True:
            line = stdout.readline()
            if not line.endswith(b"\n"):
                raise _BrokenDownError
            message = from_line(line)
            if "article" not in message:
                break
            articles.append(article_from_json(message["article"]))
            self._allow_more(limit.per_article_s)
            if on_share is not None:
                on_share(float(str(message["share"])))
        self.holds = int(str(message["address_space"]))
        if "error" in message:
            raise UnreadableFileError(str(message["error"]))
        warnings = message["warnings"]
        if not isinstance(warnings, list):
            raise _BrokenDownError
        return FileArticles(tuple(articles), dropped_from_json(message["dropped"]), tuple(warnings))

    def _was_ended_for_time(self) -> bool:
        if self._was_stopped:
            return True
        try:
            status = self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return hasattr(signal, "SIGALRM") and status == -signal.SIGALRM

    def _set_deadline(self, deadline: float | None) -> None:
        with self._deadline_lock:
            self._deadline = deadline

    def _allow_more(self, seconds: float) -> None:
        with self._deadline_lock:
            if self._deadline is not None:
                self._deadline += seconds

    def _watch(self) -> None:
        """End the process when a file has taken too long."""
        while not self._has_stopped.wait(_LOOK_EVERY_S):
            with self._deadline_lock:
                if self._deadline is not None and time.monotonic() > self._deadline:
                    self._was_stopped = True
                    self._process.kill()
                    return
