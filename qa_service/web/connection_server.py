"""The server of connections: takes them in, holds them to their limits, hands requests to threads.

An address has a bounded number of connections, and so has the server; one more takes the place of
the one that has kept the server waiting longest, so that a newcomer is never shut out.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from qa_service.web.client_address import network_of
from qa_service.web.connection import READ_AT_ONCE_BYTES, Connection, ConnectionLimits
from qa_service.web.http_parser import MAX_HEADER_BYTES, BodyLimit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_ACCEPTED_AT_ONCE: Final = 16
# Bodies and replies beyond these go to temporary files while they wait.
_KEPT_OF_BODY_BYTES: Final = 64 * 1024
_KEPT_OF_REPLY_BYTES: Final = 256 * 1024
_NO_LIMIT: Final = 2**31 - 1


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
        self._has_newcomers = False
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
                recv_bytes=READ_AT_ONCE_BYTES,
                inbuf_overflow=_KEPT_OF_BODY_BYTES,
                outbuf_overflow=_KEPT_OF_REPLY_BYTES,
            ),
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def poll(self, timeout_s: float) -> None:
        """Serve what is ready, or wait for it for so long at most."""
        waiting = [one for one in list(self.active_channels.values()) if one.has_more_to_parse]
        for connection in waiting:
            connection.received(b"")
        # What is left may be more than one turn's work.
        rest = 0.0 if any(one.has_more_to_parse for one in waiting) else timeout_s
        self.asyncore.loop(rest, use_poll=True, map=self._map, count=1)
        if self._has_newcomers:
            self._has_newcomers = False
            self._take_in_newcomers()

    def handle_accept(self) -> None:
        """Note that somebody has connected.

        They are taken in when all that has happened to others is dealt with: a newcomer can get the
        number of a connection that is closed for it, and must not get its events.
        """
        self._has_newcomers = True

    def _take_in_newcomers(self) -> None:
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
        """Tell whether no more large bodies are coming in than may, the latest counted.

        The slowest that has had its time makes room; it is the one of those that have most.
        """
        coming = [
            connection
            for connection in list(self.active_channels.values())
            if connection.is_receiving_large_body
        ]
        if len(coming) <= self._limits.large_bodies:
            return True
        now = time.monotonic()
        held = Counter(connection.network for connection in coming)
        slow = [one for one in coming if one.has_had_its_time(now, self._limits)]
        if not slow:
            return False
        min(slow, key=lambda one: (-held[one.network], one.upload_rate(now))).give_up_upload(
            self._limits
        )
        return True

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
            held = Counter(connection.network for connection in self.active_channels.values())
            largest = max(held.values())
            has_place = self._close_latest_of(
                connection
                for connection in self.active_channels.values()
                if held[connection.network] == largest
            ) or self._close_latest_of(self.active_channels.values())
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
        now = time.monotonic()
        min(waited_for, key=lambda one: one.lateness(now, self._limits.fresh_s)).close_now()
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
        accepted.recv(READ_AT_ONCE_BYTES)
    except OSError:
        pass
    finally:
        accepted.close()
