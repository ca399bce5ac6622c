"""The real service, asked by four clients while everything that could stop it is tried at once.

Five hundred hostile sockets, files made to hang their readers, and a flood of changes in the
articles folder that the server follows: questions must be answered all the same, each of them, and
soon, and the server's memory must level off.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ATTACK = Path(__file__).parent / "hostile_clients.py"
READY_WITHIN_S = 120.0
QUESTIONS = (
    "ما طول قناة السويس؟",
    "How long is the Great Wall?",
    "长城全长多少公里？",
    "¿Quién descubrió Machu Picchu?",
    "गंगा नदी की लंबाई कितनी है?",
    "Was fressen Pinguine?",
    "Сколько рейсов выполнила военно-транспортная авиация?",
)
# Files that once stopped the process, or would if their readers were let.
POISON: Mapping[str, bytes] = {
    "comments.md": b"<!--" * 150_000,
    "brackets.md": b"[" * 300_000,
    "emphasis.md": b"*a_" * 150_000,
    "nested.html": b"<div><table><tr><td>" * 60_000,
    "entities.html": b"&#x1;&lt" * 150_000,
    "quotes.csv": b'title,text\n"' + b'""",' * 200_000,
    "open.jsonl": b'{"text": [' * 60_000,
    "marks.txt": "مُ\u0301\u0301".encode() * 200_000,
    "lines.txt": b"\n \n\t\n" * 300_000,
    "dates.txt": b"1/1/1/1/1/" * 100_000,
    "no.docx": b"PK\x03\x04" + b"\xff" * 100_000,
    "no.pdf": b"%PDF-1.7\n" + b"1 0 obj<</Kids[1 0 R]" * 20_000,
}


