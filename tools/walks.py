"""The walks through the code in docs/architecture.md: which steps they name, and on which lines.

A step is written `path` `name`, where name is a function or `Class.method`; `make docs` links the
path to the line on which it is defined.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
_STEP = re.compile(
    r"(?:\[`(?P<linked>qa_service/[\w/]+\.py):\d+`\]\([^)]*\)|`(?P<plain>qa_service/[\w/]+\.py)`)"
    r"\s`(?P<name>[\w.]+)`"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A function that a walk comes through: its file, below the repository, and qualified name."""

    path: str
    name: str

    @property
    def line(self) -> int:
        """The line on which it is defined. KeyError when it is not there."""
        return _definitions(self.path)[self.name]


def steps(text: str) -> list[Step]:
    """Return the steps that a text names, in order."""
    return [_step(match) for match in _STEP.finditer(text)]


def with_current_lines(text: str) -> str:
    """Return the text with each step linked to the line where it stands now."""

    def link(match: re.Match[str]) -> str:
        step = _step(match)
        place = f"{step.path}:{step.line}"
        return f"[`{place}`](../{step.path}#L{step.line}) `{step.name}`"

    return _STEP.sub(link, text)


def _step(match: re.Match[str]) -> Step:
    return Step(match["linked"] or match["plain"], match["name"])


@cache
def _definitions(path: str) -> dict[str, int]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return dict(_named(tree.body, ""))


def _named(nodes: list[ast.stmt], owner: str) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            yield f"{owner}{node.name}", node.lineno
        elif isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{owner}{node.name}.")
