"""The production server: binding, readiness, stopping, following the folder."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from fake_service import FakeService

from qa_service.config import Settings
from qa_service.errors import (
    AddressInUseError,
    InvalidSettingError,
    ModelUnavailableError,
    NoIndexError,
)
from qa_service.web import server
from qa_service.web.app import EVENT_LISTENERS
from qa_service.web.server import bind, keep_small, keep_warm, thread_count

if TYPE_CHECKING:
    from qa_service.service import Service

HERE = Path(__file__).parent


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        request = urllib.request.Request(
            self.address + path, headers={"Accept": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)


@contextmanager
def serve_fake(folder: Path, *arguments: Path, **settings: str) -> Iterator[Running]:
    """Serve the fake service on a free port, following the folder `articles`."""
    (folder / "articles").mkdir()
    (folder / "index").mkdir()
    process = subprocess.Popen(
        [sys.executable, HERE / "serve_fake.py", folder / "index", folder / "articles", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings | {"PYTHONPATH": str(HERE.parent.parent)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        announced = json.loads(line)["message"] if line.startswith("{") else line
        assert announced.startswith("qa-service is at http://127.0.0.1:"), line
        yield Running(process, announced.split()[-1])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Serve the fake service."""
    with serve_fake(tmp_path) as served:
        yield served


def test_serves_and_stops(running: Running) -> None:
    """The server says where it is, answers, and stops when told to, with a clean exit."""
    assert running.get("/health")["status"] == "ok"
    assert running.get("/ask?q=dance+of+bees")["answered"] is True
    running.process.send_signal(signal.SIGTERM)
    _, errors = running.process.communicate(timeout=30)
    assert running.process.returncode == 0
    assert "Traceback" not in errors
    assert "path=/ask" in errors
    assert "dance" not in errors


def test_every_line_is_json_where_asked_for(tmp_path: Path) -> None:
    """With QA_LOG_FORMAT=json no line that the server prints is anything else."""
    with serve_fake(tmp_path, QA_LOG_FORMAT="json") as running:
        assert running.get("/health")["status"] == "ok"
        # gunicorn has something to say about this.
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        (killed,) = children.read_text().split()
        os.kill(int(killed), signal.SIGKILL)
        assert running.get("/health")["status"] == "ok"
        address = running.address.removeprefix("http://").split(":")
        for sent in (b"\x1b[2J\r\n\r\n", b"GET /%1B%5B2J%0Aevil HTTP/1.0\r\n\r\n"):
            with socket.create_connection(address, timeout=30) as client:
                client.sendall(sent)
                assert client.recv(100).startswith(b"HTTP/1.")
        running.process.send_signal(signal.SIGTERM)
        printed, errors = running.process.communicate(timeout=30)
    lines = [json.loads(line) for line in (printed + errors).splitlines()]
    assert "gunicorn.error" in {line["logger"] for line in lines}
    assert "/\x1b[2J\nevil" in {line.get("path") for line in lines}
    assert "\x1b" not in errors


def test_requests_under_way_are_finished(running: Running) -> None:
    """A stop waits for what is being answered."""
    with socket.create_connection(running.address.removeprefix("http://").split(":")) as client:
        client.sendall(
            b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        )
        client.sendall(b"Content-Length: 20\r\n\r\n")
        running.get("/health")
        running.process.send_signal(signal.SIGTERM)
        client.sendall(b'{"question": "bees"}')
        client.settimeout(30)
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    running.process.communicate(timeout=30)
    assert running.process.returncode == 0


def test_dead_process_is_replaced(running: Running) -> None:
    """When the serving process is killed, another takes its place on the same address."""
    assert running.get("/health")["status"] == "ok"
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    (killed,) = children.read_text().split()
    os.kill(int(killed), signal.SIGKILL)
    assert running.get("/health")["status"] == "ok"
    assert children.read_text().split() != [killed]


def test_connections_are_bounded_by_the_files_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a process may have few files open, fewer connections are taken in."""
    few = SimpleNamespace(
        getrlimit=lambda _: (256, 550), setrlimit=lambda _, __: None, RLIMIT_NOFILE=0
    )
    few.RLIM_INFINITY = -1
    monkeypatch.setattr(server, "resource", few)
    assert server.connection_limits(Settings(index=tmp_path)).connections == 100
    proxied = Settings(index=tmp_path, trusted_proxies=1)
    assert server.connection_limits(proxied).connections_of_address == 0


def test_crowd_is_refused_at_once_and_holds_up_nobody_else(tmp_path: Path) -> None:
    """While questions take for ever, the crowd gets 503, and whoever asks for health an answer."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with serve_fake(tmp_path, gate) as crowded, ExitStack() as stack:
        clients = [
            stack.enter_context(
                socket.create_connection(crowded.address.removeprefix("http://").split(":"))
            )
            for _ in range(100)
        ]
        waiting = stack.enter_context(selectors.DefaultSelector())
        for client in clients:
            client.settimeout(30)
            client.sendall(b"GET /ask?q=dance+of+bees HTTP/1.1\r\nHost: localhost\r\n\r\n")
            waiting.register(client, selectors.EVENT_READ)
        refused: set[socket.socket] = set()
        # One is being answered and one waits; both hold their threads.
        while len(refused) < len(clients) - 2:
            ready = waiting.select(timeout=30)
            assert ready, f"only {len(refused)} were refused"
            for key, _ in ready:
                waiting.unregister(key.fileobj)
                refused.add(cast("socket.socket", key.fileobj))
        for client in refused:
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 1\r\n" in answer
        assert crowded.get("/health")["status"] == "ok"
        assert crowded.get("/ready") == {"ready": True}
        assert crowded.get("/articles")["total"] > 0
        for _ in range(2):
            # Opening it waits for a question that reads; the answer tells that it has read.
            gate.write_bytes(b"go on")
            ((answered, _),) = waiting.select(timeout=30)
            waiting.unregister(answered.fileobj)
            assert cast("socket.socket", answered.fileobj).recv(15) == b"HTTP/1.1 200 OK"


