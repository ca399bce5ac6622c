"""What the benchmarks of speed and load share: a real server, questions, percentiles."""

from __future__ import annotations

import http.client
import json
import math
import multiprocessing
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from memory import Memory, memory_of
from quality import Language, build, read_data

RESULTS = Path(__file__).parent / "results"
COMMAND = Path(sys.executable).with_name("qa-service")
READY_WITHIN_S = 120
STOPPED_WITHIN_S = 20
POLL_S = 0.02
JSON_TYPE = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of some times, in the unit of the times."""

    p50: float
    p95: float
    p99: float
    worst: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Return the percentiles, each one of the values; zeros and a count of 0 for none."""
    if not values:
        return Spread(0.0, 0.0, 0.0, 0.0, 0)
    ranked = sorted(values)

    def percentile(percent: int) -> float:
        return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]

    return Spread(percentile(50), percentile(95), percentile(99), ranked[-1], len(ranked))


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


def read_languages(folder: Path, codes: str, paragraphs: int) -> list[Language]:
    """Read XQuAD; with `paragraphs`, only so many of each language, and the questions on them."""
    languages = list(read_data(folder, codes, 0))
    if not languages:
        sys.exit(f"{folder} holds no xquad.<language>.json of the languages wanted.")
    if not paragraphs:
        return languages
    return [
        replace(
            language,
            paragraphs=language.paragraphs[:paragraphs],
            articles=language.articles[:paragraphs],
            questions=tuple(item for item in language.questions if item.paragraph < paragraphs),
        )
        for language in languages
    ]


def questions_in_turn(languages: Sequence[Language]) -> list[str]:
    """Return every question, the languages taking turns."""
    # Question n stands at the same place in every language.
    aligned = zip(*(language.questions for language in languages), strict=True)
    return [question.text for same in aligned for question in same]


def build_index(languages: Sequence[Language], folder: Path) -> int:
    """Index the paragraphs into `folder/index` in a process of its own; return how many passages.

    A model in this process would take memory and wake threads while the server is measured.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_build, languages, folder).result()


def _build(languages: Sequence[Language], folder: Path) -> int:
    service = build(languages, folder)
    try:
        return service.status().passages
    finally:
        service.close()


def machine() -> dict[str, object]:
    """Describe the machine and how busy it is, for whoever reads the figures later."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [
        line.partition(":")[2].strip() for line in information if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def slope_per_minute(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much values grow in a minute, by least squares over (seconds, value)."""
    if len(points) < 2:
        return 0.0
    times, values = zip(*points, strict=True)
    return 60 * statistics.linear_regression(times, values).slope


def write_results(folder: Path, name: str, content: object, page: str) -> None:
    """Write the figures as `name.json` and the page for people as `name.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
