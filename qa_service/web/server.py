"""Serving: one process that gunicorn watches over, the model loaded after the fork.

gunicorn starts the serving process, restarts it when it dies or hangs, and passes signals on; the
connections in it are served by `connection_server`.
"""

from __future__ import annotations

import errno
import gc
import ipaddress
import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from qa_service.config import Settings
from qa_service.errors import (
    AddressInUseError,
    InvalidSettingError,
    QaServiceError,
    StoredIndexError,
)
from qa_service.types import JobState
from qa_service.web.app import EVENT_LISTENERS, create_app
from qa_service.web.binding import is_loopback, place_of
from qa_service.web.connection import ConnectionLimits
from qa_service.web.connection_server import ConnectionServer
from qa_service.web.http_parser import BodyLimit
from qa_service.web.logs import announce, set_up_logging
from qa_service.web.requests import is_upload, max_body_bytes
from qa_service.web.security import Guard
from qa_service.web.server_log import ServerLogger

if TYPE_CHECKING:
    from qa_service.service import Service

log = logging.getLogger("qa_service.web.server")

# Besides questions, which have threads of their own; slow clients hold none.
REQUEST_THREADS: Final = 8
_BACKLOG: Final = 512
# gunicorn ends a process that has not stopped by then; requests under way get a second less.
_GRACE_S: Final = 10
_HANGS_AFTER_S: Final = 120
_POLL_S: Final = 1.0
# A connection takes up to three files while its request and its reply wait on the disk.
_FILES_OF_CONNECTION: Final = 3
_OTHER_FILES: Final = 250
_WANTED_FILES: Final = 8192
_WARM_UP_RETRY_S: Final = 2.0
_RETURN_MEMORY_EVERY_S: Final = 30.0


