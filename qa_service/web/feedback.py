"""Readers' verdicts, kept as lines that `qa-service eval` reads."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from pathlib import Path

from qa_service.bodies import FeedbackIn
from qa_service.errors import IndexWriteError

FILE_NAME = "feedback.jsonl"
# Readers that split at any of these would tear a line; JSON escapes other control characters.
_SEPARATORS = "\x85\u2028\u2029"
_MAX_BYTES = 64 * 1024 * 1024


class FeedbackFile:
    """A file that grows by one JSON line for each verdict; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def record(self, verdict: FeedbackIn) -> None:
        """Append a verdict.

        A helpful passage makes the line a test case: its article is relevant to the question. The
        wrong one is named under "wrong", and "relevant" stays empty: nobody said what is right.

        Raises:
            IndexWriteError: the file cannot be written or has reached its limit.
        """
        line = {
            "question": verdict.question,
            "relevant": [verdict.article_id] if verdict.helpful else [],
            "answers": [verdict.answer] if verdict.helpful and verdict.answer else [],
            "helpful": verdict.helpful,
            "wrong": [] if verdict.helpful else [verdict.article_id],
            "citation": verdict.citation_id,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        text = json.dumps(line, ensure_ascii=False)
        for separator in _SEPARATORS:
            text = text.replace(separator, f"\\u{ord(separator):04x}")
        data = f"{text}\n".encode()
        with self._lock:
            self._append(data)

    def _append(self, data: bytes) -> None:
        try:
            # One write to a file opened for appending: lines of several processes don't mix.
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.fstat(handle).st_size + len(data) > _MAX_BYTES:
                    raise IndexWriteError(
                        f"{self._path} has reached {_MAX_BYTES // 2**20} MB; move it away to go on "
                        "collecting feedback."
                    )
                os.write(handle, data)
            finally:
                os.close(handle)
        except OSError as error:
            raise IndexWriteError(
                f"{self._path} cannot be written ({error.strerror}); make the index folder "
                "writable and free some space to collect feedback."
            ) from error
