"""The service under attack: hostile sockets, poison files and floods of changes, while people ask.

    python -m benchmarks.hostile [--seconds 90]

Runs the campaign of `tests/faults/hostility.py` twice, without and with the attack, and writes
`results/hostile.json` and `results/hostile.md`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "faults")]

from hostility import POISON, Campaign, Fare, percentile  # noqa: E402

SOCKETS = 500
MEASURED = (
    *("corpus.reading_process", "corpus.reading_child", "indexer", "store", "articles", "encoder"),
    *("web.api", "web.question_desk"),
    *("web.connection_server", "web.connection", "web.http_parser", "web.server"),
)


def run(seconds: float, sockets: int, *, changes_files: bool) -> Fare:
    """Run one campaign over the sample articles."""
    with tempfile.TemporaryDirectory(prefix="qa-hostile-") as folder:
        campaign = Campaign(
            Path(folder), ROOT / "seeds", sockets=sockets, changes_files=changes_files
        )
        return campaign.run(seconds)


def row(name: str, fare: Fare) -> str:
    """Return one campaign as a row of the table."""
    answers, health = fare.answered_ms, fare.health_ms
    return (
        f"| {name} | {len(answers)} | {len(fare.errors)} "
        f"| {percentile(answers, 0.5):.0f} / {percentile(answers, 0.99):.0f} / {max(answers):.0f} "
        f"| {percentile(health, 0.5):.1f} / {percentile(health, 0.99):.0f} / {max(health):.0f} "
        f"| {max(fare.memory_mb):.0f} | {fare.memory_growth_mb:+.0f} |"
    )


def page(seconds: float, calm: Fare, attacked: Fare) -> str:
    """Return the figures as a page for people."""
    return "\n".join(
        [
            "# Under attack",
            "",
            f"Written by `benchmarks/hostile.py`: `qa-service serve --watch` over the sample "
            f"articles for {seconds:.0f} seconds, four clients asking one question after another, "
            f"one more asking for `/health` five times a second. The attack: {SOCKETS} sockets "
            "that send half requests, a byte now and then, garbage, or read no reply, and are "
            f"opened anew when they are closed ({attacked.opened} in all); {len(POISON)} files "
            f"made to hang their readers; {attacked.changes} changes in the articles folder, "
            f"which is followed ({attacked.generations} generations of the index). Everything on "
            f"the same {os.cpu_count()} cores.",
            "",
            "| | answers | errors | answer: p50 / p99 / worst, ms "
            "| `/health`: p50 / p99 / worst, ms | most memory of the server, MB "
            "| growth from the third quarter to the last, MB |",
            "|---|---|---|---|---|---|---|",
            row("left alone", calm),
            row("attacked", attacked),
            "",
        ]
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    origin = Origin.now(MEASURED)
    calm = run(options.seconds / 3, 0, changes_files=False)
    attacked = run(options.seconds, SOCKETS, changes_files=True)
    content = {"calm": asdict(calm), "attacked": asdict(attacked)}
    write_results(options.output, "hostile", content, page(options.seconds, calm, attacked), origin)
    for error in (calm.errors + attacked.errors)[:10]:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
