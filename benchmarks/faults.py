"""Kill index runs at random moments, hundreds of times, and count what was lost.

    python -m benchmarks.faults --kills 500

Runs the campaigns of `tests/faults/campaign.py` with several seeds and writes
`benchmarks/results/faults.json` and `faults.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "faults")]

from campaign import Campaign, Tally  # noqa: E402

MEASURED = ("corpus.reading_process", "corpus.reading_child", "indexer", "indexes", "store")
KILLS_PER_INDEX = 100


def run(kills: int, first_seed: int) -> list[Tally]:
    """Run as many campaigns as it takes, each on an index of its own."""
    tallies = []
    for number in range(-(-kills // KILLS_PER_INDEX)):
        wanted = min(KILLS_PER_INDEX, kills - number * KILLS_PER_INDEX)
        with tempfile.TemporaryDirectory(prefix="qa-faults-") as folder:
            campaign = Campaign(Path(folder), first_seed + number)
            try:
                tallies.append(campaign.run(wanted))
            finally:
                campaign.close()
        print(f"{sum(tally.kills for tally in tallies)} of {kills} kills", file=sys.stderr)
    return tallies


def total(tallies: list[Tally]) -> Tally:
    """Add campaigns up."""
    summed = Tally()
    for tally in tallies:
        for name in asdict(tally):
            if isinstance(value := getattr(tally, name), Counter):
                getattr(summed, name).update(value)
            else:
                setattr(summed, name, getattr(summed, name) + value)
    return summed


def markdown(result: dict[str, object], tally: Tally) -> str:
    """Return the figures as a page."""
    rows = [
        ("runs killed with SIGKILL", tally.kills),
        ("runs that finished", tally.finished),
        ("runs after which the old state was in service, whole", tally.kept_old),
        ("runs after which the new state was in service, whole", tally.reached_new),
        ("questions asked after kills, each by vector and by terms", tally.questions),
        ("texts embedded", tally.embedded),
        ("of these, embedded before in a run that was killed", tally.embedded_again),
        ("files left out, having been read when two runs in turn were killed", tally.set_aside),
        ("**problems: lost articles, wrong answers, failed checks**", len(tally.problems)),
    ]
    steps = "\n".join(f"| {step} | {count} |" for step, count in tally.killed_at.most_common())
    return (
        "\n".join(
            [
                "# Killed index runs",
                "",
                f"Made by `benchmarks/faults.py --kills {result['kills_asked']} "
                f"--seed {result['seed']}`.",
                "",
                "After each run, killed or not, every checksum and offset is verified, and a",
                "sentence of every article is asked for by vector and by terms.",
                "",
                "| | |",
                "|---|---:|",
                *(f"| {name} | {count} |" for name, count in rows),
                "",
                "Where the kills fell (the last step begun; half of them came at a random moment):",
                "",
                "| step | kills |",
                "|---|---:|",
                steps,
                "",
                *(f"- {problem}" for problem in tally.problems),
            ]
        ).rstrip()
        + "\n"
    )


def main() -> int:
    """Run the campaigns; exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
    started = time.monotonic()
    tally = total(run(arguments.kills, arguments.seed))
    result = {
        "kills_asked": arguments.kills,
        "seed": arguments.seed,
        "elapsed_s": time.monotonic() - started,
        **json.loads(tally.to_json()),
    }
    page = markdown(result, tally)
    write_results(arguments.results, "faults", result, page, origin)
    print(page)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
