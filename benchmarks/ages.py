"""Which results are older than the code that they measured.

    python -m benchmarks.ages [--because REASON]

Every result names modules, and has a mark of each one's code (`measuring/code_marks.py`). Where a
mark is another by now, the result is older than the code, and `results/older.toml` has to say why
it is shown all the same: a test fails otherwise. With REASON those that are not listed yet are
listed for it; results that were measured again leave the list by themselves. Writes
`results/README.md`, which tells of every result when, where and from what it was made.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring.code_marks import PACKAGE, UnknownModuleError, mark_of
from benchmarks.measuring.results import MADE_BY, RESULTS, commit_name, machine_name

LIST = "older.toml"
PAGE = "README.md"
LIST_HEAD = """\
# Results that are older than the code they measured, and why they are shown all the same. A test
# fails for one that is missing here, and for one that is here for nothing. Written by:
#     python -m benchmarks.ages --because "the reason"
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A result's name, such as `unadapted/quality`, and what it says of where it comes from."""

    name: str
    made_by: Mapping[str, Any]


def main() -> int:
    """Bring list and page up to date; 1 when a result is older and nobody says why."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--because", default="", help="why older results are shown all the same")
    arguments = parser.parse_args()
    results = read_results(RESULTS)
    changed = {one.name: changed_modules(one) for one in results}
    reasons = read_reasons(RESULTS)
    for name, modules in changed.items():
        if not modules:
            reasons.pop(name, None)
        elif name not in reasons and arguments.because:
            reasons[name] = arguments.because
    write_reasons(RESULTS, reasons)
    (RESULTS / PAGE).write_text(page_of(results, reasons), encoding="utf-8")
    problems = problems_of(results, reasons)
    print("\n".join(problems) or "Every result is as old as its code, or listed with a reason.")
    return 1 if problems else 0


def read_results(folder: Path) -> list[Result]:
    """Return every result below a folder, by name."""
    return [
        Result(
            path.relative_to(folder).with_suffix("").as_posix(),
            json.loads(path.read_text(encoding="utf-8")).get(MADE_BY, {}),
        )
        for path in sorted(folder.rglob("*.json"))
    ]


def changed_modules(result: Result, package: Path = PACKAGE) -> list[str]:
    """Return the modules whose code is no longer what the result measured, or that are gone."""
    changed = []
    for module, mark in result.made_by.get("modules", {}).items():
        try:
            now = mark_of(module, package)
        except UnknownModuleError:
            now = "gone"
        if now != mark:
            changed.append(module)
    return changed


def problems_of(
    results: Sequence[Result], reasons: Mapping[str, str], package: Path = PACKAGE
) -> list[str]:
    """Return what is wrong: no origin, older without a reason, or a reason that is not needed."""
    problems = []
    for result in results:
        changed = changed_modules(result, package)
        if not result.made_by.get("modules"):
            problems.append(f"{result.name}: names no modules. Write it with write_results.")
        elif changed and result.name not in reasons:
            problems.append(
                f"{result.name}: {', '.join(changed)} changed since it was measured. Measure it "
                "again (make figures), or say why it holds: make ages BECAUSE='…'"
            )
        elif not changed and result.name in reasons:
            problems.append(f"{result.name}: is listed as older and is not. Run: make ages")
    known = {result.name for result in results}
    problems += [
        f"{name}: is listed as older and not there. Take it out of {LIST}."
        for name in reasons
        if name not in known
    ]
    return problems


def read_reasons(folder: Path) -> dict[str, str]:
    """Return why each older result is shown, by its name."""
    path = folder / LIST
    content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: one["reason"] for one in content.get("older", ()) for name in one["results"]}


def write_reasons(folder: Path, reasons: Mapping[str, str]) -> None:
    """Write the list, results with one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name in sorted(reasons):
        by_reason.setdefault(reasons[name], []).append(name)
    # A string of JSON is one of TOML, too.
    parts = [
        "\n".join(
            [
                "[[older]]",
                f"reason = {json.dumps(reason, ensure_ascii=False)}",
                "results = [",
                *(f"    {json.dumps(name)}," for name in names),
                "]",
                "",
            ]
        )
        for reason, names in by_reason.items()
    ]
    (folder / LIST).write_text("\n".join([LIST_HEAD, *parts]), encoding="utf-8")


def page_of(results: Sequence[Result], reasons: Mapping[str, str]) -> str:
    """Return the page that tells where every result comes from."""
    lines = [
        "<!-- Written by `python -m benchmarks.ages`. -->",
        "",
        "# Results",
        "",
        "What the scripts of [`benchmarks/`](../README.md) measured: `.md` for people, `.json` for",
        "programs, the latter with all that is known of where it comes from under `made_by`. A",
        "result that is older than the code it measured has a number in the last column.",
        "",
        "| result | measured | commit | on | older |",
        "|---|---|---|---|---|",
    ]
    numbers = {reason: number for number, reason in enumerate(dict.fromkeys(reasons.values()), 1)}
    for result in results:
        made_by = result.made_by
        older = numbers[reasons[result.name]] if result.name in reasons else ""
        lines.append(
            f"| [{result.name}]({result.name}.md) | {made_by['date'][:10]} "
            f"| {commit_name(made_by['commit'])} | {machine_name(made_by['machine'])} | {older} |"
        )
    lines.append("")
    lines += [f"{number}. {reason}" for reason, number in numbers.items()]
    return "\n".join([*lines, ""]).replace("\n\n\n", "\n\n")


if __name__ == "__main__":
    sys.exit(main())
