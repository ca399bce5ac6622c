"""A child process that parses what could hang or swell: web pages, PDFs, Office documents.

The parent keeps one child for many files, gives each file a time limit, and starts a new child
when it had to end the old one. Requests and replies are lines of JSON; nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from qa_service.corpus.draft import Draft, Drafts
from qa_service.errors import UnreadableFileError
from qa_service.types import DroppedText

MAX_MEMORY_BYTES = 2 * 2**30
_FILES_PER_PROCESS = 200
_STOP_SECONDS = 5.0

try:
    import resource
except ImportError:  # not on Windows; the time limit still holds there
    resource = None  # type: ignore[assignment]

Read = Callable[[Path], Drafts]


class ReaderProcess:
    """Reads files in a child process, one at a time; safe to call from several threads."""

    def __init__(self, max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._max_memory_bytes = max_memory_bytes
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._files_read = 0

    def read(self, suffix: str, path: Path, time_limit_s: float) -> Drafts:
        """Read a file by the reader of this suffix.

        Raises:
            UnreadableFileError: the reader says so, or took too long or too much memory.
        """
        request = json.dumps({"suffix": suffix, "path": os.fspath(path)}).encode("ascii") + b"\n"
        with self._lock:
            reply, was_stopped = self._exchange(request, time_limit_s)
        if reply is None:
            if was_stopped:
                raise UnreadableFileError(
                    f"reading it took longer than {time_limit_s:g} seconds and was stopped. "
                    "Save it in a simpler form, such as plain text."
                )
            raise UnreadableFileError(
                "its reader broke down, most likely for want of memory. "
                "Save it in a simpler form, such as plain text."
            )
        if "error" in reply:
            raise UnreadableFileError(str(reply["error"]))
        return _drafts_from_json(reply)

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._stop()

    def _exchange(
        self, request: bytes, time_limit_s: float
    ) -> tuple[Mapping[str, object] | None, bool]:
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the reader process was started without pipes")
        was_stopped = threading.Event()

        def stop() -> None:
            was_stopped.set()
            process.kill()

        timer = threading.Timer(time_limit_s, stop)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, OSError):
            line = b""
        finally:
            timer.cancel()
        self._files_read += 1
        if not line.endswith(b"\n"):
            self._stop()
            return None, was_stopped.is_set()
        return json.loads(line), False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._files_read >= _FILES_PER_PROCESS or (
            self._process is not None and self._process.poll() is not None
        ):
            self._stop()
        if self._process is None:
            program = (
                "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
                "from qa_service.corpus.isolated import main; main(int(sys.argv[2]))"
            )
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [
                    sys.executable,
                    "-c",
                    program,
                    json.dumps(sys.path),
                    str(self._max_memory_bytes),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._files_read = 0
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        self._files_read = 0
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            # Without its input the child ends by itself; one that hangs does not.
            process.wait(timeout=0.2 if process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=_STOP_SECONDS)


def serve(readers: Mapping[str, Read], max_memory_bytes: int) -> None:
    """Answer requests on the standard streams until they end; this is the child's whole life."""
    replies = os.fdopen(os.dup(1), "wb")
    # What a library prints must not get between the replies.
    os.dup2(2, 1)
    _limit_memory(max_memory_bytes)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        reply: dict[str, object]
        try:
            reply = _drafts_to_json(readers[request["suffix"]](Path(request["path"])))
        except UnreadableFileError as error:
            reply = {"error": str(error)}
        except MemoryError:
            reply = {
                "error": f"reading it takes more than {max_memory_bytes // 2**20} MB of memory. "
                "Save it in a simpler form, such as plain text."
            }
        except RecursionError:
            reply = {"error": "it is nested too deeply. Save it in a simpler form."}
        replies.write(json.dumps(reply).encode("ascii") + b"\n")
        replies.flush()


def _limit_memory(max_bytes: int) -> None:
    if resource is None:
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    except (ValueError, OSError):  # macOS refuses
        return


def _drafts_to_json(drafts: Drafts) -> dict[str, object]:
    return dataclasses.asdict(drafts)


def _drafts_from_json(value: Mapping[str, object]) -> Drafts:
    articles = value["articles"]
    warnings = value["warnings"]
    if not isinstance(articles, list) or not isinstance(warnings, list):
        raise UnreadableFileError("its reader answered nonsense. Report this file as a fault.")
    drafts = []
    for fields in articles:
        dropped = tuple(DroppedText(**entry) for entry in fields.pop("dropped"))
        drafts.append(Draft(**fields, dropped=dropped))
    return Drafts(tuple(drafts), tuple(warnings))
