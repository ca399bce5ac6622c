"""How fast everything is that a person waits for, beside other libraries, in one run.

    python -m benchmarks.speed --data FOLDER [--peers .venv-peers/bin/python] [--large INDEX]

FOLDER holds `xquad.<language>.json`. Measured, as medians of rounds in which all take turns:

- the encoder beside sentence-transformers in fp32 on the same passages (`benchmarks/encoder.py`);
- an index run and questions, beside txtai, Haystack, LlamaIndex and plain sentence-transformers on
  the same model, passages and questions; each measurement has a process of its own. The peers
  embed and store vectors, and return ids of passages; what qa-service does besides is said in
  `benchmarks/measuring/ours.py`;
- start-up: `qa-service --help`, `qa-service ask`, and `qa-service serve` until it is ready;
- `POST /ask` on the served index, a new server in each round, and the server's memory; and once
  while an index run is going;
- with `--large INDEX`, the same of an index that is there already, such as one of 100 000
  passages. The questions are those of `--data`; the index is only read.

Processes start with the files in the system's cache. Writes `results/speed.json`,
`results/speed.md` and the picture `docs/images/speed.svg`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import encoder
from benchmarks.measuring.comparison import PEERS, choose_texts, compare, medians
from benchmarks.measuring.memory import Memory
from benchmarks.measuring.origin import Origin
from benchmarks.measuring.ours import by_stage, write_articles
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.served import COMMAND, Connection, Server
from benchmarks.measuring.times import Spread, spread
from benchmarks.speed_report import picture, to_markdown
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder

MEASURED = (
    *("text.terms", "text.language", "corpus", "chunker", "encoder", "indexes", "indexer", "store"),
    *("retrieval", "answer", "web.api", "web.question_desk"),
    *("web.connection_server", "web.connection", "web.http_parser", "web.server"),
)
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "speed.svg"
WARM_UP_QUESTIONS = 20
INDEX_RUN_WITHIN_S = 300
EXIT_NOT_ANSWERED = 3


@dataclass(frozen=True, slots=True)
class Served:
    """A server on one index: `waited_ms` is the whole request, `stages_ms` what the answer says."""

    passages: int
    ready_s: float
    ready: Memory
    after: Memory
    waited_ms: Spread
    stages_ms: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Busy:
    """Questions over HTTP while an index run embedded `embedded` passages."""

    waited_ms: Spread
    embedded: int
    index_seconds: float


@dataclass(frozen=True, slots=True)
class StartUp:
    """Medians over rounds, whole processes."""

    help_s: float
    ask_s: float
    ready_s: float


def measure_encoder(texts: Sequence[str], precision: str, rounds: int) -> list[encoder.Row]:
    """Embed passages with our encoder and with sentence-transformers, in turns."""
    tokens = sum(load_encoder(load_settings()).count_tokens(texts))
    return encoder.measure(encoder.systems([precision]), texts, tokens, rounds)


def measure_start_up(index: Path, question: str, work: Path, rounds: int) -> StartUp:
    """Start each command anew in every round."""
    helps, asks, readies = [], [], []
    for _ in range(rounds):
        helps.append(time_command(["--help"]))
        asks.append(time_command(["ask", question, "--index", str(index)]))
        with Server(index, work / "server.log") as server:
            readies.append(server.ready_s)
    return StartUp(*(statistics.median(times) for times in (helps, asks, readies)))


def time_command(arguments: Sequence[str]) -> float:
    """Return the seconds that a command takes from start to end."""
    started = time.perf_counter()
    ended = subprocess.run([COMMAND, *arguments], capture_output=True, text=True)
    elapsed = time.perf_counter() - started
    if ended.returncode not in {0, EXIT_NOT_ANSWERED}:
        sys.exit(f"qa-service {arguments[0]} failed: {ended.stderr}")
    return elapsed


def measure_served(
    index: Path, questions: Sequence[str], others: Sequence[str], work: Path
) -> Served:
    """Ask a server every question, one after the other on one connection.

    It is warmed up with other questions, so that what answers these has not been touched before.
    """
    waited: list[float] = []
    stages: dict[str, list[float]] = {}
    with Server(index, work / "server.log") as server:
        ready = server.memory()
        connection = Connection(server.address)
        for number, question in enumerate([*others, *questions]):
            reply = connection.ask(question)
            if reply.status != 200:
                sys.exit(f"A question got {reply.status} {reply.failure or reply.body[:300]!r}.")
            if number < len(others):
                continue
            answer = json.loads(reply.body)
            waited.append(reply.elapsed_ms)
            for stage, elapsed_ms in by_stage(answer["timings_ms"]).items():
                stages.setdefault(stage, []).append(elapsed_ms)
        connection.close()
        return Served(
            passages=answer["index"]["passages"],
            ready_s=server.ready_s,
            ready=ready,
            after=server.memory(),
            waited_ms=spread(waited),
            stages_ms={stage: spread(values) for stage, values in stages.items()},
        )


def median_of(rounds: Sequence[Served]) -> Served:
    """Return the medians of an index's rounds."""
    median = statistics.median

    def spread_of(found: Sequence[Spread]) -> Spread:
        return Spread(
            p50=median(one.p50 for one in found),
            p95=median(one.p95 for one in found),
            p99=median(one.p99 for one in found),
            worst=median(one.worst for one in found),
            count=sum(one.count for one in found),
        )

    def memory_of(found: Sequence[Memory]) -> Memory:
        return Memory(
            resident_mb=median(one.resident_mb for one in found),
            own_mb=median(one.own_mb for one in found),
        )

    return Served(
        passages=rounds[0].passages,
        ready_s=median(one.ready_s for one in rounds),
        ready=memory_of([one.ready for one in rounds]),
        after=memory_of([one.after for one in rounds]),
        waited_ms=spread_of([one.waited_ms for one in rounds]),
        stages_ms={
            stage: spread_of([one.stages_ms[stage] for one in rounds])
            for stage in rounds[0].stages_ms
        },
    )


