"""What the shipped adapter gains and loses, question by question: which differences are chance.

    python -m benchmarks.trials.adapter_paired --data FOLDER [--languages ar,en,zh] [--questions N]

Every language of XQuAD is indexed with the adapter and (`QA_ADAPTER=false`) without, and both are
asked the same questions through the product's own search: those in its own language, and those in
two others. A question is won when only the adapted model puts the right paragraph first, and lost
when only the other one does. `p` is the probability that tossing a coin divides them as unequally
or more so (sign test, two-sided). Writes `results/adapter_paired.json` and `.md`.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import article_of, build, processes
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.xquad import Language, read_data, strangers

MEASURED = ("text.terms", "chunker", "encoder", "indexes", "retrieval")


@dataclass(frozen=True, slots=True)
class Division:
    """How many of the questions are won and lost, and recall@1 on both sides."""

    questions: int
    without: float
    adapted: float
    won: int
    lost: int
    p: float

    @classmethod
    def of(cls, without: Sequence[bool], adapted: Sequence[bool]) -> Division:
        """Compare what came of the same questions on both sides."""
        pairs = list(zip(without, adapted, strict=True))
        won, lost = pairs.count((False, True)), pairs.count((True, False))
        return cls(
            len(pairs),
            sum(without) / len(pairs),
            sum(adapted) / len(pairs),
            won,
            lost,
            sign_test(won, lost),
        )


def main() -> int:
    """Ask both sides and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--questions", type=int, default=0, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="one per core")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    with (
        tempfile.TemporaryDirectory() as folder,
        processes(arguments.processes) as pool,
    ):
        asked = {
            (target.code, is_adapted): pool.submit(
                ask, languages, target, Path(folder) / f"{target.code}-{is_adapted}", is_adapted
            )
            for target in languages
            for is_adapted in (False, True)
        }
        hits = {side: task.result() for side, task in asked.items()}
    divisions = compare(hits, [language.code for language in languages])
    page = to_markdown(divisions)
    content = {name: asdict(division) for name, division in divisions.items()}
    write_results(arguments.output, "adapter_paired", content, page, origin)
    print(page)
    return 0


def ask(
    languages: Sequence[Language], target: Language, folder: Path, is_adapted: bool
) -> dict[str, list[bool]]:
    """Index one language; return, by the language asked in, which questions found it first."""
    os.environ["QA_ADAPTER"] = str(is_adapted).lower()
    service = build([target], folder)
    found = {}
    for source in (target, *strangers(languages, target)):
        found[source.code] = [
            article_of(service, [item.key for item in service.retrieve(question.text).ranked[:1]])
            == [f"{target.code}-{question.paragraph}"]
            for question in source.questions
        ]
    service.close()
    return found


def compare(
    hits: Mapping[tuple[str, bool], Mapping[str, Sequence[bool]]], codes: Sequence[str]
) -> dict[str, Division]:
    """Divide the questions of each pair of languages, of one language and across languages."""
    one: tuple[list[bool], list[bool]] = ([], [])
    across: tuple[list[bool], list[bool]] = ([], [])
    pairs = {}
    for target in codes:
        for source, without in hits[target, False].items():
            adapted = hits[target, True][source]
            pairs[f"{source}>{target}"] = Division.of(without, adapted)
            for total, side in zip(
                one if source == target else across, (without, adapted), strict=True
            ):
                total.extend(side)
    sums = {"one language": one, "across languages": across}
    return {name: Division.of(*sides) for name, sides in sums.items() if sides[0]} | dict(
        sorted(pairs.items(), key=lambda item: item[0][:2] != item[0][3:])
    )


def sign_test(won: int, lost: int) -> float:
    """Return the probability of a division as unequal as this among even ones, 0..1."""
    total = won + lost
    tail = sum(math.comb(total, count) for count in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / 2**total)


def to_markdown(divisions: Mapping[str, Division]) -> str:
    """Return the page for people."""
    lines = [
        "# The adapter, question by question",
        "",
        "Made by `benchmarks/trials/adapter_paired.py`, which says at its top what is measured; "
        "XQuAD, CC BY-SA 4.0. Questions in the first language, paragraphs in the second.",
        "",
        "| | questions | without | with | won | lost | p |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {row.questions:,} | {100 * row.without:.1f} | {100 * row.adapted:.1f} "
        f"| {row.won} | {row.lost} | {_rounded(row.p)} |"
        for name, row in divisions.items()
    ]
    return "\n".join([*lines, ""])


def _rounded(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.2g}".removeprefix("0")


if __name__ == "__main__":
    raise SystemExit(main())
