"""The real server under load: answers per second, waiting times, refusals and memory.

    python -m benchmarks.load --data FOLDER [--soak-minutes 10]

FOLDER holds `xquad.<language>.json`; their paragraphs (1 920 in eight languages) are indexed and
served by `qa-service serve` on loopback, without a rate limit. Clients in threads of this process
ask the questions of all languages, each over a connection of its own, the next as soon as the last
is answered; whoever gets 503 waits as long as the answer says. No question is asked twice until
all have been asked. The clients use the same processor cores as the server.

Writes `results/load.json` and `results/load.md`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import build_index
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.served import Connection, Reply, Server
from benchmarks.measuring.times import Spread, slope_per_minute, spread
from benchmarks.measuring.xquad import questions_in_turn, read_languages

MEASURED = (
    *("text.terms", "text.language", "encoder", "indexes", "store", "retrieval", "answer"),
    *("web.api", "web.question_desk"),
    *("web.connection_server", "web.connection", "web.http_parser", "web.server"),
)
WARM_UP_QUESTIONS = 32
LONGEST_WAIT_S = 5.0
OVERLOADED = 503


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's memory at a moment of a level."""

    elapsed_s: float
    resident_mb: float
    own_mb: float


@dataclass(frozen=True, slots=True)
class Level:
    """How a number of clients fared.

    `outcomes` counts replies by status, and by reason where there was none. Times are those of
    answers (200); `refused_ms` those of 503, `hasty_refusals` of which lacked `Retry-After`.
    """

    clients: int
    seconds: float
    answers_per_s: float
    answered_ms: Spread
    refused_ms: Spread
    outcomes: dict[str, int]
    errors: int
    hasty_refusals: int
    memory: tuple[Sample, ...]


class Questions:
    """Questions for all clients, shuffled once; from the beginning again when they run out."""

    def __init__(self, texts: Sequence[str]) -> None:
        shuffled = random.Random(5).sample(texts, len(texts))
        self._texts: Iterator[str] = itertools.cycle(shuffled)
        self._lock = threading.Lock()

    def next(self) -> str:
        """Return the next one."""
        with self._lock:
            return next(self._texts)


class Limit:
    """Ends a level after so many requests (0: any number) or seconds, whichever is first."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._left = requests or math.inf
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Tell whether one more request may be sent."""
        with self._lock:
            self._left -= 1
            return self._left >= 0 and time.monotonic() < self._until


def run_level(
    server: Server,
    questions: Questions,
    clients: int,
    *,
    requests: int,
    seconds: float,
    sample_every_s: float = 1.0,
) -> Level:
    """Let clients ask until the limit; watch the server's memory meanwhile."""
    limit = Limit(requests, seconds)
    replies: list[list[Reply]] = [[] for _ in range(clients)]
    threads = [
        threading.Thread(target=ask_until, args=(server.address, questions, limit, received))
        for received in replies
    ]
    started = time.monotonic()
    samples = [take_sample(server, started)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(
                max(0.0, samples[-1].elapsed_s + sample_every_s + started - time.monotonic())
            )
            if time.monotonic() - started >= samples[-1].elapsed_s + sample_every_s:
                samples.append(take_sample(server, started))
    elapsed = time.monotonic() - started
    samples.append(take_sample(server, started))
    return summarise(list(itertools.chain(*replies)), clients, elapsed, samples)


def ask_until(address: str, questions: Questions, limit: Limit, received: list[Reply]) -> None:
    """Be one client: ask, wait for the answer, ask again; keep away as long as told."""
    connection = Connection(address)
    while limit.take():
        reply = connection.ask(questions.next())
        received.append(reply)
        if reply.status == OVERLOADED and reply.retry_after:
            time.sleep(min(float(reply.retry_after), LONGEST_WAIT_S))
    connection.close()


def take_sample(server: Server, started: float) -> Sample:
    """Measure the server's memory."""
    memory = server.memory()
    return Sample(time.monotonic() - started, memory.resident_mb, memory.own_mb)


def summarise(
    replies: Sequence[Reply], clients: int, elapsed: float, samples: Sequence[Sample]
) -> Level:
    """Count the replies of a level."""
    outcomes = Counter(reply.failure or str(reply.status) for reply in replies)
    answered = [reply.elapsed_ms for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == OVERLOADED]
    return Level(
        clients=clients,
        seconds=elapsed,
        answers_per_s=len(answered) / elapsed,
        answered_ms=spread(answered),
        refused_ms=spread([reply.elapsed_ms for reply in refused]),
        outcomes=dict(sorted(outcomes.items())),
        errors=len(replies) - len(answered) - len(refused),
        hasty_refusals=sum(reply.retry_after is None for reply in refused),
        memory=tuple(samples),
    )


def warm_up(server: Server, questions: Questions) -> None:
    """Ask a few questions and make sure that real answers come."""
    connection = Connection(server.address)
    for _ in range(WARM_UP_QUESTIONS):
        reply = connection.ask(questions.next())
        if reply.status != 200 or not json.loads(reply.body)["passages"]:
            sys.exit(f"A question got {reply.status} {reply.failure or reply.body[:300]!r}.")
    connection.close()


def to_markdown(
    about: dict[str, object], ready_s: float, levels: Sequence[Level], soak: Level | None
) -> str:
    """Return the figures as a page."""
    lines = [
        "# Load",
        "",
        "Made by `benchmarks/load.py`, which says at its top what is measured; "
        "texts from XQuAD, CC BY-SA 4.0.",
        "",
        ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in about.items()) + ".",
        "",
        "| clients | answers/s | p50, ms | p95, ms | p99, ms | answered | refused with 503 "
        "| errors | resident before, MB | after, MB |",
        "|" + "---:|" * 10,
    ]
    for level in levels:
        times, first, last = level.answered_ms, level.memory[0], level.memory[-1]
        percentiles = (times.p50, times.p95, times.p99)
        lines.append(
            f"| {level.clients} | {level.answers_per_s:.1f} | "
            + " | ".join(f"{value:.0f}" if times.count else "–" for value in percentiles)
            + f" | {times.count} | {level.refused_ms.count} | {level.errors} "
            f"| {first.resident_mb:.0f} | {last.resident_mb:.0f} |"
        )
    hasty = sum(level.hasty_refusals for level in levels)
    if sum(level.refused_ms.count for level in levels):
        lines += ["", f"Without `Retry-After` were {hasty} of the refusals."]
    lines += ["", f"The server was ready {ready_s:.1f} s after its start."]
    for level in levels:
        others = {name: n for name, n in level.outcomes.items() if name not in {"200", "503"}}
        if others:
            lines.append(f"Errors with {level.clients} clients: {others}.")
    if soak is not None:
        lines += ["", *soak_lines(soak)]
    return "\n".join(lines) + "\n"


