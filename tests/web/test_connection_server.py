"""Connections: deadlines, bounds, errors that the server itself finds, stopping; over real sockets.

The limits are short here, so that nobody waits; none of the tests depends on how fast it goes.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from api_client import MakeApp

from qa_service.config import Settings
from qa_service.web.connection import ConnectionLimits
from qa_service.web.connection_server import ConnectionServer
from qa_service.web.errors import PROBLEM_KEY
from qa_service.web.http_parser import MAX_HEADER_FIELDS, MAX_REQUEST_LINE_BYTES, BodyLimit
from qa_service.web.requests import MAX_BODY_BYTES
from qa_service.web.server import body_limit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 4
PATIENT = ConnectionLimits()
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Long beyond doubt; what is waited for comes at once or after the tests' short limits.
SOON_S = 20.0


@dataclass
class Served:
    """A server in a thread of this process."""

    port: int
    server: ConnectionServer
    stopping: threading.Event
    stack: ExitStack

    def connect(self, sent: bytes = b"", receive_buffer: int | None = None) -> socket.socket:
        """Return a connection on which something has been sent."""
        client = self.stack.enter_context(socket.socket())
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(SOON_S)
        client.connect(("127.0.0.1", self.port))
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send a request on a connection of its own; return status, headers and body."""
        return read_reply(self.connect(sent))

    def is_well(self) -> bool:
        """Tell whether a newcomer gets an answer."""
        return self.ask(HEALTH)[0] == 200

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait for what comes soon, looking again and again."""
        deadline = time.monotonic() + SOON_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.01)


def read_reply(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one reply to its end; status 0 when the connection is closed without any."""
    received = b""
    while b"\r\n\r\n" not in received:
        try:
            part = client.recv(65536)
        except ConnectionError:
            part = b""
        if not part:
            return 0, {}, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = client.recv(65536)
        if not part:
            break
        body += part
    return int(first.split()[1]), headers, body


def is_closed(client: socket.socket) -> bool:
    """Tell whether the server has hung up; waits for it, or for something to come."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def is_closed_now(client: socket.socket) -> bool:
    """Tell whether the server has hung up by now."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        client.settimeout(SOON_S)


@contextmanager
def serve(
    app: WSGIApplication,
    limits: ConnectionLimits = PATIENT,
    upload_bytes: int = 0,
    grace_s: float = SOON_S,
    body_limit: BodyLimit | None = None,
) -> Iterator[Served]:
    """Serve an app on a free port of loopback."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def usual(method: str, path: str, headers: Mapping[str, str]) -> int:
        return MAX_BODY_BYTES + (upload_bytes if path == "/articles" else 0)

    server = ConnectionServer(
        app, listener, threads=THREADS, body_limit=body_limit or usual, limits=limits, backlog=512
    )
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            server.poll(0.02)
        server.stop(grace_s, on_wait=lambda: None)

    port = listener.getsockname()[1]
    thread = threading.Thread(target=run)
    thread.start()
    try:
        with ExitStack() as stack:
            yield Served(port, server, stopping, stack)
    finally:
        stopping.set()
        thread.join()


@pytest.fixture
def app(make_app: MakeApp) -> WSGIApplication:
    """The real app on the fake service."""
    return make_app()


class Gate:
    """An app whose requests to /slow wait until the gate opens, and to /large get 8 MB."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.waiting = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if (problem := environ.get(PROBLEM_KEY)) is not None:
            start(f"{problem.status} Problem", list(problem.headers.items()))
            return [b""]
        if environ["PATH_INFO"] == "/slow":
            self.waiting.release()
            assert self.opened.wait(SOON_S)
        body = bytes(8 * 2**20) if environ["PATH_INFO"] == "/large" else b"ok"
        environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def test_open_sockets_hold_up_nobody(app: WSGIApplication) -> None:
    """Clients that leave their connection open after the last reply, or send garbage, cost nothing.

    Each of them once cost two seconds for everybody.
    """
    with serve(app) as served:
        for number in range(24):
            sent = b"GET /health HTTP/1.0\r\n\r\n" if number % 2 else b"\x16\x03\x01 \r\n\r\n"
            served.connect(sent)
        started = time.monotonic()
        assert served.is_well()
        assert time.monotonic() - started < 2.0