@dataclass(slots=True)
class Fare:
    """How the service fared. Times are in milliseconds; `memory_mb` is the serving process'."""

    asked: int = 0
    answered_ms: list[float] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    reconnected: int = 0
    errors: list[str] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    changes: int = 0
    generations: int = 0

    @property
    def memory_growth_mb(self) -> float:
        """How much more the process holds in the last quarter than in the one before."""
        quarter = max(1, len(self.memory_mb) // 4)
        before = statistics.median(self.memory_mb[-2 * quarter : -quarter] or self.memory_mb)
        return statistics.median(self.memory_mb[-quarter:]) - before


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies; 0 for none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


class Campaign:
    """A server over a copy of some articles, in `folder`, and what is done to it."""

    def __init__(
        self,
        folder: Path,
        articles: Path,
        *,
        sockets: int = 500,
        clients: int = 4,
        changes_files: bool = True,
    ) -> None:
        self._index = folder / "index"
        self._articles = folder / "articles"
        shutil.copytree(articles, self._articles)
        self._log = folder / "serve.log"
        self._sockets = sockets
        self._clients = clients
        self._changes_files = changes_files
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def run(self, seconds: float) -> Fare:
        """Attack for so long; return how the service fared."""
        fare = Fare()
        with self._serving() as (process, port):
            tasks = [
                threading.Thread(target=self._ask, args=(port, number, fare))
                for number in range(self._clients)
            ]
            tasks += [
                threading.Thread(target=self._probe, args=(port, fare)),
                threading.Thread(target=self._watch_memory, args=(process.pid, fare)),
            ]
            if self._changes_files:
                tasks.append(threading.Thread(target=self._change_files, args=(fare,)))
            attack = subprocess.Popen(
                [sys.executable, ATTACK, "127.0.0.1", str(port), str(self._sockets), str(seconds)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for task in tasks:
                task.start()
            try:
                told, _ = attack.communicate(timeout=seconds + 60)
            finally:
                attack.kill()
                self._stopping.set()
                for task in tasks:
                    task.join()
            if process.poll() is not None:
                fare.errors.append(f"the server ended with {process.returncode}")
        fare.errors += [
            line for line in self.log.splitlines() if "Traceback" in line or "was sent" in line
        ]
        counts = json.loads(told)
        fare.opened, fare.closed = counts["opened"], counts["closed"]
        generations = self._index / "generations"
        fare.generations = max(
            (int(name.name.partition("-")[0]) for name in generations.iterdir()), default=0
        )
        return fare

    @property
    def log(self) -> str:
        """What the server wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def _serving(self) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        command = [sys.executable, "-c", "from qa_service.cli import main; main()"]
        folders = ["--index", str(self._index)]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "QA_ARTICLES": str(self._articles),
            # Health checks of this campaign must not be refused for their number.
            "QA_RATE_LIMIT_PER_MINUTE": "0",
        }
        subprocess.run(
            [*command, "index", str(self._articles), *folders],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [*command, "serve", "--port", "0", "--watch", *folders],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        try:
            yield process, self._ready(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ready(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and process.poll() is None:
            first, end, _ = self.log.partition("\n")
            if end:
                port = int(first.rpartition(":")[2])
                if self._get(port, "/ready", 5.0)[0] == 200:
                    return port
            time.sleep(0.1)
        raise AssertionError(f"the server did not get ready:\n{self.log}")

    def _get(self, port: int, path: str, timeout_s: float) -> tuple[int, float]:
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        return status, 1000 * (time.perf_counter() - started)

    def _ask(self, port: int, number: int, fare: Fare) -> None:
        """Ask one question after another on a connection that is kept, as programs do."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for question in itertools.islice(itertools.cycle(QUESTIONS), number, None):
            if self._stopping.is_set():
                break
            started = time.perf_counter()
            failure = self._try_to_ask(connection, question, fare)
            elapsed_ms = 1000 * (time.perf_counter() - started)
            with self._lock:
                fare.asked += 1
                if failure:
                    fare.errors.append(failure)
                else:
                    fare.answered_ms.append(elapsed_ms)
            self._stopping.wait(0.05)
        connection.close()

    def _try_to_ask(
        self, connection: http.client.HTTPConnection, question: str, fare: Fare
    ) -> str | None:
        """Return what went wrong; a kept connection that was closed meanwhile is opened once."""
        body = json.dumps({"question": question}).encode()
        for _ in range(2):
            was_open = connection.sock is not None
            try:
                connection.request("POST", "/ask", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = json.loads(response.read())
            except (http.client.RemoteDisconnected, ConnectionError) as error:
                connection.close()
                if was_open:
                    with self._lock:
                        fare.reconnected += 1
                    continue
                return f"{question}: {error!r}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                return f"{question}: {error!r}"
            return None if response.status == 200 else f"{question}: {response.status} {content}"
        return f"{question}: closed twice"

    def _probe(self, port: int, fare: Fare) -> None:
        """Ask on a connection of its own each time whether the service is alive."""
        while not self._stopping.wait(0.2):
            status, elapsed_ms = self._get(port, "/health", 10.0)
            with self._lock:
                if status == 200:
                    fare.health_ms.append(elapsed_ms)
                else:
                    fare.errors.append(f"/health: {status} after {elapsed_ms:.0f} ms")

    def _change_files(self, fare: Fare) -> None:
        """Put poison into the folder, then add, change and remove small articles all the time."""
        for name, content in POISON.items():
            (self._articles / name).write_bytes(content)
        for number in itertools.count():
            if self._stopping.wait(0.1):
                return
            path = self._articles / f"change-{number % 20}.txt"
            if number % 3 == 2:
                path.unlink(missing_ok=True)
            else:
                path.write_text(f"Note {number}\n\nThe lock opened {number} times this year.\n")
            fare.changes += 1

    def _watch_memory(self, pid: int, fare: Fare) -> None:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        while not self._stopping.wait(0.5):
            try:
                (worker,) = children.read_text().split()
                status = Path(f"/proc/{worker}/status").read_text()
            except (OSError, ValueError):
                with self._lock:
                    fare.errors.append("the serving process is gone")
                continue
            resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            fare.memory_mb.append(int(resident.split()[1]) / 1024)