def soak_lines(soak: Level) -> list[str]:
    """Return the part of the page on a long run, memory at about ten moments of it."""
    step = max(1, len(soak.memory) // 10)
    shown = [*soak.memory[:-1:step], soak.memory[-1]]
    return [
        f"## {soak.seconds / 60:.1f} minutes with {soak.clients} clients",
        "",
        f"{soak.answered_ms.count} answers, {soak.answers_per_s:.1f} a second, p99 "
        f"{soak.answered_ms.p99:.0f} ms, {soak.refused_ms.count} refused, {soak.errors} errors. "
        f"Over the second half, own memory grew by {growth(soak):.2f} MB a minute.",
        "",
        "| minute | resident, MB | of it its own, MB |",
        "|---:|---:|---:|",
        *(
            f"| {sample.elapsed_s / 60:.1f} | {sample.resident_mb:.0f} | {sample.own_mb:.0f} |"
            for sample in shown
        ),
    ]


def growth(level: Level) -> float:
    """Return by how many MB a minute own memory grew once things had settled."""
    settled = level.memory[len(level.memory) // 2 :]
    return slope_per_minute([(sample.elapsed_s, sample.own_mb) for sample in settled])


def main() -> None:
    """Build, serve, drive, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--paragraphs", type=int, default=0, help="per language; 0 for all")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    parser.add_argument("--requests", type=int, default=3000, help="at most, per level")
    parser.add_argument("--seconds", type=float, default=30, help="at most, per level")
    parser.add_argument("--soak-minutes", type=float, default=0)
    parser.add_argument("--soak-clients", type=int, default=16)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
    about: dict[str, object] = {}
    languages = read_languages(arguments.data, arguments.languages, arguments.paragraphs)
    questions = Questions(questions_in_turn(languages))
    soak = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        about["passages"] = build_index(languages, folder / "built")
        about["languages"] = " ".join(language.code for language in languages)
        with Server(folder / "built" / "index", folder / "server.log") as server:
            warm_up(server, questions)
            levels = []
            for clients in arguments.clients:
                level = run_level(
                    server,
                    questions,
                    clients,
                    requests=arguments.requests,
                    seconds=arguments.seconds,
                )
                levels.append(level)
                print(clients, level.outcomes, asdict(level.answered_ms), flush=True)
            if arguments.soak_minutes:
                soak = run_level(
                    server,
                    questions,
                    arguments.soak_clients,
                    requests=0,
                    seconds=arguments.soak_minutes * 60,
                    sample_every_s=10.0,
                )
            ready_s = server.ready_s
    content = {
        "about": about,
        "ready_s": ready_s,
        "levels": [asdict(level) for level in levels],
        "soak": asdict(soak) | {"own_mb_per_minute": growth(soak)} if soak else None,
    }
    page = to_markdown(about, ready_s, levels, soak)
    write_results(arguments.output, "load", content, page, origin)
    print(page)


if __name__ == "__main__":
    main()