def test_questions_and_listeners_leave_threads_for_the_rest(tmp_path: Path) -> None:
    """Whatever the settings, what takes long holds fewer threads than there are."""
    for settings in (
        Settings(index=tmp_path),
        Settings(index=tmp_path, concurrent_questions=256),
        Settings(index=tmp_path, waiting_questions=1024),
    ):
        held = settings.concurrent_questions + settings.waiting_questions + EVENT_LISTENERS
        assert thread_count(settings) >= held + 2


def test_port_in_use() -> None:
    """A port that is taken is named, with the way out."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUseError, match=rf"Port {port} .* --port 0"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "a\u202eb", ".", "x" * 300 + ".example"])
def test_what_is_no_host_name(host: str) -> None:
    """What the name system cannot even be asked about is refused by name, too."""
    with pytest.raises(InvalidSettingError, match="QA_HOST"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host"])
def test_foreign_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is none of this machine's is refused by name."""
    if not host[0].isdigit():

        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
    else:
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0))],
        )
    with pytest.raises(InvalidSettingError, match="QA_HOST"):
        bind(host, 0)


@pytest.mark.parametrize(
    ("host", "key", "warns"),
    [("127.0.0.1", None, False), ("0.0.0.0", "a-long-enough-key", False), ("0.0.0.0", None, True)],
)
def test_open_to_others_without_a_key_is_warned_of(
    host: str,
    key: str | None,
    warns: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever opens the service to others without a key is told what that means."""
    listener = SimpleNamespace(
        getsockname=lambda: (host, 8000), family=socket.AF_INET, fileno=lambda: 3
    )
    monkeypatch.setattr(server, "bind", lambda *_: listener)
    monkeypatch.setattr(server._Server, "run", lambda self: None)
    monkeypatch.setattr(server, "set_up_logging", lambda _: None)
    settings = Settings(index=tmp_path, host=host, api_key=key)  # type: ignore[arg-type]
    server.serve(settings, lambda: cast("Service", FakeService()))
    printed = capsys.readouterr()
    assert printed.out == "qa-service is at http://127.0.0.1:8000\n"
    assert ("QA_API_KEY" in printed.err) is warns


def test_default_is_this_machine_alone() -> None:
    """Nobody else reaches a service that was not opened on purpose."""
    assert Settings().host == "127.0.0.1"


class SlowToGetReady(FakeService):
    """Gets its index only after some tries."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    def warm_up(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        super().warm_up()


def test_waits_for_an_index(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an index the server tries again until there is one, and says so once."""
    monkeypatch.setattr(logging.getLogger("qa_service"), "propagate", True)
    caplog.set_level(logging.INFO, "qa_service")
    # What the tests hold is not the server's to keep.
    monkeypatch.setattr("gc.freeze", lambda: None)
    service = SlowToGetReady(NoIndexError("none"), NoIndexError("none"))
    service.is_warm = False
    keep_warm(cast("Service", service), threading.Event(), retry_s=0.0)
    assert service.is_ready
    assert service.failures == []
    assert [record.getMessage() for record in caplog.records] == ["not ready: none", "ready"]


def test_what_is_loaded_is_looked_through_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once ready, the server leaves what is loaded out of the search for what can be freed."""
    done: list[str] = []
    monkeypatch.setattr("gc.collect", lambda: done.append("collect"))
    monkeypatch.setattr("gc.freeze", lambda: done.append("freeze"))
    service = SlowToGetReady(NoIndexError("none"))
    service.is_warm = False
    keep_warm(cast("Service", service), threading.Event(), retry_s=0.0)
    assert done == ["collect", "freeze"]


def test_gives_up_without_a_model() -> None:
    """A model that cannot be loaded is not tried for ever."""
    service = SlowToGetReady(ModelUnavailableError("no weights"), NoIndexError("never reached"))
    service.is_warm = False
    keep_warm(cast("Service", service), threading.Event(), retry_s=0.0)
    assert not service.is_ready
    assert len(service.failures) == 1


def test_memory_is_given_back_until_the_server_stops() -> None:
    """As long as it runs, the server gives memory back now and then; not a moment longer."""
    stopping = threading.Event()
    times = []

    class Counting(FakeService):
        def return_memory(self) -> None:
            times.append(len(times))
            if len(times) == 3:
                stopping.set()

    keep_small(cast("Service", Counting()), stopping, every_s=0.0)
    assert len(times) == 3
