"""The reading process: turns files into articles, within bounds, until nobody asks any more."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from qa_service.corpus.draft import Drafts
from qa_service.corpus.file_articles import Notes, articles_of
from qa_service.corpus.reading_messages import Message, article_to_json, from_line, to_line
from qa_service.errors import UnreadableFileError

try:
    import resource
except ImportError:  # not on Windows; the time limit still holds there
    resource = None  # type: ignore[assignment]

Read = Callable[[Path], Drafts]

# By name: a folder of plain text needs none of the parsers of the other formats.
_FORMATS = "qa_service.corpus.formats"
_READERS: Mapping[str, tuple[str, str]] = {
    ".csv": ("csv_table", "read_csv"),
    ".docx": ("docx", "read_docx"),
    ".htm": ("html", "read_html"),
    ".html": ("html", "read_html"),
    ".jsonl": ("json_lines", "read_json_lines"),
    ".md": ("markdown", "read_markdown"),
    ".pdf": ("pdf", "read_pdf"),
    ".txt": ("plain_text", "read_plain_text"),
}
# When memory runs out, the system is to end this process rather than the one that serves.
_OOM_SCORE = "800"
_ARTICLES_PER_LOOK = 50
# Zero would stop the clock.
_SHORTEST_S = 1e-6


def reader_of(suffix: str) -> Read:
    """Return the reader of a format."""
    module, function = _READERS[suffix]
    read: Read = getattr(importlib.import_module(f"{_FORMATS}.{module}"), function)
    return read


def main(arguments: Sequence[str]) -> int:
    """Be the child of a `ReadingProcess`; the argument is how much memory it may take."""
    # One thread is all that reading needs; libraries set aside memory for as many as there are
    # cores, which counts as taken.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    serve(reader_of, int(arguments[0]))
    return 0


def serve(readers: Callable[[str], Read], max_memory_bytes: int) -> None:
    """Answer requests on the standard streams until they end; this is the child's whole life."""
    replies = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    # What a library prints must not get between the replies.
    os.dup2(2, 1)
    _limit_memory(max_memory_bytes)
    repeated: frozenset[str] = frozenset()
    for line in sys.stdin.buffer:
        request = from_line(line)
        if "repeated" in request:
            repeated = frozenset(request["repeated"])  # type: ignore[call-overload]
            continue
        try:
            with _Clock(request) as clock:
                last = _answer(request, readers, repeated, replies, clock)
        except UnreadableFileError as error:
            last = {"error": str(error)}
        except MemoryError:
            last = {
                "error": f"reading it takes more than {max_memory_bytes // 2**20} MB of memory. "
                "Save it in a simpler form, such as plain text."
            }
        except RecursionError:
            last = {"error": "it is nested too deeply. Save it in a simpler form."}
        except Exception as error:  # noqa: BLE001 - whatever a file does to a parser, it is named
            last = {
                "error": f"its reader stumbled over it ({type(error).__name__}: {error}). "
                "Save it in a simpler form, such as plain text."
            }
        replies.write(to_line({**last, "address_space": _address_space()}))
        replies.flush()


def _answer(
    request: Message,
    readers: Callable[[str], Read],
    repeated: frozenset[str],
    replies: BinaryIO,
    clock: _Clock,
) -> Message:
    """Write a line for every article of a file; return what the last line says."""
    drafts = readers(str(request["suffix"]))(Path(str(request["path"])))
    notes = Notes()
    total = len(drafts.articles)
    articles = articles_of(drafts, str(request["id"]), repeated, notes)
    for number, article in enumerate(articles, start=1):
        clock.allow_more(number)
        if article is not None:
            told = {"article": article_to_json(article), "share": number / total}
            replies.write(to_line(told))
    dropped = [[entry.text, entry.reason] for entry in notes.dropped]
    return {"dropped": dropped, "warnings": notes.all_warnings()}


class _Clock:
    """Has the system end this process when the time is up, whatever it is doing by then.

    Whoever asked may be dead, so it is not left to them.
    """

    def __init__(self, request: Message) -> None:
        self._started = time.monotonic()
        self._limit_s = float(str(request["time_limit_s"]))
        self._per_article_s = float(str(request["per_article_s"]))

    def __enter__(self) -> Self:
        self._set(self._limit_s)
        return self

    def __exit__(self, *_: object) -> None:
        self._set(0.0)

    def allow_more(self, articles: int) -> None:
        """Allow the time of so many articles that are read."""
        if self._per_article_s and articles % _ARTICLES_PER_LOOK == 0:
            until = self._started + self._limit_s + articles * self._per_article_s
            self._set(max(until - time.monotonic(), _SHORTEST_S))

    def _set(self, seconds: float) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(max_bytes: int) -> None:
    if resource is None:
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    except (ValueError, OSError):  # macOS refuses
        return


def _address_space() -> int:
    """Return how much memory is set aside, in bytes, of what the limit allows; 0 if unknown."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * (resource.getpagesize() if resource else 4096)
