"""The results of `quality.py` as tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average the rows, name by name."""
    return {name: statistics.fmean(row[name] for row in rows) for name in rows[0]}


def to_markdown(results: Mapping[str, object]) -> str:
    """Return the results as tables."""
    lines = ["# Quality", "", "Made by `benchmarks/quality.py`; XQuAD, CC BY-SA 4.0.", ""]
    about = results["about"]
    lines += [", ".join(f"{name}: {value}" for name, value in about.items()) + ".", ""]  # type: ignore[attr-defined]
    if "same" in results and "cross" in results:
        lines += [
            "## Recall@1 by stage",
            "",
            "| stage | same language | across languages |",
            "|---|---|---|",
        ]
        same, cross = results["same"], results["cross"]
        for name in same:  # type: ignore[attr-defined]
            lines.append(f"| {name} | {100 * same[name]:.1f} | {100 * cross[name]:.1f} |")  # type: ignore[index]
        lines.append("")
    if "pairs" in results:
        pairs: Mapping[str, Mapping[str, float]] = results["pairs"]  # type: ignore[assignment]
        sources = list(dict.fromkeys(pair.split(">")[0] for pair in pairs))
        targets = list(dict.fromkeys(pair.split(">")[1] for pair in pairs))
        lines += [
            "## Recall@1 by pair: question in the row's language, articles in the column's",
            "",
            "| | " + " | ".join(targets) + " |",
            "|---|" + "---|" * len(targets),
        ]
        for source in sources:
            cells = [pairs.get(f"{source}>{target}", {}).get("R@1 all") for target in targets]
            lines.append(
                f"| {source} | "
                + " | ".join("" if cell is None else f"{100 * cell:.1f}" for cell in cells)
                + " |"
            )
        lines.append("")
        lines += _by_training(pairs, set(about["never_trained_on"]))  # type: ignore[index]
    if "peers" in results:
        lines += _beside_peers(results)
    if "pool" in results:
        lines += _pool(results["pool"])  # type: ignore[arg-type]
    for name, title in (
        ("sentence", "Answer sentence, given the right paragraph"),
        ("abstention", "Honest refusals"),
    ):
        if name in results:
            lines += [f"## {title}", "", *_table(results[name]), ""]  # type: ignore[arg-type]
    return "\n".join(lines)


def _by_training(pairs: Mapping[str, Mapping[str, float]], held_out: set[str]) -> list[str]:
    """Return a table that tells pairs apart by how many of both languages were never trained on."""
    groups: dict[tuple[bool, int], list[float]] = {}
    for pair, scores in pairs.items():
        source, target = pair.split(">")
        held = len({source, target} & held_out)
        groups.setdefault((source != target, held), []).append(scores["R@1 all"])
    names = {
        (False, 0): "one language, trained on",
        (False, 1): "one language, never trained on",
        (True, 0): "across languages, both trained on",
        (True, 1): "across languages, one of them never trained on",
        (True, 2): "across languages, both never trained on",
    }
    lines = ["| what the adapter was trained on | pairs | R@1 |", "|---|---|---|"]
    lines += [
        f"| {names[group]} | {len(found)} | {100 * statistics.fmean(found):.1f} |"
        for group, found in sorted(groups.items())
    ]
    return [*lines, ""]


def _pool(by_language: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a table by stage, and one by the language that asks."""
    mean = mean_of(list(by_language.values()))
    stages = [name.removeprefix("R@1 ") for name in mean if name.startswith("R@1 ")]
    lines = [
        "## One pool of all languages: the right paragraph in any of them",
        "",
        "| stage | R@1 | mean average precision over all versions |",
        "|---|---|---|",
    ]
    lines += [
        f"| {stage} | {100 * mean[f'R@1 {stage}']:.1f} | {mean[f'mAP {stage}']:.3f} |"
        for stage in stages
    ]
    lines += ["", "| question in | R@1 | mean average precision |", "|---|---|---|"]
    lines += [
        f"| {language} | {100 * row['R@1 all']:.1f} | {row['mAP all']:.3f} |"
        for language, row in by_language.items()
    ]
    return [*lines, ""]


def _beside_peers(results: Mapping[str, object]) -> list[str]:
    """Return a table of this library and others on the same model, passages and questions."""
    pool = mean_of(list(results["pool"].values()))  # type: ignore[attr-defined]
    rows = {
        "qa-service": {
            "same R@1": results["same"]["R@1 all"],  # type: ignore[index]
            "cross R@1": results["cross"]["R@1 all"],  # type: ignore[index]
            "pool R@1": pool["R@1 all"],
            "pool mAP": pool["mAP all"],
        }
    }
    for name, scores in results["peers"].items():  # type: ignore[attr-defined]
        rows[f"{name} {scores['version']}"] = {key: scores[key] for key in rows["qa-service"]}
    columns = {
        "same R@1": "one language, R@1",
        "cross R@1": "across languages, R@1",
        "pool R@1": "one pool, R@1",
        "pool mAP": "one pool, mean average precision",
    }
    lines = ["## Beside other libraries", "", "| | " + " | ".join(columns.values()) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{100 * row[key]:.1f}" for key in columns) + " |")
    return [*lines, ""]


def _table(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    columns = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for name, row in {**rows, "mean": mean_of(list(rows.values()))}.items():
        lines.append(f"| {name} | " + " | ".join(f"{row[column]:.3f}" for column in columns) + " |")
    return lines
