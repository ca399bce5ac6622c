"""What the benchmarks of speed and load share: a real server, questions, percentiles."""

from __future__ import annotations

import http.client
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.measuring.memory import Memory, memory_of

COMMAND = Path(sys.executable).with_name("qa-service")
READY_WITHIN_S = 120
STOPPED_WITHIN_S = 20
POLL_S = 0.02
JSON_TYPE = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; status 0 and the reason in `failure` when nothing did."""

    status: int
    elapsed_ms: float
    body: bytes = b""
    retry_after: str | None = None
    failure: str | None = None


class Connection:
    """One client's keep-alive connection."""

    def __init__(self, address: str, timeout_s: float = 30) -> None:
        self._http = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout_s)

    def ask(self, question: str) -> Reply:
        """Ask a question."""
        return self.request("POST", "/ask", {"question": question})

    def request(self, method: str, path: str, content: object = None) -> Reply:
        """Send a request, with JSON if there is any, and read the whole reply."""
        body = None if content is None else json.dumps(content, ensure_ascii=False).encode()
        started = time.perf_counter()
        try:
            self._http.request(method, path, body, JSON_TYPE)
            response = self._http.getresponse()
            received = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            failure = "timeout" if isinstance(error, TimeoutError) else type(error).__name__
            return Reply(0, _ms_since(started), failure=failure)
        retry_after = response.headers.get("Retry-After")
        return Reply(response.status, _ms_since(started), received, retry_after)

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


class Server:
    """`qa-service serve` on a free port of loopback, from start to ready, and stopped at the end.

    `ready_s` is the time from starting the process until `/ready` says so.
    """

    def __init__(self, index: Path, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self._command = [str(COMMAND), "serve", "--port", "0", "--index", str(index)]
        self._environment = os.environ | {"QA_RATE_LIMIT_PER_MINUTE": "0"} | dict(settings or {})
        self._log = log
        self.address = ""
        self.ready_s = math.nan

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )
        try:
            self._wait_until_ready(started)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def memory(self) -> Memory:
        """Return what the server's processes hold now."""
        return memory_of(self._process.pid)

    def _wait_until_ready(self, started: float) -> None:
        while time.perf_counter() - started < READY_WITHIN_S:
            if self._process.poll() is not None:
                break
            self.address = self.address or self._announced()
            if self.address:
                connection = Connection(self.address, timeout_s=5)
                status = connection.request("GET", "/ready").status
                connection.close()
                if status == 200:
                    self.ready_s = time.perf_counter() - started
                    return
            time.sleep(POLL_S)
        written = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = "\n".join(line for line in written if "path=/ready" not in line)
        sys.exit(f"qa-service serve did not get ready; its log:\n{told}")

    def _announced(self) -> str:
        first_line, end, _ = self._log.read_text(encoding="utf-8").partition("\n")
        return first_line.rpartition(" ")[2] if end else ""

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