def serve(settings: Settings, make_service: Callable[[], Service], *, watch: bool = False) -> None:
    """Serve until told to stop.

    `make_service` is called in the serving process, since a model loaded before the fork would
    hang after it. With `watch`, changes in the articles folder start an index run.

    Raises:
        AddressInUseError: something else listens on the port.
        InvalidSettingError: the host is none of this machine's.
    """
    listener = bind(settings.host, settings.port)
    set_up_logging(settings.log_format)
    announce(f"qa-service is at {_announced_address(listener)}", settings.log_format)
    if settings.api_key is None and not is_loopback(listener.getsockname()[0]):
        announce(
            "Anyone who reaches this address can add and remove articles. Set QA_API_KEY to "
            "protect writing, and QA_PROTECT_READING=true to protect reading.",
            settings.log_format,
            stream=sys.stderr,
        )
    _Server(settings, make_service, listener, watches=watch).run()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; port 0 takes a free one.

    Raises:
        AddressInUseError: something else listens there.
        InvalidSettingError: the host is none of this machine's, or the port is not for us.
    """
    family, kind, protocol, address = place_of(host, port)
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"Port {port} of {host} is in use. Stop what listens there, or choose another "
                "port: qa-service serve --port 0 takes any free one."
            ) from error
        raise InvalidSettingError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Set QA_HOST to an address of "
            "this machine and QA_PORT to a port above 1023."
        ) from error
    listener.listen(_BACKLOG)
    return listener


class ConnectionWorker(Worker):  # type: ignore[misc]
    """gunicorn's serving process: polls the connections until it is told to stop."""

    app: _Server
    _server: ConnectionServer | None = None

    def run(self) -> None:
        """Serve until told to stop, then finish what has begun."""
        server = self._server = self.app.connect(self.sockets[0].sock, self.wsgi)
        next_notice = 0.0
        while self.alive:
            now = time.monotonic()
            if now >= next_notice:
                self.notify()
                next_notice = now + _POLL_S
                if os.getppid() != self.ppid:
                    log.warning("stopping: the process that watches over this one is gone")
                    break
            server.poll(_POLL_S)
        server.stop(_GRACE_S - 1, on_wait=self.notify)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop at the next turn, which comes at once."""
        super().handle_exit(sig, frame)
        if self._server is not None:
            self._server.pull_trigger()


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with its settings from ours."""

    def __init__(
        self,
        settings: Settings,
        make_service: Callable[[], Service],
        listener: socket.socket,
        *,
        watches: bool,
    ) -> None:
        self._settings = settings
        self._make_service = make_service
        self._listener = listener
        # Known before the fork: gunicorn takes the socket over by its number.
        self._bound_to: str = listener.getsockname()[0]
        self._watches = watches
        self._service: Service | None = None
        self._stopping = threading.Event()
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        memory = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat, kept off slow disks
        for name, value in {
            "bind": [f"fd://{self._listener.fileno()}"],
            "workers": 1,
            "worker_class": ConnectionWorker,
            "timeout": _HANGS_AFTER_S,
            "graceful_timeout": _GRACE_S,
            "worker_tmp_dir": str(memory) if memory.is_dir() else None,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": ServerLogger,
            "proc_name": "qa-service",
            "worker_exit": self._on_worker_exit,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the app; called in the serving process."""
        set_up_logging(self._settings.log_format)
        service = self._service = self._make_service()
        for task in (keep_warm, keep_small):
            threading.Thread(target=task, args=(service, self._stopping), daemon=True).start()
        if self._watches:
            service.watch()
        return create_app(service, self._settings, self._bound_to)

    def connect(self, listener: socket.socket, app: Flask) -> ConnectionServer:
        """Return what serves an app to those who connect."""
        return ConnectionServer(
            app,
            listener,
            threads=thread_count(self._settings),
            body_limit=body_limit(self._settings),
            limits=connection_limits(self._settings),
            backlog=_BACKLOG,
        )

    def _on_worker_exit(self, server: Any, worker: Any) -> None:  # noqa: ARG002 - gunicorn's hook
        self._stopping.set()
        if self._service is None:
            return
        job = self._service.job()
        self._service.close()
        if job is not None and job.state is JobState.RUNNING:
            # Native libraries in the midst of an index run abort the process when their threads are
            # taken away at its end. A run that is ended at any moment loses nothing.
            logging.shutdown()
            os._exit(0)


def thread_count(settings: Settings) -> int:
    """Return how many threads serve requests: what takes long never holds all of them.

    However many people ask or follow the index, whoever is to be refused, reads an article or
    asks whether the service is alive finds a free one.
    """
    questions = settings.concurrent_questions + settings.waiting_questions
    return REQUEST_THREADS + questions + EVENT_LISTENERS


def body_limit(settings: Settings) -> BodyLimit:
    """Return what says how large a body may be; who lacks the key may send no article at all."""
    guard = Guard(settings)

    def limit(method: str, path: str, headers: Mapping[str, str]) -> int:
        if is_upload(method, path):
            guard.check_upload(headers)
        return max_body_bytes(method, path, settings)

    return limit


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return what clients may hold: as many connections as this process may have files for."""
    files, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most_files == resource.RLIM_INFINITY or most_files > _WANTED_FILES:
        most_files = _WANTED_FILES
    if files < most_files:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (most_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    room = (max(files, most_files) - _OTHER_FILES) // _FILES_OF_CONNECTION
    usual = ConnectionLimits()
    return replace(
        usual,
        connections=max(32, min(usual.connections, room)),
        # A proxy brings the connections of all its clients.
        connections_of_address=0 if settings.trusted_proxies else usual.connections_of_address,
    )


def keep_warm(
    service: Service, stopping: threading.Event, retry_s: float = _WARM_UP_RETRY_S
) -> None:
    """Load index and model as soon as there is an index to load."""
    last_message = ""
    while not stopping.is_set():
        try:
            service.warm_up()
        except StoredIndexError as error:
            if str(error) != last_message:
                last_message = str(error)
                log.warning("not ready: %s", error)
        except QaServiceError as error:
            log.error("cannot be made ready: %s", error)
            return
        else:
            # What is loaded by now stays; looking through all of it for what may be thrown away
            # would hold a question up for fifty milliseconds now and then.
            gc.collect()
            gc.freeze()
            log.info("ready")
            return
        stopping.wait(retry_s)


def keep_small(
    service: Service, stopping: threading.Event, every_s: float = _RETURN_MEMORY_EVERY_S
) -> None:
    """Give back, as long as the server runs, the memory that is no longer needed."""
    while not stopping.wait(every_s):
        service.return_memory()


def _announced_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1" if listener.family == socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