def test_unfinished_requests_hold_no_thread(app: WSGIApplication) -> None:
    """Half requests, in the header or in the body, leave every thread free."""
    with serve(app) as served:
        for _ in range(10 * THREADS):
            served.connect(b"GET /health HTTP/1.1\r\nHost: loc")
            served.connect(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert served.is_well()


def test_replies_that_nobody_reads_hold_no_thread() -> None:
    """Clients that ask for much and read nothing leave every thread free."""
    with serve(Gate()) as served:
        for _ in range(4 * THREADS):
            large = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
            served.connect(large, receive_buffer=4096)
        assert served.is_well()


def test_replies_must_be_read_in_time() -> None:
    """Whoever does not read a reply loses it, and its memory is free again."""
    with serve(Gate(), replace(PATIENT, reply_s=0.2, bytes_per_s=2**30)) as served:
        large = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client = served.connect(large, receive_buffer=4096)
        served.wait_until(lambda: bool(served.server.active_channels))
        served.wait_until(lambda: not served.server.active_channels)
        assert len(read_reply(client)[2]) < 8 * 2**20


def test_long_replies_are_read_to_the_end() -> None:
    """A reader who keeps reading gets everything, however long it takes."""
    with serve(Gate(), replace(PATIENT, reply_s=0.2, bytes_per_s=1.0)) as served:
        client = served.connect(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = 0
        while received < 8 * 2**20:
            part = client.recv(2**18)
            assert part
            received += len(part)
            time.sleep(0.01)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
        b"POST /ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\nab",
    ],
)
def test_requests_must_come_in_time(app: WSGIApplication, sent: bytes) -> None:
    """A request that is not in by the deadline gets 408, also when a byte comes now and then."""
    with serve(app, replace(PATIENT, request_s=0.5, bytes_per_s=2**30)) as served:
        client = served.connect(sent)
        dripping = threading.Event()

        def drip() -> None:
            while not dripping.wait(0.05):
                try:
                    client.sendall(b"a")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            status, _, body = read_reply(client)
        finally:
            dripping.set()
            thread.join()
        assert status == 408
        assert json.loads(body)["error"]["code"] == "too_slow"


def test_steady_uploads_get_the_time_they_need() -> None:
    """What keeps coming in is waited for beyond the first deadline."""
    limits = replace(PATIENT, request_s=0.2, bytes_per_s=10.0)
    with serve(Gate(), limits, upload_bytes=2**20) as served:
        client = served.connect(
            b"POST /articles HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n"
        )
        for _ in range(30):
            time.sleep(0.05)
            client.sendall(b"0123456789")
        assert read_reply(client)[0] == 200


def test_silent_connections_end() -> None:
    """A connection without a request is closed after a while; blank lines are none."""
    with serve(Gate(), replace(PATIENT, idle_s=0.2)) as served:
        assert is_closed(served.connect())
        client = served.connect()
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline:
            try:
                client.sendall(b"\r\n\r\n")
            except OSError:
                break
            time.sleep(0.05)
        assert is_closed(client)


def test_newcomers_take_the_place_of_the_slowest() -> None:
    """Beyond the bound of an address the one that has kept us waiting longest has to go."""
    with serve(Gate(), replace(PATIENT, connections_of_address=4, fresh_s=0.0)) as served:
        served_before = served.connect(HEALTH)
        assert read_reply(served_before)[0] == 200
        slow = [served.connect(b"GET / HTTP/1.1\r\nHo") for _ in range(3)]
        served.wait_until(lambda: len(served.server.active_channels) == 4)
        assert served.is_well()
        assert is_closed(slow[0])
        # Who has behaved before goes last.
        served_before.sendall(HEALTH)
        assert read_reply(served_before)[0] == 200


def test_whole_server_is_bounded() -> None:
    """Beyond the bound of the server, too, newcomers get an answer."""
    limits = replace(PATIENT, connections=8, connections_of_address=0)
    with serve(Gate(), limits) as served:
        clients = [served.connect(b"GET / HT") for _ in range(40)]
        assert served.is_well()
        assert len(served.server.active_channels) <= 8
        assert is_closed(clients[0])


def test_what_is_worked_on_keeps_its_place() -> None:
    """Nobody whose request is being answered is closed for a newcomer, who gets 503 then."""
    gate = Gate()
    with serve(gate, replace(PATIENT, connections_of_address=2)) as served:
        asking = [
            served.connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(2)
        ]
        for _ in asking:
            assert gate.waiting.acquire(timeout=SOON_S)
        status, headers, body = served.ask(HEALTH)
        assert (status, headers["retry-after"]) == (503, "1")
        assert json.loads(body)["error"]["code"] == "overloaded"
        gate.opened.set()
        assert [read_reply(client)[0] for client in asking] == [200, 200]


def test_pipelined_requests_take_turns(app: WSGIApplication) -> None:
    """However many requests somebody sends together, others are answered in between."""
    together = b"GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1700
    with serve(app) as served:
        for _ in range(3):
            client = served.connect()
            threading.Thread(target=_send_all, args=(client, together), daemon=True).start()
        assert [served.is_well() for _ in range(20)] == [True] * 20
        # None of them is lost either.
        received = b""
        while received.count(b"HTTP/1.1 404 ") < 50:
            part = client.recv(65536)
            assert part
            received += part


