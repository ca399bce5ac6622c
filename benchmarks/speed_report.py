"""The figures of `speed.py` as a page and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.measuring.comparison import OURS


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the comparison: its title, its key, its form, and whether more is better."""

    title: str
    key: str
    form: str
    more_is_better: bool = False


MEASURES = (
    Measure("indexing, passages/s", "passages_per_s", "{:,.1f}", more_is_better=True),
    Measure("a question, p50, ms", "question_p50_ms", "{:,.1f}"),
    Measure("p95, ms", "question_p95_ms", "{:,.1f}"),
    Measure("resident, MB", "resident_mb", "{:,.0f}"),
    Measure("peak, MB", "peak_mb", "{:,.0f}"),
)


def advantage(measure: Measure, ours: float, theirs: float) -> float:
    """Return how many times better we are: below 1 we lose."""
    return ours / theirs if measure.more_is_better else theirs / ours


def to_markdown(results: Mapping[str, Any]) -> str:
    """Return everything as tables."""
    about = ", ".join(
        f"{name.replace('_', ' ')}: {value}" for name, value in results["about"].items()
    )
    lines = [
        "# Speed",
        "",
        "Made by `benchmarks/speed.py`, which says at its top what is measured; texts from XQuAD, "
        "CC BY-SA 4.0.",
        "",
        f"{about}.",
        "",
        "![The comparison as bars](../../docs/images/speed.svg)",
        "",
        *engine_lines(results["engines"]),
        *encoder_lines(results["encoder"]),
        *feeling_lines(results),
        "## A question, stage by stage",
        "",
        *stage_lines(results),
    ]
    return "\n".join(lines) + "\n"


