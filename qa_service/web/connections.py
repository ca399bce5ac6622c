"""Connections: waitress's, each with deadlines, a bound for each address, and errors of our form.

One thread reads and writes for all connections and hands whole requests to a pool of threads, so a
client that is slow in sending or in reading holds no thread. What is bounded beyond waitress:

- a request must be in, and a reply out, within a time that grows only with the bytes that move;
- an address has a bounded number of connections, and so has the server; one more takes the place of
  the one that has kept the server waiting longest, so that a newcomer is never shut out;
- what is no HTTP gets the documented error from the app itself, without blocking anybody.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from qa_service.web.client_address import network_of
from qa_service.web.errors import CODE_OF_STATUS, PROBLEM_KEY, HttpProblem
from qa_service.web.http_parser import MAX_HEADER_BYTES, BodyLimit, RequestParser

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("qa_service.web.connections")

_ACCEPTED_AT_ONCE: Final = 16
_READ_AT_ONCE_BYTES: Final = 64 * 1024
_LINGER_S: Final = 2.0
# Bodies and replies beyond these go to temporary files while they wait.
_KEPT_OF_BODY_BYTES: Final = 64 * 1024
_KEPT_OF_REPLY_BYTES: Final = 256 * 1024
_NO_LIMIT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client may hold, and for how long.

    Attributes:
        connections: open at once.
        connections_of_address: of them, from one address (IPv6: one /64 network); 0 for any number,
            for proxies, which bring everybody's.
        large_bodies: uploads of more than 512 KB that come in at once.
        request_s: from a request's first byte until it is in.
        reply_s: from a reply's first byte waiting until none does.
        bytes_per_s: each so many bytes that move give a request or a reply one second more.
        idle_s: an open connection without any request.
    """

    connections: int = 1000
    connections_of_address: int = 128
    large_bodies: int = 8
    request_s: float = 15.0
    reply_s: float = 30.0
    bytes_per_s: float = 8192.0
    idle_s: float = 75.0


class ProblemTask(WSGITask):  # type: ignore[misc]
    """Answers a request that could not be read: the app renders the problem like any other."""

    def execute(self) -> None:
        """Write the reply and close the connection after it."""
        self.set_close_on_finish()
        if isinstance(self.request.error, HttpProblem):
            super().execute()
            return
        # The app itself has failed: nothing of it is asked again.
        body = json.dumps(_INTERNAL_ERROR).encode()
        self.complete = True
        self.status = "500 Internal Server Error"
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.write(body)

    def get_environment(self) -> dict[str, Any]:
        """Return the environ, in which the app finds the problem."""
        environ: dict[str, Any] = super().get_environment()
        environ[PROBLEM_KEY] = self.request.error
        return environ


_INTERNAL_ERROR: Final = {
    "error": {"code": "internal_error", "message": "Something went wrong here.", "detail": None}
}


