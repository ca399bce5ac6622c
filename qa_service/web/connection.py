"""One client's connection: waitress's, with deadlines and with errors of our form.

One thread reads and writes for all connections and hands whole requests to a pool of threads, so a
client that is slow in sending or in reading holds no thread. A request must be in, and a reply out,
within a time that grows only with the bytes that move; what is no HTTP gets the documented error
from the app itself, without blocking anybody.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from qa_service.web.client_address import network_of
from qa_service.web.errors import CODE_OF_STATUS, PROBLEM_KEY, HttpProblem
from qa_service.web.http_parser import RequestParser

if TYPE_CHECKING:
    from waitress.adjustments import Adjustments

READ_AT_ONCE_BYTES: Final = 64 * 1024
# So much of a body in chunks is unpacked before other connections have their turn.
_UNPACKED_AT_ONCE_BYTES: Final = 4096
_LINGER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client may hold, and for how long.

    Attributes:
        connections: open at once.
        connections_of_address: of them, from one address (IPv6: one /64 network); 0 for any number,
            for proxies, which bring everybody's.
        large_bodies: uploads of more than 512 KB that come in at once; one more takes the place of
            the slowest that has had its `request_s`.
        request_s: from a request's first byte until it is in.
        reply_s: from a reply's first byte waiting until none does.
        bytes_per_s: each so many bytes that move give a request or a reply one second more.
        idle_s: an open connection without any request.
        fresh_s: so long a connection is not closed for the sake of others if any other can be.
    """

    connections: int = 1000
    connections_of_address: int = 256
    large_bodies: int = 8
    request_s: float = 15.0
    reply_s: float = 30.0
    bytes_per_s: float = 8192.0
    idle_s: float = 75.0
    fresh_s: float = 2.0


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
    # The ConnectionServer, which imports this module.
    server: Any
    request: RequestParser | None
    connected: bool
    sent_continue: bool

    def __init__(
        self,
        server: Any,
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
        self._unparsed = b""
        self._holds_large_place = False
        self._lingers = False
        self._lingers_until: float | None = None
        super().__init__(server, sock, addr, adj, map=map)

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

    def lateness(self, now: float, fresh_s: float) -> tuple[int, float]:
        """Return what to sort connections by, those first that have kept us waiting longest.

        Those that wait for the next request of a client that has had its replies come after the
        others, and last of all what has not had the time to say anything.
        """
        since = self._reply_since or self._request_since
        if self.is_idle:
            since = self._idle_since
        if now - since < fresh_s:
            return 2, since
        return int(self.is_idle and self._has_been_served), since

    def upload_rate(self, now: float) -> float:
        """Return how many bytes a second have come in of the request that is coming in."""
        request = self.request
        moved = 0 if request is None else request.bytes_received
        return moved / max(now - self._request_since, 1e-3)

    def has_had_its_time(self, now: float, limits: ConnectionLimits) -> bool:
        """True when the request that is coming in has taken longer than one must take."""
        return self.request is not None and now - self._request_since > limits.request_s

    def received(self, data: bytes) -> bool:
        """Take what has come in."""
        now = time.monotonic()
        if self.request is None:
            self._request_since = now
            self._holds_large_place = False
        has_read = self._parse(self._unparsed + data)
        if self.request is not None or self.requests:
            # Blank lines alone do not count.
            self._idle_since = now
        if self.is_receiving_large_body and not self._holds_large_place:
            self._holds_large_place = self.server.has_place_for_large_body()
            if not self._holds_large_place:
                self._refuse(_too_many_uploads())
        return has_read

    def _parse(self, data: bytes) -> bool:
        """Parse one request at most, and of a body in chunks only so much; the rest waits.

        One thread parses for all connections: waitress' own loop would go through all requests
        that a client has sent together, however many those are.
        """
        with self.requests_lock:
            self._unparsed = b""
            if self.will_close or self.close_when_flushed or not data:
                return False
            if self.request is None:
                self.request = self.parser_class(self.adj)
            request = self.request
            most = _UNPACKED_AT_ONCE_BYTES if request.comes_in_chunks else len(data)
            taken = request.received(data[:most])
            self._unparsed = data[taken:]
            if (
                request.expect_continue
                and request.headers_finished
                and not self.requests
                and not self.sent_continue
            ):
                self.send_continue()
            if request.completed:
                self.sent_continue = False
                self.request = None
                if not request.empty:
                    self.requests.append(request)
                    self.server.add_task(self)
        return True

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

    @property
    def has_more_to_parse(self) -> bool:
        """True when something has come in that can be parsed now."""
        return bool(self._unparsed and self.connected and super().readable())

    def readable(self) -> bool:
        """Tell whether to read: not before all is parsed that has come in."""
        return bool(self._is_lingering or (not self._unparsed and super().readable()))

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

    def give_up_upload(self, limits: ConnectionLimits) -> None:
        """Refuse the upload that is coming in, for the sake of one that comes faster."""
        self._refuse(_too_slow(limits.request_s))

    def _refuse(self, problem: HttpProblem) -> None:
        """Answer the request that is coming in with a problem."""
        with self.requests_lock:
            request, self.request = self.request, None
            if request is None:
                return
            self.sent_continue = False
            self._unparsed = b""
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
