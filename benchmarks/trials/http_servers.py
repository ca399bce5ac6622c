"""Which server carries the app: answers a second, memory, stopping, and what hostile sockets do.

    python -m pip install granian hypercorn
    python -m benchmarks.trials.http_servers

One small Flask app, whose answers take 5 ms without the interpreter's lock, is served in turn by
what qa-service uses (waitress's connections with our limits, watched over by gunicorn), by gunicorn
with its threaded worker, as it was before, and by waitress, granian and hypercorn as they come;
each with 80 threads for requests. Clients are threads of this process on the same cores.

Writes `results/http_servers.json` and `results/http_servers.md`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring.memory import memory_of
from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.served import Connection
from benchmarks.measuring.times import Spread, spread

THREADS = 80
MEASURED = ("web.connection_server", "web.connection", "web.http_parser", "web.server")
HOSTILE = 500
OPEN_AFTER_REPLY = 12
SLOW_S = 2.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one server. Times are in milliseconds where not named otherwise."""

    server: str
    version: str
    answers_per_s: float
    answer_ms: Spread
    memory_mb: float
    open_after_reply_ms: float
    hostile_health_ms: Spread
    hostile_failures: int
    hostile_memory_mb: float
    finishes_requests: bool
    stop_s: float


def make_app() -> Any:
    """Return the app that every server serves."""
    from flask import Flask, jsonify

    app = Flask("served")

    @app.get("/health")
    def health() -> Any:
        return jsonify(status="ok")

    @app.post("/ask")
    def ask() -> Any:
        time.sleep(0.005)
        return jsonify(text="ن" * 2000)

    @app.get("/slow")
    def slow() -> Any:
        time.sleep(SLOW_S)
        return jsonify(status="done")

    @app.get("/large")
    def large() -> Any:
        return bytes(2**20)

    return app


def serve(name: str, port: int) -> None:
    """Serve until told to stop; called in a process of its own."""
    SERVERS[name](port)


def serve_ours(port: int) -> None:
    """What qa-service serves with."""
    from gunicorn.app.base import BaseApplication

    from qa_service.web.connection import ConnectionLimits
    from qa_service.web.connection_server import ConnectionServer
    from qa_service.web.server import ConnectionWorker

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in {
                "bind": [f"127.0.0.1:{port}"],
                "worker_class": ConnectionWorker,
                "timeout": 120,
                "graceful_timeout": 10,
                "control_socket_disable": True,
                "loglevel": "error",
            }.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return make_app()

        def connect(self, listener: socket.socket, app: Any) -> ConnectionServer:
            return ConnectionServer(
                app,
                listener,
                threads=THREADS,
                body_limit=lambda _method, _path, _headers: 2**19,
                limits=ConnectionLimits(),
                backlog=512,
            )

    Application().run()


def serve_gthread(port: int) -> None:
    """Gunicorn's threaded worker."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in {
                "bind": [f"127.0.0.1:{port}"],
                "worker_class": "gthread",
                "threads": THREADS,
                "timeout": 120,
                "graceful_timeout": 10,
                "keepalive": 5,
                "control_socket_disable": True,
                "loglevel": "error",
            }.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return make_app()

    Application().run()


def serve_waitress(port: int) -> None:
    """Waitress as it comes, but with room for as many connections."""
    import waitress

    waitress.serve(
        make_app(),
        listen=f"127.0.0.1:{port}",
        threads=THREADS,
        connection_limit=1000,
        asyncore_use_poll=True,
    )


def serve_granian(port: int) -> None:
    """Granian, written in Rust."""
    from granian import Granian

    Granian(
        "http_servers:served",
        address="127.0.0.1",
        port=port,
        interface="wsgi",
        blocking_threads=THREADS,
        log_enabled=False,
    ).serve()


def serve_hypercorn(port: int) -> None:
    """Hypercorn, on asyncio."""
    import asyncio

    from hypercorn.asyncio import serve as serve_forever
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "CRITICAL"
    stopping = asyncio.Event()

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        await serve_forever(make_app(), config, mode="wsgi", shutdown_trigger=stopping.wait)

    asyncio.run(run())


SERVERS: dict[str, Callable[[int], None]] = {
    "qa-service": serve_ours,
    "gunicorn, threads": serve_gthread,
    "waitress": serve_waitress,
    "granian": serve_granian,
    "hypercorn": serve_hypercorn,
}
PACKAGES = {"qa-service": "waitress", "gunicorn, threads": "gunicorn"}


@contextmanager
def running(name: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a server; yields its process and address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    paths = [str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name, "--port", str(port)],
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        address = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 30
            while timed_health(address, 2.0) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    sys.exit(f"{name} does not serve:\n{log.read().decode(errors='replace')}")
                time.sleep(0.1)
            yield process, address
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def timed_health(address: str, timeout_s: float) -> float | None:
    """Return the milliseconds that a newcomer waits for an answer; None without one in time."""
    connection = Connection(address, timeout_s)
    reply = connection.request("GET", "/health")
    connection.close()
    return reply.elapsed_ms if reply.status == 200 else None


def answers(address: str, seconds: float, clients: int = 16) -> tuple[float, Spread]:
    """Let clients ask one question after another."""
    times: list[list[float]] = [[] for _ in range(clients)]
    until = time.monotonic() + seconds

    def ask(mine: list[float]) -> None:
        connection = Connection(address)
        while time.monotonic() < until:
            reply = connection.request("POST", "/ask", {"question": "?"})
            if reply.status == 200:
                mine.append(reply.elapsed_ms)
        connection.close()

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [value for mine in times for value in mine]
    return len(found) / seconds, spread(found)


def connect(address: str, sent: bytes) -> socket.socket:
    """Return a connection on which something was sent, whose replies nobody reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(5)
    host, port = address.removeprefix("http://").split(":")
    client.connect((host, int(port)))
    client.sendall(sent)
    return client