class Connection(HTTPChannel):  # type: ignore[misc]
    """One client's connection."""

    error_task_class = ProblemTask
    server: ConnectionServer
    request: RequestParser | None
    connected: bool

    def __init__(
        self,
        server: ConnectionServer,
        sock: socket.socket,
        addr: tuple[str, int],
        adj: Adjustments,
        map: dict[int, Any] | None = None,  # noqa: A002 - waitress's name
    ) -> None:
        self.parser_class = partial(RequestParser, body_limit=server.body_limit)
        self.network = network_of(addr[0])
        now = time.monotonic()
        self._idle_since = now
        self._request_since = now
        self._reply_since: float | None = None
        self._bytes_sent = 0
        self._sent_before_reply = 0
        self._has_been_served = False
        self._holds_large_place = False
        self._lingers = False
        self._lingers_until: float | None = None
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def is_receiving(self) -> bool:
        """True while a request has begun to come in and is not complete."""
        return self.request is not None

    @property
    def is_receiving_large_body(self) -> bool:
        """True while a body comes in that only an upload may have."""
        return self.request is not None and self.request.is_large

    @property
    def is_waited_for(self) -> bool:
        """True when nothing of the client is being worked on: the next move is the client's."""
        return not self.requests

    @property
    def is_idle(self) -> bool:
        """True when no request is coming in, none is worked on, and no reply is going out."""
        return not self.requests and self.request is None and not self.total_outbufs_len

    @property
    def lateness(self) -> tuple[bool, float]:
        """What to sort connections by, to close those first that have kept us waiting longest.

        Those that wait for the next request of a client that has had its replies come last.
        """
        if self.is_idle:
            return self._has_been_served, self._idle_since
        if self._reply_since is not None:
            return False, self._reply_since
        return False, self._request_since

    def received(self, data: bytes) -> bool:
        """Take what has come in."""
        now = time.monotonic()
        if self.request is None:
            self._request_since = now
            self._holds_large_place = False
        has_read = bool(super().received(data))
        if self.request is not None or self.requests:
            # Blank lines alone do not count.
            self._idle_since = now
        if self.is_receiving_large_body and not self._holds_large_place:
            self._holds_large_place = self.server.has_place_for_large_body()
            if not self._holds_large_place:
                self._refuse(_too_many_uploads())
        return has_read

    def service(self) -> None:
        """Answer the request; called in a thread of the pool."""
        self._lingers = bool(self.requests[0].error)
        super().service()
        self._idle_since = time.monotonic()
        self._has_been_served = True

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the socket takes."""
        sent = int(super().send(data, do_close))
        self._bytes_sent += sent
        return sent

    def readable(self) -> bool:
        """Tell whether to read."""
        return bool(self._is_lingering or super().readable())

    def writable(self) -> bool:
        """Tell whether to write."""
        return bool(not self._is_lingering and super().writable())

    def handle_read(self) -> None:
        """Read; what comes in after the last reply is thrown away."""
        if not self._is_lingering:
            super().handle_read()
            return
        try:
            self.recv(self.adj.recv_bytes)
        except OSError:
            self.handle_close()

    def handle_close(self) -> None:
        """Close; after an early reply, only once the client has had the time to read it.

        Closing while the rest of a request is still coming in would reset the connection, and the
        reply could be lost on its way.
        """
        if self._lingers and self.connected and not self.total_outbufs_len:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                # Nothing is written from now on; the next call closes for good.
                self.connected = self.will_close = False
                self._lingers_until = time.monotonic() + _LINGER_S
                return
        super().handle_close()

    def keep_to_limits(self, now: float, limits: ConnectionLimits) -> None:
        """Close, or refuse the request of, a client that has used its time up."""
        if self._is_lingering:
            if now >= (self._lingers_until or now):
                self.handle_close()
        elif self.total_outbufs_len:
            if self._reply_since is None:
                self._reply_since, self._sent_before_reply = now, self._bytes_sent
            moved = self._bytes_sent - self._sent_before_reply
            if now > self._reply_since + limits.reply_s + moved / limits.bytes_per_s:
                self.close_now()
        else:
            self._reply_since = None
            if self.requests:
                return
            request = self.request
            if request is None:
                if now > self._idle_since + limits.idle_s:
                    self.close_now()
            elif now > self._request_since + limits.request_s + (
                request.bytes_received / limits.bytes_per_s
            ):
                self._refuse(_too_slow(limits.request_s))

    def close_now(self) -> None:
        """Close without waiting for anything."""
        self._lingers = False
        self.handle_close()

    @property
    def _is_lingering(self) -> bool:
        return self._lingers_until is not None and not self.connected

    def _refuse(self, problem: HttpProblem) -> None:
        """Answer the request that is coming in with a problem."""
        with self.requests_lock:
            request, self.request = self.request, None
            if request is None:
                return
            self.sent_continue = False
            request.refuse(problem)
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)


def _too_many_uploads() -> HttpProblem:
    return HttpProblem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "Too many uploads at once; try again in a moment.",
        headers={"Retry-After": "5"},
    )


def _too_slow(seconds: float) -> HttpProblem:
    return HttpProblem(
        HTTPStatus.REQUEST_TIMEOUT,
        CODE_OF_STATUS[408],
        f"The request did not come in within {seconds:g} seconds.",
    )


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Waitress's pool of threads, in which a question for health need not stand in line."""

    _URGENT: Final = frozenset({"/health", "/ready"})

    def add_task(self, task: Connection) -> None:
        """Hand a connection with a request to the next free thread."""
        if task.requests[0].path not in self._URGENT:
            super().add_task(task)
            return
        with self.lock:
            self.queue.appendleft(task)
            self.queue_cv.notify()


