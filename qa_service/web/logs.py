"""The log of a serving process: one line for each request, as text or as JSON.

All that a serving process says goes through here: its own records, those of the HTTP server and of
other libraries, warnings of Python, and what threads die of.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import secrets
import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, TextIO

from flask import Flask, Request, Response, g, has_request_context, request

from qa_service.text.printable import printable, printable_json, printable_passage
from qa_service.web.after_reply import call_after
from qa_service.web.context import context

log = logging.getLogger("qa_service.web.requests")
log_uncaught = logging.getLogger("qa_service.uncaught")

_OTHERS: Final = (
    *("gunicorn.error", "gunicorn.access", "waitress", "waitress.queue", "werkzeug"),
    *("py.warnings", "asyncio", "watchfiles"),
)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIELDS: Final = (
    "method",
    "path",
    "status",
    "elapsed_ms",
    "client",
    "question",
    "language",
    "confidence",
    "generation",
)
_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_extra_fields(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return printable_json(json.dumps(line, ensure_ascii=False, default=str))


class TextFormatter(logging.Formatter):
    """Writes each record as one line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the line with the fields after the message."""
        fields = " ".join(
            f"{name}={_quoted(value)}" for name, value in _extra_fields(record).items()
        )
        record.message = printable(record.message)
        return f"{super().formatMessage(record)} {fields}".rstrip()

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Return the trace, each line indented, so that none looks like a record of its own."""
        trace = printable_passage(super().formatException(ei))
        return "\n".join(f"  {line}" for line in trace.splitlines())


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.request_id = getattr(g, "request_id", None) if has_request_context() else None
        return True


def set_up_logging(log_format: str) -> None:
    """Send every record of this process to stderr in the format asked for.

    Called before the HTTP server starts, and again in its workers; calling it twice does no harm.
    """
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(_formatter(log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OTHERS:
        # They would write lines of their own making.
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logger = logging.getLogger("qa_service")
    logger.handlers.clear()
    logger.setLevel(logging.INFO)
    logger.propagate = True
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_exception
    threading.excepthook = _log_thread_exception
    sys.unraisablehook = _log_unraisable


def announce(message: str, log_format: str, *, stream: TextIO | None = None) -> None:
    """Print a line that `serve` is there to say; as a record of the log where that is JSON."""
    line = printable(message)
    if log_format == "json":
        record = logging.LogRecord(
            "qa_service.web.server", logging.INFO, "", 0, message, None, None
        )
        line = JsonFormatter().format(record)
    print(line, file=stream, flush=True)


def _formatter(log_format: str) -> logging.Formatter:
    return JsonFormatter() if log_format == "json" else TextFormatter()


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log_uncaught.critical("stopped by an error", exc_info=(kind, error, trace))


def _log_thread_exception(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or issubclass(found.exc_type, SystemExit):
        return
    name = found.thread.name if found.thread else "unknown"
    log_uncaught.error(
        "the thread %s ended in an error",
        name,
        exc_info=(found.exc_type, found.exc_value, found.exc_traceback),
    )


def _log_unraisable(found: sys.UnraisableHookArgs) -> None:
    error = found.exc_value
    log_uncaught.warning(
        "%s: %r",
        found.err_msg or "An error could not be raised",
        found.object,
        exc_info=None if error is None else (type(error), error, found.exc_traceback),
    )


def log_requests(app: Flask) -> None:
    """Give every request an id, time it, count it and log it, without its query string."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id(request)

    @app.after_request
    def finish(response: Response) -> Response:
        # Absent when the request failed before it reached the app's own hooks.
        started: float = g.get("started", time.perf_counter())
        request_id: str = g.get("request_id") or _request_id(request)
        elapsed_s = time.perf_counter() - started
        response.headers["X-Request-ID"] = request_id

        def record() -> None:
            method = request.method if request.method in _KNOWN_METHODS else "other"
            context().metrics.record_request(
                method, request.endpoint or "unmatched", response.status_code, elapsed_s
            )
            log.info(
                "request",
                extra={
                    "method": method,
                    "path": request.path,
                    "status": response.status_code,
                    "elapsed_ms": round(elapsed_s * 1000, 1),
                    "client": request.remote_addr,
                },
            )

        call_after(response, record)
        return response


def _request_id(incoming: Request) -> str:
    """Return the id that a proxy gave the request when it is a harmless one, else a new one."""
    given = incoming.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _extra_fields(record: logging.LogRecord) -> dict[str, object]:
    fields = {name: getattr(record, name, None) for name in ("request_id", *_FIELDS)}
    return {name: value for name, value in fields.items() if value is not None}


def _quoted(value: object) -> str:
    """Return a value that cannot begin a new line of the log."""
    text = str(value)
    is_plain = text.isprintable() and " " not in text and '"' not in text
    return text if is_plain else printable_json(json.dumps(text, ensure_ascii=False))
