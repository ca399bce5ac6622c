"""No script is left behind when what it measures is moved or renamed."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path.relative_to(ROOT)
    for folder in ("benchmarks", "training", "tools")
    for path in (ROOT / folder).rglob("*.py")
)


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules of the product that a script imports, and the names it takes from each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qa_service"):
            yield from ((str(node.module), name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((one.name, "") for one in node.names if one.name.startswith("qa_service"))


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_what_a_script_imports_is_there(path: Path) -> None:
    """Each module of the product, and each name in it."""
    for module, name in imported(ROOT / path):
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            pytest.fail(f"{path}: {error}")
        if name and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