def test_tiny_chunks_are_refused(app: WSGIApplication) -> None:
    """A body of chunks of a byte costs the parser far more than it brings; larger ones do not."""
    head = b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    with serve(app) as served:
        client = served.connect(head)
        threading.Thread(
            target=_send_all, args=(client, b"1\r\n{\r\n" * 100_000), daemon=True
        ).start()
        assert served.is_well()
        assert read_reply(client)[0] == 400
        question = json.dumps({"question": "Who decoded the dance of bees?"}).encode()
        pieces = [question[at : at + 5] for at in range(0, len(question), 5)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        assert served.ask(head + body + b"0\r\n\r\n")[0] == 200
        spaced = b"%x\r\n%s\r\n" % (200_000, b" " * 200_000)
        assert served.ask(head + spaced + body + b"0\r\n\r\n")[0] == 200


def test_large_bodies_need_the_key_first(make_app: MakeApp, tmp_path: Path) -> None:
    """Without the key no article comes in: the refusal comes before the body."""
    settings = Settings(index=tmp_path, api_key="a-long-enough-key")  # type: ignore[arg-type]
    limit = body_limit(settings)
    head = b"POST /articles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n"
    with serve(make_app(api_key="a-long-enough-key"), body_limit=limit) as served:
        assert served.ask(head + b"\r\n")[0] == 401
        assert served.ask(head + b"X-API-Key: wrong\r\n\r\n")[0] == 401
        client = served.connect(head + b"X-API-Key: a-long-enough-key\r\n\r\n")
        served.wait_until(
            lambda: any(
                connection.is_receiving_large_body
                for connection in list(served.server.active_channels.values())
            )
        )
        client.close()


def test_slow_uploads_make_room() -> None:
    """An upload that drips in holds no place against one that comes faster."""
    limits = replace(PATIENT, large_bodies=2, request_s=0.3, bytes_per_s=1.0)
    head = b"POST /articles HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n"
    with serve(Gate(), limits, upload_bytes=2**24) as served:
        dripping = [served.connect(head + bytes(1000)) for _ in range(2)]
        time.sleep(0.5)
        assert served.ask(head + bytes(8_000_000))[0] == 200
        assert read_reply(dripping[0])[0] == 408


def test_newcomers_have_the_time_to_speak() -> None:
    """Connections that are kept after their replies do not shut out one that has just come."""
    limits = replace(PATIENT, connections_of_address=6)
    with serve(Gate(), limits) as served:
        kept = [served.connect(HEALTH) for _ in range(6)]
        assert [read_reply(client)[0] for client in kept] == [200] * 6
        served.wait_until(
            lambda: all(one.is_idle for one in list(served.server.active_channels.values()))
        )
        newcomer = served.connect()
        # Any of them: who was answered first, of those who asked at once, is up to the threads.
        served.wait_until(lambda: any(is_closed_now(client) for client in kept))
        others = [served.connect(HEALTH) for _ in range(4)]
        assert [read_reply(client)[0] for client in others] == [200] * 4
        newcomer.sendall(HEALTH)
        assert read_reply(newcomer)[0] == 200


def test_large_uploads_are_bounded() -> None:
    """So many large bodies come in at once; one more is told to come back."""
    limits = replace(PATIENT, large_bodies=2)
    with serve(Gate(), limits, upload_bytes=2**24) as served:
        head = b"POST /articles HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n"
        first, second = served.connect(head), served.connect(head)
        served.wait_until(
            lambda: (
                sum(
                    connection.is_receiving_large_body
                    for connection in list(served.server.active_channels.values())
                )
                == 2
            )
        )
        status, headers, _ = served.ask(head)
        assert (status, headers["retry-after"]) == (503, "5")
        first.sendall(bytes(8_000_000))
        assert read_reply(first)[0] == 200
        third = served.connect(head + bytes(8_000_000))
        assert read_reply(third)[0] == 200
        second.close()


MALFORMED = {
    "garbage": (b"\x00\x01\x02\r\n\r\n", 400, "bad_request"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "bad_request"),
    "no method": (b"/ask HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
    "http 2": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400, "bad_request"),
    "bad address": (b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request"),
    "space in a name": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "bad_request"),
    "folded field": (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, "bad_request"),
    "bare line feed": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bad_request"),
    "length of letters": (b"POST /ask HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
    "negative length": (b"POST /ask HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
    "endless length": (
        b"POST /ask HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        400,
        "bad_request",
    ),
    "two lengths": (
        b"POST /ask HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
        "bad_request",
    ),
    "length and chunks": (
        b"POST /ask HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "bad_request",
    ),
    "chunk of letters": (
        b"POST /ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n",
        400,
        "bad_request",
    ),
    "chunk without end": (
        b"POST /ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        400,
        "bad_request",
    ),
    "endless chunk line": (
        b"POST /ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        400,
        "bad_request",
    ),
    "endless trailer": (
        b"POST /ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 5000,
        400,
        "bad_request",
    ),
    "unknown coding": (
        b"POST /ask HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        501,
        "not_implemented",
    ),
    "long address": (
        b"GET /" + b"a" * MAX_REQUEST_LINE_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        414,
        "too_large",
    ),
    "endless address": (b"GET /" + b"a" * 200_000, 414, "too_large"),
    "many fields": (
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_HEADER_FIELDS + 1) + b"\r\n",
        431,
        "too_large",
    ),
    "endless field": (b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000, 431, "too_large"),
    "large body": (
        b"POST /ask HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        413,
        "too_large",
    ),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_requests_get_our_errors(app: WSGIApplication, kind: str) -> None:
    """What is no HTTP, or too much of it, gets the documented JSON with every protecting header."""
    sent, wanted, code = MALFORMED[kind]
    with serve(app) as served:
        client = served.connect()
        # The server may stop reading while we still send.
        threading.Thread(target=_send_all, args=(client, sent), daemon=True).start()
        status, headers, body = read_reply(client)
        assert status == wanted
        error = json.loads(body)["error"]
        assert set(error) == {"code", "message", "detail"}
        assert error["code"] == code
        assert error["message"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["connection"] == "close"
        assert served.is_well()


def test_malformed_requests_of_browsers_get_a_page(app: WSGIApplication) -> None:
    """Where a page was asked for, the error is one."""
    address = b"a" * MAX_REQUEST_LINE_BYTES
    with serve(app) as served:
        status, headers, body = served.ask(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"
            b"Content-Length: 99999999\r\n\r\n"
        )
        assert (status, headers["content-type"]) == (413, "text/html; charset=utf-8")
        assert b"<html" in body
        assert served.ask(b"GET /" + address + b" HTTP/1.1\r\nAccept: text/html\r\n\r\n")[0] == 414


@pytest.mark.parametrize("length", [b"Content-Length: 4000000", b"Transfer-Encoding: chunked"])
def test_early_refusals_reach_clients_that_go_on_sending(
    app: WSGIApplication, length: bytes
) -> None:
    """A client that sends on after its request was refused still gets to read why."""
    with serve(app) as served:
        client = served.connect(b"POST /ask HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
        part = bytes(40_000) if b"Length" in length else b"9C40\r\n" + bytes(40_000) + b"\r\n"
        _send_all(client, part * 100)
        assert read_reply(client)[0] == 413


def _send_all(client: socket.socket, sent: bytes) -> None:
    try:
        client.sendall(sent)
    except OSError:
        return


def test_requests_one_after_another_share_a_connection(app: WSGIApplication) -> None:
    """A connection is kept, for requests that come before their turn, too, in chunks or not."""
    question = b'{"question": "Who decoded the dance of bees?"}'
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(question), question)
    head = b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with serve(app) as served:
        client = served.connect(HEALTH + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
        assert read_reply(client)[0] == 200
        status, _, body = read_reply(client)
        assert (status, json.loads(body)["answered"]) == (200, True)


def test_bodies_are_asked_for(app: WSGIApplication) -> None:
    """A client that waits to be told to send its body is told so."""
    question = b'{"question": "Who decoded the dance of bees?"}'
    with serve(app) as served:
        client = served.connect(
            b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(question)
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(question)
        assert read_reply(client)[0] == 200


def test_stopping_finishes_what_has_begun() -> None:
    """A stop waits for requests that are answered or coming in, and for nobody else."""
    gate = Gate()
    with serve(gate) as served:
        idle = served.connect(HEALTH)
        assert read_reply(idle)[0] == 200
        asking = served.connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert gate.waiting.acquire(timeout=SOON_S)
        sending = served.connect(b"GET /health HTTP/1.1\r\n")
        served.wait_until(
            lambda: any(
                connection.request is not None
                for connection in list(served.server.active_channels.values())
            )
        )
        served.stopping.set()
        assert is_closed(idle)
        gate.opened.set()
        assert read_reply(asking)[0] == 200
        sending.sendall(b"Host: localhost\r\n\r\n")
        assert read_reply(sending)[0] == 200


def test_stopping_does_not_wait_for_ever() -> None:
    """Half a request, or a reply that nobody reads, does not keep a server from stopping."""
    with serve(Gate(), grace_s=0.3) as served:
        served.connect(b"GET /health HTTP/1.1\r\n")
        large = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
        served.connect(large, receive_buffer=4096)
        served.wait_until(lambda: len(served.server.active_channels) == 2)
        served.stopping.set()
        served.wait_until(lambda: not served.server.active_channels)
