"""The files of results: figures with where they come from, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring.origin import Origin

RESULTS = Path(__file__).parents[1] / "results"
MADE_BY = "made_by"
UNKNOWN = "unknown"


def write_results(
    folder: Path, name: str, content: Mapping[str, object], page: str, origin: Origin
) -> None:
    """Write the figures as `name.json` and the page for people as `name.md`.

    Both say where the figures come from: the former under `made_by`, the latter in its last line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_by = origin.to_json()
    document = {MADE_BY: made_by, **content}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    told = f"{page.rstrip()}\n\n{origin_line(made_by)}\n"
    (folder / f"{name}.md").write_text(told, encoding="utf-8")


def origin_line(made_by: Mapping[str, object]) -> str:
    """Return where a result comes from in a line, from what its JSON has under `made_by`."""
    commit, machine = made_by["commit"], made_by["machine"]
    assert isinstance(commit, Mapping)
    assert isinstance(machine, Mapping)
    parts = [
        f"{str(made_by['date'])[:10]}, commit {commit_name(commit)}",
        machine_name(machine),
    ]
    if made_by.get("model"):
        adapter = made_by.get("adapter")
        parts.append(f"{made_by['model']} {f'with adapter {adapter}' if adapter else 'as it came'}")
    if settings := made_by.get("settings"):
        assert isinstance(settings, Mapping)
        parts.append(", ".join(f"{name}={value}" for name, value in settings.items()))
    return f"*Measured: {'; '.join(parts)}.*"


def commit_name(commit: Mapping[str, object]) -> str:
    """Return a commit for people."""
    if commit["is_dirty"] is None and commit["sha"] != UNKNOWN:
        # The history tells which commit brought the result, which was measured before it.
        return f"{commit['sha']} or shortly before"
    return f"{commit['sha']}{' with changes' if commit['is_dirty'] else ''}"


def machine_name(machine: Mapping[str, object]) -> str:
    """Return a machine for people."""
    named = str(machine["processor"])
    if machine.get("cores"):
        named += f", {machine['cores']} cores"
    told = machine.get("instructions")
    return f"{named} ({' '.join(told)})" if isinstance(told, list | tuple) and told else named
