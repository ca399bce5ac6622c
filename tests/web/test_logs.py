"""What a serving process writes: a line for each record, whoever makes it, whatever it holds."""

from __future__ import annotations

import gc
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest
from gunicorn.config import Config

from qa_service.web.logs import announce, set_up_logging
from qa_service.web.server_log import ServerLogger

HOSTILE = "\x1b[2J\x9b31m\u202egnp\u2066\x00\x85\u2028\u2029\r\n12:00:00 INFO forged\x07\udc80"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
Stderr = Callable[[], str]
LOGGERS = (
    *("qa_service.web", "qa_service.service", "waitress", "waitress.queue", "gunicorn.error"),
    *("gunicorn.access", "some.library"),
)


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Stderr]:
    """Give what is written to stderr, and put logging back as it was."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    loggers = [logging.getLogger(name) for name in ("", "qa_service", *LOGGERS)]
    before = [(item, item.handlers[:], item.level, item.propagate) for item in loggers]
    yield lambda: capsys.readouterr().err
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(capture=False)
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


class Unraisable:
    """Cannot be let go of without an error."""

    def __del__(self) -> None:
        """Fail."""
        raise ValueError(HOSTILE)


def write_every_kind_of_line() -> int:
    """Write to the log in all the ways that there are; return how many records that makes."""
    for name in LOGGERS:
        logging.getLogger(name).error("it says %s", HOSTILE)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(HOSTILE, stacklevel=1)
    thread = threading.Thread(target=lambda: {}[HOSTILE], name=f"worker{HOSTILE}")
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError(HOSTILE), None)
    item = Unraisable()
    del item
    gc.collect()
    return len(LOGGERS) + 4


def set_up_as_servers_do() -> None:
    """Give loggers handlers of their own, as the HTTP servers do."""
    for name in ("gunicorn.error", "gunicorn.access", "waitress"):
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).propagate = False


def test_every_line_is_json(stderr: Stderr) -> None:
    """Records of the service, the server and libraries, warnings and traces: each is a document."""
    set_up_as_servers_do()
    set_up_logging("json")
    set_up_logging("json")
    written = write_every_kind_of_line()
    lines = stderr().split("\n")
    assert lines.pop() == ""
    assert len(lines) == written
    for line in lines:
        assert not UNSAFE.search(line)
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()
    assert sum("exception" in json.loads(line) for line in lines) == 3
    assert json.loads(lines[0])["message"] == f"it says {HOSTILE}"


def test_no_text_line_is_forged(stderr: Stderr) -> None:
    """As text every record is a line that begins with its time; what follows is indented."""
    set_up_as_servers_do()
    set_up_logging("text")
    written = write_every_kind_of_line()
    lines = stderr().split("\n")
    assert lines.pop() == ""
    records = [line for line in lines if re.match(r"\d\d:\d\d:\d\d [A-Z]+ ", line)]
    assert len(records) == written
    assert not any("INFO forged" in line[:20] for line in records)
    for line in lines:
        assert not UNSAFE.search(line)
        assert line in records or line.startswith("  ")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_serve_says_at_start(log_format: str) -> None:
    """The address is told in the format that was asked for."""
    stream = io.StringIO()
    announce(f"qa-service is at {HOSTILE}", log_format, stream=stream)
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert not UNSAFE.search(line)
    if log_format == "json":
        assert json.loads(line)["message"] == f"qa-service is at {HOSTILE}"
    else:
        assert line.startswith("qa-service is at ")


def test_the_servers_own_messages_are_json(stderr: Stderr) -> None:
    """What gunicorn's master process says goes the same way."""
    set_up_logging("json")
    server = ServerLogger(Config())
    server.error("Worker (pid:%s) was sent %s", 7, HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        server.exception("Exception in worker process")
    lines = stderr().splitlines()
    assert [json.loads(line)["logger"] for line in lines] == ["gunicorn.error"] * 2
    assert "exception" in json.loads(lines[1])
