"""Whether the sentence that is quoted answers, and what has no answer is refused, by kind.

    python -m benchmarks.reading [--cases FOLDER]

FOLDER holds `articles/` and `questions.jsonl` as tests/cases/ask does, which is asked by default.
The articles are indexed, and every question goes through `Service.ask`. Writes
`results/reading.json` and `.md`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring.cases import ARTICLES, Outcome, outcomes, read_cases
from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from qa_service.config import load_settings
from qa_service.service import Service

CASES = Path(__file__).parents[1] / "tests" / "cases" / "ask"
MEASURED = ("text", "corpus", "chunker", "encoder", "indexes", "retrieval", "answer")
# On the subject of an article, and answered by none.
NEAR_TOPIC = ("near-miss", "near-miss-cross")
SURE = 0.9
BINS = 10

Figures = dict[str, float | None]


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=Path, default=CASES)
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
    found = ask_all(arguments.cases)
    kinds = sorted({one.case.kind for one in found})
    by_kind = {kind: figures([one for one in found if one.case.kind == kind]) for kind in kinds}
    content = {"questions": len(found), "all": figures(found), "kinds": by_kind}
    write_results(RESULTS, "reading", content, to_markdown(found), origin)
    sys.stdout.write(to_markdown(found))
    return 0


def ask_all(cases: Path) -> list[Outcome]:
    """Index the articles of a folder and ask its questions."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(load_settings(index=Path(folder) / "index", articles=cases / ARTICLES))
        try:
            service.index()
            return list(outcomes(service.ask, list(read_cases(cases))))
        finally:
            service.close()


def figures(found: Sequence[Outcome]) -> Figures:
    """Return shares of the questions that they are shares of; None where there are none."""
    answerable = [one for one in found if one.case.is_answerable]
    others = [one for one in found if not one.case.is_answerable]
    near_topic = [one for one in others if one.case.kind in NEAR_TOPIC]
    sure = [one for one in found if one.is_answered and one.confidence >= SURE]
    return {
        "right sentence": share([one.is_right for one in answerable]),
        "another sentence": share([one.is_answered and not one.is_right for one in answerable]),
        "wrongly refused": share([not one.is_answered for one in answerable]),
        "right article first": share([one.is_found for one in answerable]),
        "rightly refused": share([not one.is_answered for one in others]),
        "near-topic refused": share([not one.is_answered for one in near_topic]),
        "right where sure": share([one.is_right for one in sure]),
        "calibration error": calibration_error([one for one in found if one.is_answered]),
        "AUC": area([one.confidence for one in answerable], [one.confidence for one in near_topic]),
        "ms": statistics.median(one.elapsed_ms for one in found) if found else None,
    }


def share(outcomes_of: Sequence[bool]) -> float | None:
    """Return how many of them are true, 0..1."""
    return statistics.fmean(outcomes_of) if outcomes_of else None


def calibration_error(answered: Sequence[Outcome]) -> float | None:
    """Return the expected calibration error of answers, in ten bins (Guo et al. 2017)."""
    if not answered:
        return None
    bins: dict[int, list[Outcome]] = {}
    for one in answered:
        bins.setdefault(min(int(one.confidence * BINS), BINS - 1), []).append(one)
    return sum(
        abs(
            statistics.fmean(one.confidence for one in some)
            - statistics.fmean(one.is_right for one in some)
        )
        * len(some)
        for some in bins.values()
    ) / len(answered)


def area(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return how often one of the former is above one of the latter, ties counted half."""
    if not positives or not negatives:
        return None
    above = [(one > other) + (one == other) / 2 for one in positives for other in negatives]
    return statistics.fmean(above)


def to_markdown(found: Sequence[Outcome]) -> str:
    """Return the page of results."""
    total = figures(found)
    rows = [
        f"| {name} | {number(value, 1 if name == 'ms' else 3)} |" for name, value in total.items()
    ]
    kinds = sorted({one.case.kind for one in found})
    lines = []
    for kind in kinds:
        some = [one for one in found if one.case.kind == kind]
        answerable = [one for one in some if one.case.is_answerable]
        others = [one for one in some if not one.case.is_answerable]
        right = sum(one.is_right for one in answerable)
        other = sum(one.is_answered and not one.is_right for one in answerable)
        refused = sum(not one.is_answered for one in answerable)
        rightly = sum(not one.is_answered for one in others)
        lines.append(
            f"| {kind} | {len(answerable)} | {right} | {other} | {refused} "
            f"| {len(others)} | {rightly} |"
        )
    return "\n".join(
        [
            "# Reading: the sentence that answers, and honest doubt",
            "",
            f"{len(found)} questions as people put them, over the articles of "
            "[`tests/cases/ask`](../../tests/cases/ask), whose README tells of the kinds. Written "
            "by `python -m benchmarks.reading`.",
            "",
            "| all questions | |",
            "|---|---:|",
            *rows,
            "",
            f"*Sure* is a confidence of {SURE} or more; *AUC* is how often an answerable question "
            "has more confidence than one that is near an article's topic and has no answer.",
            "",
            "| kind | answerable | right sentence | another one | refused | not | refused |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *lines,
            "",
        ]
    )


def number(value: float | None, digits: int) -> str:
    """Return a figure for people."""
    return "–" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