HOSTILE_REQUESTS = (
    b"",
    b"GET /health HTTP/1.1\r\nHost: loc",
    b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{",
    b"GET /health HTTP/1.0\r\n\r\n",
    b"\x16\x03\x01\x02\r\n\r\n",
    b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n",
)


def under_attack(address: str, seconds: float) -> tuple[list[float], int]:
    """Return the times of newcomers, and how many got no answer, while hostile sockets are open."""
    with ExitStack() as stack:
        for number in range(HOSTILE):
            try:
                sent = HOSTILE_REQUESTS[number % len(HOSTILE_REQUESTS)]
                stack.enter_context(connect(address, sent))
            except OSError:
                continue
        times = []
        failures = 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            elapsed_ms = timed_health(address, 5.0)
            if elapsed_ms is None:
                failures += 1
            else:
                times.append(elapsed_ms)
            time.sleep(0.05)
        return times, failures


def open_after_reply(address: str) -> float:
    """Return how long a newcomer waits behind clients that leave their connection open."""
    with ExitStack() as stack:
        for _ in range(OPEN_AFTER_REPLY):
            stack.enter_context(connect(address, b"GET /health HTTP/1.0\r\n\r\n"))
        elapsed_ms = timed_health(address, 60.0)
    return float("inf") if elapsed_ms is None else elapsed_ms


def stopped(process: subprocess.Popen[bytes], address: str) -> tuple[bool, float]:
    """Stop a server that answers one request and has idle connections; tell how that goes."""
    idle = [Connection(address) for _ in range(20)]
    for connection in idle:
        connection.request("GET", "/health")
    replies: list[int] = []
    thread = threading.Thread(
        target=lambda: replies.append(Connection(address).request("GET", "/slow").status)
    )
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
    elapsed_s = time.monotonic() - started
    thread.join()
    return replies == [200], elapsed_s


def measure(name: str, seconds: float) -> Row:
    """Measure one server."""
    with running(name) as (process, address):
        answers(address, 1.0)
        per_s, times = answers(address, seconds)
        memory = memory_of(process.pid).resident_mb
        waited_ms = open_after_reply(address)
        health, failures = under_attack(address, seconds)
        attacked = memory_of(process.pid).resident_mb
    with running(name) as (process, address):
        finishes, stop_s = stopped(process, address)
    return Row(
        server=name,
        version=version_of(PACKAGES.get(name, name)),
        answers_per_s=per_s,
        answer_ms=times,
        memory_mb=memory,
        open_after_reply_ms=waited_ms,
        hostile_health_ms=spread(health),
        hostile_failures=failures,
        hostile_memory_mb=attacked,
        finishes_requests=finishes,
        stop_s=stop_s,
    )


def version_of(package: str) -> str:
    """Return an installed package's version."""
    from importlib.metadata import version

    return version(package)


def page(rows: list[Row], rounds: int) -> str:
    """Return the figures as a page for people."""
    lines = [
        "# Servers",
        "",
        "Written by `benchmarks/trials/http_servers.py`; see there what is measured. Medians of "
        f"{rounds} rounds in which the servers took turns.",
        "",
        "| server | answers/s, 16 clients | p50 / p99, ms | memory, MB | a newcomer behind "
        f"{OPEN_AFTER_REPLY} sockets left open, ms | `/health` beside {HOSTILE} hostile sockets: "
        "p50 / worst, ms | of them without answer in 5 s | memory then, MB | finishes a request "
        "when stopped | stops within, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.server} ({PACKAGES.get(row.server, row.server)} {row.version}) "
        f"| {row.answers_per_s:.0f} | {row.answer_ms.p50:.1f} / {row.answer_ms.p99:.1f} "
        f"| {row.memory_mb:.0f} | {row.open_after_reply_ms:.0f} "
        f"| {row.hostile_health_ms.p50:.1f} / {row.hostile_health_ms.worst:.0f} "
        f"| {row.hostile_failures} of {row.hostile_failures + row.hostile_health_ms.count} "
        f"| {row.hostile_memory_mb:.0f} | {'yes' if row.finishes_requests else 'no'} "
        f"| {row.stop_s:.1f} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


def median_row(rows: list[Row]) -> Row:
    """Return the round whose answers a second are the median, as it was."""
    return sorted(rows, key=lambda row: row.answers_per_s)[len(rows) // 2]


def main() -> None:
    """Measure all servers that are installed, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port)
        return
    origin = Origin.now(MEASURED)
    names = [
        name
        for name in SERVERS
        if importlib.util.find_spec(PACKAGES.get(name, name)) or print(f"{name} is not installed")
    ]
    rounds: dict[str, list[Row]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            rounds[name].append(measure(name, options.seconds))
            print(asdict(rounds[name][-1]), file=sys.stderr)
    rows = [median_row(rounds[name]) for name in names]
    content = {"rounds": {name: [asdict(r) for r in rounds[name]] for name in names}}
    write_results(options.output, "http_servers", content, page(rows, options.rounds), origin)


if __name__ == "__main__":
    main()
else:
    # What granian imports by name.
    served = make_app() if os.environ.get("SERVER_SOFTWARE") or "granian" in sys.modules else None
