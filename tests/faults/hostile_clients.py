"""Hundreds of sockets that mean no good, in a process of their own.

    python hostile_clients.py HOST PORT SOCKETS SECONDS

Each socket opens with something and then sends next to nothing, reads nothing, and is opened anew,
fifty a second, when the server closes it. Prints how many were opened and closed, as JSON, and ends
by itself.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import sys
import time
from dataclasses import dataclass

FIRST_WITHIN_S = 2.0
OPENED_PER_S = 50
_HUNG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_CHUNKS = b"POST /ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
_UPLOAD = b"POST /articles HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a socket begins with, and what it sends again and again, every so many seconds."""

    opening: bytes
    drip: bytes = b""
    every_s: float = 1.0


KINDS = (
    Kind(b""),
    Kind(b"GET /health HTTP/1.1\r\nHost: local"),
    Kind(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"a"),
    Kind(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n", b"a", 5.0),
    Kind(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1"),
    Kind(b"GET /health HTTP/1.0\r\n\r\n"),
    Kind(b"\x16\x03\x01\x02\x00\x01\x00\xfc\x03\x03\r\n\r\n"),
    # Replies that are never read.
    Kind(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2),
    Kind(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2),
    # As many requests, or chunks, as come in at once.
    Kind(b"GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40),
    Kind(_CHUNKS + b"1\r\nx\r\n" * 10_000),
    Kind(_CHUNKS + b"20\r\n" + bytes(32) + b"\r\n" + b"20\r\n" + bytes(32), b"\r\n1", 1.0),
    Kind(_UPLOAD + b"Content-Length: 30000000\r\n\r\n", bytes(1000)),
    Kind(b"\r\n\r\n", b"\r\n\r\n"),
)


class HostileClients:
    """The sockets, the server's address, and what became of them."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._address = (host, port)
        self._count = count
        self._kinds = itertools.cycle(KINDS)
        self._poll = select.poll()
        self._open: dict[int, tuple[socket.socket, Kind, float]] = {}
        self.opened = self.closed = self.refused = 0

    def run(self, seconds: float) -> None:
        """Attack for so long."""
        started = time.monotonic()
        until = started + seconds
        while (now := time.monotonic()) < until:
            allowed = self._count * min(1.0, (now - started) / FIRST_WITHIN_S)
            allowed += OPENED_PER_S * (now - started)
            while len(self._open) < self._count and self.opened + self.refused < allowed:
                self._connect(now)
            for number, (client, kind, due) in list(self._open.items()):
                if kind.drip and now >= due:
                    self._send(number, client, kind, now)
            time.sleep(0.02)
            for number, events in self._poll.poll(0):
                if events & _HUNG_UP:
                    self._drop(number)
        for number in list(self._open):
            self._drop(number)

    def _connect(self, now: float) -> None:
        kind = next(self._kinds)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(2.0)
        try:
            client.connect(self._address)
            client.sendall(kind.opening)
        except OSError:
            self.refused += 1
            client.close()
            return
        client.setblocking(False)
        self.opened += 1
        self._open[client.fileno()] = (client, kind, now + kind.every_s)
        self._poll.register(client, _HUNG_UP)

    def _send(self, number: int, client: socket.socket, kind: Kind, now: float) -> None:
        try:
            client.send(kind.drip)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(number)
            return
        self._open[number] = (client, kind, now + kind.every_s)

    def _drop(self, number: int) -> None:
        client, _, _ = self._open.pop(number)
        self._poll.unregister(number)
        client.close()
        self.closed += 1


def main(host: str, port: str, count: str, seconds: str) -> None:
    """Attack an address of loopback."""
    if host != "127.0.0.1":
        sys.exit("Only this machine may be attacked.")
    clients = HostileClients(host, int(port), int(count))
    clients.run(float(seconds))
    json.dump(
        {"opened": clients.opened, "closed": clients.closed, "refused": clients.refused}, sys.stdout
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