def measure_busy(
    folder: Path, passages: Sequence[Mapping[str, str]], questions: Sequence[str], work: Path
) -> Busy:
    """Let the server index as many new passages again, and ask until it is done."""
    new = [
        {**item, "id": f"new-{item['id']}", "text": f"({number}) {item['text']}"}
        for number, item in enumerate(passages)
    ]
    write_articles(folder / "articles" / "new.jsonl", new)
    settings = {"QA_ARTICLES": str(folder / "articles")}
    waited: list[float] = []
    with Server(folder / "index", work / "server.log", settings) as server:
        connection = Connection(server.address)
        for question in questions[:WARM_UP_QUESTIONS]:
            connection.ask(question)
        started = time.monotonic()
        connection.request("POST", "/index", {"rebuild": False})
        while time.monotonic() - started < INDEX_RUN_WITHIN_S:
            for question in questions:
                reply = connection.ask(question)
                if reply.status != 200:
                    sys.exit(f"While indexing, a question got {reply.status} {reply.failure}.")
                job = json.loads(connection.request("GET", "/index").body)["job"]
                if job["state"] != "running":
                    break
                waited.append(reply.elapsed_ms)
            if job["state"] != "running":
                break
        elapsed = time.monotonic() - started
        connection.close()
    if job["state"] != "done":
        sys.exit(f"The index run was {job['state']} after {elapsed:.0f} s: {job['error']}")
    return Busy(spread(waited), job["report"]["embedded"], elapsed)


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--passages", type=int, default=400, help="0: all; more: numbered copies")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="auto", help="for QA_PRECISION")
    parser.add_argument("--peers", type=Path, help="the Python of the peers' environment")
    parser.add_argument("--engines", nargs="+", default=list(PEERS), help="which peers")
    parser.add_argument("--large", type=Path, help="an index folder to ask, too")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    # Better told now than after an hour.
    if arguments.large and not (arguments.large / "CURRENT").is_file():
        parser.error(f"{arguments.large} holds no index; make one: qa-service index --index")
    if arguments.peers and not arguments.peers.is_file():
        parser.error(f"{arguments.peers} is not there; make it: make bench-peers")
    # Every process started from here heeds it.
    os.environ["QA_PRECISION"] = arguments.precision
    origin = Origin.now(MEASURED)
    texts = choose_texts(
        arguments.data, arguments.languages, arguments.passages, 2 * arguments.questions
    )
    others = [query["text"] for query in texts["queries"][1::2]]
    texts["queries"] = texts["queries"][::2]
    questions = [query["text"] for query in texts["queries"]]
    about = {
        "precision": arguments.precision,
        "passages": len(texts["passages"]),
        "questions": len(questions),
        "rounds": arguments.rounds,
    }
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "texts.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
        engines = compare(
            work / "texts.json", work, arguments.rounds, arguments.engines, arguments.peers
        )
        index = work / "ours" / "index"
        start_up = measure_start_up(index, questions[0], work, arguments.rounds)
        indexes = [index, arguments.large] if arguments.large else [index]
        asked = [
            [measure_served(each, questions, others, work) for each in indexes]
            for _ in range(arguments.rounds)
        ]
        served, *rest = [median_of(each) for each in zip(*asked, strict=True)]
        large = rest[0] if rest else None
        busy = measure_busy(work / "ours", texts["passages"], questions, work)
    # Last, for the models then stay in this process.
    passages = [item["text"] for item in texts["passages"]]
    rows = measure_encoder(passages, arguments.precision, arguments.rounds)
    results = {
        "about": about,
        "encoder": [asdict(row) for row in rows],
        "engines": {name: medians(measured) for name, measured in engines.items()},
        "rounds": engines,
        "start_up": asdict(start_up),
        "served": asdict(served),
        "busy": asdict(busy),
        "large": asdict(large) if large else None,
    }
    page = to_markdown(results)
    write_results(arguments.output, "speed", results, page, origin)
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    arguments.picture.write_text(picture(results), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
