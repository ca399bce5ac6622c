"""The log of a serving process: one line for each request, as text or as JSON."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Request, Response, g, has_request_context, request

from qa_service.web.context import context
from qa_service.web.replies import call_after

log = logging.getLogger("qa_service.web.requests")

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
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Writes each record as one line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the line with the fields after the message."""
        fields = " ".join(
            f"{name}={_quoted(value)}" for name, value in _extra_fields(record).items()
        )
        return f"{super().formatMessage(record)} {fields}".rstrip()


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.request_id = getattr(g, "request_id", None) if has_request_context() else None
        return True


def set_up_logging(log_format: str) -> None:
    """Send qa-service's records to stderr in the format asked for."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logger = logging.getLogger("qa_service")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


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
    return text if is_plain else json.dumps(text, ensure_ascii=False)