class ConnectionServer(TcpWSGIServer):  # type: ignore[misc]
    """Serves an app on a listening socket; `poll` is called until the server stops."""

    channel_class = Connection
    active_channels: dict[int, Connection]

    def __init__(
        self,
        app: WSGIApplication,
        listener: socket.socket,
        *,
        threads: int,
        body_limit: BodyLimit,
        limits: ConnectionLimits,
        backlog: int,
    ) -> None:
        self.body_limit = body_limit
        self._limits = limits
        self._is_stopping = False
        dispatcher = Dispatcher()
        dispatcher.set_thread_count(threads)
        # That requests wait for a thread is seen in the metrics; a line for each would flood.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        super().__init__(
            app,
            map={},
            _sock=listener,
            dispatcher=dispatcher,
            adj=Adjustments(
                listen="",  # the socket is there already
                threads=threads,
                backlog=backlog,
                ident=None,
                # Whom to believe about clients is up to `client_address`.
                clear_untrusted_proxy_headers=False,
                log_socket_errors=False,
                asyncore_use_poll=True,
                cleanup_interval=1,
                # The limits here are ours.
                connection_limit=_NO_LIMIT,
                max_request_body_size=_NO_LIMIT,
                max_request_header_size=MAX_HEADER_BYTES,
                recv_bytes=_READ_AT_ONCE_BYTES,
                inbuf_overflow=_KEPT_OF_BODY_BYTES,
                outbuf_overflow=_KEPT_OF_REPLY_BYTES,
            ),
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def poll(self, timeout_s: float) -> None:
        """Serve what is ready, or wait for it for so long at most."""
        self.asyncore.loop(timeout_s, use_poll=True, map=self._map, count=1)

    def handle_accept(self) -> None:
        """Take in those who have connected."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted = self.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._close_latest_of(self.active_channels.values())
                return
            if accepted is None:
                return
            self._take_in(*accepted)

    def maintenance(self, now: float) -> None:  # noqa: ARG002 - waitress's clock can be set
        """Hold every connection to its limits; called every second."""
        monotonic = time.monotonic()
        for connection in list(self.active_channels.values()):
            connection.keep_to_limits(monotonic, self._limits)

    def has_place_for_large_body(self) -> bool:
        """Tell whether no more large bodies are coming in than may."""
        coming = sum(
            connection.is_receiving_large_body for connection in list(self.active_channels.values())
        )
        return coming <= self._limits.large_bodies

    def stop(self, grace_s: float, on_wait: Callable[[], None]) -> None:
        """Stop listening, finish what has begun within the time, and end the threads.

        `on_wait` is called about once a second meanwhile.
        """
        deadline = time.monotonic() + grace_s
        self.accepting = False
        self.del_channel()
        self.socket.close()
        while time.monotonic() < deadline:
            on_wait()
            for connection in list(self.active_channels.values()):
                if connection.is_idle:
                    connection.close_now()
            if not self.active_channels:
                break
            self.maintenance(time.time())
            self.poll(0.05)
        for connection in list(self.active_channels.values()):
            connection.close_now()
        self.task_dispatcher.shutdown(timeout=1)

    def _take_in(self, accepted: socket.socket, address: tuple[Any, ...]) -> None:
        network = network_of(address[0])
        same = [
            connection
            for connection in self.active_channels.values()
            if connection.network == network
        ]
        most = self._limits.connections_of_address
        has_place = True
        if most and len(same) >= most:
            has_place = self._close_latest_of(same)
        elif len(self.active_channels) >= self._limits.connections:
            has_place = self._close_latest_of(self.active_channels.values())
        if not has_place:
            _turn_away(accepted)
            return
        try:
            self.set_socket_options(accepted)
        except OSError:  # hung up already
            accepted.close()
            return
        connection = self.channel_class(self, accepted, address[:2], self.adj, map=self._map)
        with contextlib.suppress(BlockingIOError):
            # Who has said what they want already must not be taken for silent by those who follow.
            if accepted.recv(1, socket.MSG_PEEK):
                connection.handle_read_event()

    def _close_latest_of(self, connections: Iterable[Connection]) -> bool:
        """Close the one that has kept the server waiting longest; False when all are worked on."""
        waited_for = [connection for connection in connections if connection.is_waited_for]
        if not waited_for:
            return False
        min(waited_for, key=lambda connection: connection.lateness).close_now()
        return True


def _turn_away(accepted: socket.socket) -> None:
    """Say that there are too many connections, as far as that can be said at once, and hang up."""
    body = json.dumps(
        {"error": {"code": "overloaded", "message": "Too many connections.", "detail": None}}
    )
    reply = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    try:
        accepted.setblocking(False)
        accepted.send(reply.encode())
        # What is unread when a socket is closed resets the connection, and the reply is lost.
        accepted.recv(_READ_AT_ONCE_BYTES)
    except OSError:
        pass
    finally:
        accepted.close()
