"""What `scale.py` measured, as JSON, as a page and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import write_results

Measured = Mapping[str, float]

COLUMNS = (
    ("passages", "passages", "{:,.0f}"),
    ("build_s", "build, s", "{:,.0f}"),
    ("builder_peak_mb", "build, resident at most, MB", "{:,.0f}"),
    ("builder_own_peak_mb", "its own of that, MB", "{:,.0f}"),
    ("update_s", "one article more, s", "{:.2f}"),
    ("nothing_to_do_s", "nothing to do, s", "{:.2f}"),
    ("generation_mb", "index, MB", "{:,.0f}"),
    ("resident_mb", "search, resident, MB", "{:,.0f}"),
    ("own_mb", "its own of that, MB", "{:,.0f}"),
    ("search_p50_ms", "search p50, ms", "{:.1f}"),
    ("search_p95_ms", "search p95, ms", "{:.1f}"),
    ("vector_p95_ms", "vectors p95, ms", "{:.1f}"),
    ("lexical_p95_ms", "terms p95, ms", "{:.1f}"),
    ("recall_at_10", "recall@10 of exact", "{:.4f}"),
)
PANELS = (
    ("Search, p50", "ms", "search_p50_ms"),
    ("Search, p95", "ms", "search_p95_ms"),
    ("Recall@10 of exact", "1 is all", "recall_at_10"),
    ("Build", "s", "build_s"),
    ("One article more", "s", "update_s"),
    ("Index on disk", "MB", "generation_mb"),
    ("Resident memory", "MB", "resident_mb"),
    ("Peak memory of the build", "MB", "builder_peak_mb"),
)
PANELS_PER_ROW = 4
WIDTH, HEIGHT, MARGIN = 240, 200, 44


def write_report(results: Sequence[Measured], folder: Path, drawing: Path, origin: Origin) -> None:
    """Write the figures as JSON, as a page and as a picture."""
    write_results(folder, "scale", {"results": results}, markdown(results), origin)
    drawing.write_text(picture(results), encoding="utf-8")


def markdown(results: Sequence[Measured]) -> str:
    """Return the figures as a page."""
    lines = [
        "# The index at scale",
        "",
        "Made by `benchmarks/scale.py`, whose top describes the synthetic articles.",
        "",
        "| " + " | ".join(title for _, title, _ in COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
    ]
    for result in results:
        cells = (form.format(result[name]) for name, _, form in COLUMNS)
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "*Search* is the vector index, the lexical index, and fetching tokens and texts of the "
        "candidates, one after the other in one thread. *Resident* is the whole process without "
        "the model; what is not its own is pages of files, which the system takes back when it "
        "needs them.",
        "",
        "![Curves of the same figures](../../docs/scale.svg)",
    ]
    return "\n".join(lines) + "\n"


def picture(results: Sequence[Measured]) -> str:
    """Return the figures as curves over the number of passages, in SVG."""
    panels = [
        f'<g transform="translate({number % PANELS_PER_ROW * WIDTH} '
        f'{number // PANELS_PER_ROW * HEIGHT})">{panel(results, *spec)}</g>'
        for number, spec in enumerate(PANELS)
    ]
    width = WIDTH * PANELS_PER_ROW
    height = HEIGHT * -(-len(PANELS) // PANELS_PER_ROW)
    style = (
        "text{font:11px system-ui,sans-serif;fill:#5f6b7a}"
        ".title{font-size:13px;font-weight:600;fill:#7c8798}"
        ".line{fill:none;stroke:#2f7ed8;stroke-width:2}"
        ".dot{fill:#2f7ed8}.axis{stroke:#a9b4c2;stroke-width:1}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        'aria-label="Search time, recall, build and update time, disk and memory over the number '
        'of passages">'
        f"<style>{style}</style>{''.join(panels)}</svg>\n"
    )


def panel(results: Sequence[Measured], title: str, measure: str, name: str) -> str:
    """Return one curve with its axes; passages on a logarithmic scale, the rest from zero."""
    exponents = [float(np.log10(result["passages"])) for result in results]
    low, high = min(exponents), max(exponents)
    top = max(result[name] for result in results) * 1.15 or 1.0
    bottom, right = HEIGHT - 30, WIDTH - 20

    def place(exponent: float, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else (exponent - low) / (high - low)
        return MARGIN + 18 + share * (right - MARGIN - 36), bottom - value / top * (bottom - 34)

    points = [
        place(exponent, result[name]) for exponent, result in zip(exponents, results, strict=True)
    ]
    parts = [
        f'<text class="title" x="{MARGIN}" y="18">{title}, {measure}</text>',
        f'<path class="axis" fill="none" d="M{MARGIN} 30V{bottom}H{right}"/>',
        f'<path class="line" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>',
    ]
    for (x, y), result in zip(points, results, strict=True):
        value = result[name]
        label = f"{value:,.0f}" if value >= 20 else f"{value:.3g}"
        parts += [
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{label}</text>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{short(result['passages'])}</text>",
        ]
    return "".join(parts)


def short(number: float) -> str:
    """Return a number with k or M."""
    return f"{number / 1e6:g} M" if number >= 1e6 else f"{number / 1e3:g} k"