def engine_lines(engines: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the comparison, the advantage over each peer in brackets, and where we lose."""
    ours = engines[OURS]
    lines = [
        "## Beside other libraries",
        "",
        "In brackets: how many times better qa-service is. Its questions are answered in full, "
        "reranked and cited; the others return the nearest passages.",
        "",
        "| | " + " | ".join(measure.title for measure in MEASURES) + " |",
        "|---|" + "---:|" * len(MEASURES),
    ]
    behind = []
    for name, row in engines.items():
        cells = [row["version"] if name == OURS else f"{name} ({row['version']})"]
        for measure in MEASURES:
            cell = measure.form.format(row[measure.key])
            if name != OURS:
                times = advantage(measure, ours[measure.key], row[measure.key])
                cell += f" ({times:.2f} ×)"
                if times < 1:
                    behind.append(f"{measure.title} of {name}")
            cells.append(cell)
        lines.append("| " + " | ".join(cells) + " |")
    if len(engines) > 1:
        told = "; ".join(behind) if behind else "nothing"
        lines += ["", f"Where qa-service is behind: {told}."]
    return [*lines, ""]


def encoder_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the encoder's table."""
    lines = [
        "## The encoder alone",
        "",
        "| | tokens/s | ratio | tokens per CPU second | one question, ms | worst cosine to fp32 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['system']} | {row['tokens_per_s']:,.0f} | {row['ratio']:.2f} "
        f"| {row['tokens_per_cpu_s']:,.0f} | {row['question_ms']:.1f} | {row['worst_cosine']:.5f} |"
        for row in rows
    ]
    return [*lines, ""]


def feeling_lines(results: Mapping[str, Any]) -> list[str]:
    """Return what a person feels, each with its aim."""
    start_up, served, busy = results["start_up"], results["served"], results["busy"]
    rows = [
        ("`qa-service --help`, s", f"{start_up['help_s']:.2f}", "< 0.3"),
        ("`qa-service ask`, whole process, s", f"{start_up['ask_s']:.2f}", "< 3"),
        ("`qa-service serve` until ready, s", f"{start_up['ready_s']:.2f}", "< 4"),
        (
            f"`POST /ask` over {served['passages']:,} passages, p50 / p95, ms",
            f"{served['waited_ms']['p50']:.1f} / {served['waited_ms']['p95']:.1f}",
            "",
        ),
        (
            f"`POST /ask` while {busy['embedded']:,} passages are indexed, p50 / p95, ms",
            f"{busy['waited_ms']['p50']:.1f} / {busy['waited_ms']['p95']:.1f}",
            "p95 < 150",
        ),
        (
            f"server on {served['passages']:,} passages, resident / its own, MB",
            f"{served['after']['resident_mb']:.0f} / {served['after']['own_mb']:.0f}",
            "≤ 600",
        ),
    ]
    large = results["large"]
    if large is not None:
        rows += [
            (
                f"`POST /ask` over {large['passages']:,} passages, p50 / p95, ms",
                f"{large['waited_ms']['p50']:.1f} / {large['waited_ms']['p95']:.1f}",
                "≤ 15 / ≤ 30 at 100,000",
            ),
            (
                f"server on {large['passages']:,} passages, resident / its own, MB",
                f"{large['after']['resident_mb']:.0f} / {large['after']['own_mb']:.0f}",
                "≤ 1,300 at 100,000",
            ),
            (
                f"`serve` on {large['passages']:,} passages until ready, s",
                f"{large['ready_s']:.2f}",
                "",
            ),
        ]
    lines = ["## What a person feels", "", "| | measured | aim |", "|---|---:|---:|"]
    lines += [f"| {title} | {value} | {aim} |" for title, value, aim in rows]
    return [*lines, ""]


def stage_lines(results: Mapping[str, Any]) -> list[str]:
    """Return the stages of a question: in the process, over HTTP, and on the large index."""
    columns = {"in the process": dict(results["engines"][OURS]["stages_ms"])}
    for title, served in (("served", results["served"]), ("large", results["large"])):
        if served is not None:
            whole = {"request and reply": served["waited_ms"]}
            columns[f"{title}, {served['passages']:,} passages"] = served["stages_ms"] | whole
    stages = dict.fromkeys(stage for column in columns.values() for stage in column)
    lines = [
        "p50 / p95 in ms. *Total* is all of answering; *request and reply* is what the client "
        "waits, total included.",
        "",
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for stage in stages:
        cells = [
            f"{column[stage]['p50']:.2f} / {column[stage]['p95']:.2f}" if stage in column else ""
            for column in columns.values()
        ]
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    return lines


NAMES_WIDTH, BARS_WIDTH, VALUES_WIDTH = 190, 330, 90
BAR, GAP, TITLE = 16, 6, 34
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#5f6b7a}"
    ".title{font-size:13px;font-weight:600;fill:#7c8798}"
    ".bar{fill:#a9b4c2}.ours{fill:#2f7ed8}"
)


def picture(results: Mapping[str, Any]) -> str:
    """Return the comparison as bars, in SVG; each panel has its own scale, from zero."""
    engines = results["engines"]
    panels = [
        (
            "Encoder, tokens a second (more is better)",
            {row["system"]: row["tokens_per_s"] for row in results["encoder"]},
        ),
        *(
            (title, {name: row[key] for name, row in engines.items()})
            for title, key in (
                ("Indexing, passages a second (more is better)", "passages_per_s"),
                ("A question, median, ms (less is better)", "question_p50_ms"),
                ("Memory, resident, MB (less is better)", "resident_mb"),
            )
        ),
    ]
    parts = []
    top = 0
    for title, values in panels:
        parts.append(f'<g transform="translate(0 {top})">{panel(title, values)}</g>')
        top += TITLE + len(values) * (BAR + GAP) + GAP
    width = NAMES_WIDTH + BARS_WIDTH + VALUES_WIDTH
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" '
        f'height="{top}" role="img" aria-label="Speed and memory of qa-service and of other '
        f'libraries, as in the table"><style>{STYLE}</style>{"".join(parts)}</svg>\n'
    )


def panel(title: str, values: Mapping[str, float]) -> str:
    """Return one group of bars, ours in colour."""
    longest = max(values.values())
    parts = [f'<text class="title" x="4" y="22">{escape(title)}</text>']
    for number, (name, value) in enumerate(values.items()):
        y = TITLE + number * (BAR + GAP)
        length = value / longest * BARS_WIDTH
        kind = "bar ours" if name.startswith(OURS) else "bar"
        label = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        parts += [
            f'<text x="{NAMES_WIDTH - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{NAMES_WIDTH}" y="{y}" width="{length:.1f}" height="{BAR}"/>',
            f'<text x="{NAMES_WIDTH + length + 6:.1f}" y="{y + 12}">{label}</text>',
        ]
    return "".join(parts)
