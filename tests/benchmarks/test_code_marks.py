"""The mark of a module's code: what changes it and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measuring.code_marks import UnknownModuleError, mark_of

SOURCE = '''"""A module."""

import math
from pathlib import Path

LIMIT = 3
"""How many."""


def area(radius: float) -> float:
    """Return the area."""
    # From the book.
    return math.pi * radius**2
'''


def mark(folder: Path, source: str, name: str = "figures") -> str:
    """Return the mark of a package with one module."""
    folder.mkdir()
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return mark_of(folder.name, folder.parent)


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("Return the area.", "Return how large a circle is, مساحة."),
        SOURCE.replace("    # From the book.\n", ""),
        SOURCE.replace("import math\nfrom pathlib import Path\n", "import math\n"),
        SOURCE.replace("math.pi * radius**2", "(\n        math.pi * (radius ** 2)\n    )"),
        SOURCE.replace('"""How many."""\n', ""),
    ],
)
def test_what_does_nothing_leaves_a_mark(tmp_path: Path, same: str) -> None:
    """Docstrings, comments, imports and layout are no change."""
    assert mark(tmp_path / "new", same) == mark(tmp_path / "old", SOURCE)


@pytest.mark.parametrize(
    "other",
    [
        SOURCE.replace("**2", "**3"),
        SOURCE.replace("LIMIT = 3", "LIMIT = 4"),
        SOURCE.replace("LIMIT = 3", "LIMIT = 3.0"),
        SOURCE.replace("def area", "@cache\ndef area"),
        SOURCE + "\n\nLIMIT += 1\n",
    ],
)
def test_what_does_something_changes_a_mark(tmp_path: Path, other: str) -> None:
    """A number, a kind of number, a decorator, a statement more: each is a change."""
    assert mark(tmp_path / "new", other) != mark(tmp_path / "old", SOURCE)


def test_names_of_files_in_a_package_are_no_matter(tmp_path: Path) -> None:
    """A module that moves within its package leaves the package's mark as it is."""
    before = mark(tmp_path / "old", SOURCE)
    moved = tmp_path / "new" / "deeper"
    moved.mkdir(parents=True)
    (moved / "circles.py").write_text(SOURCE, encoding="utf-8")
    (moved / "__init__.py").write_text('"""Circles."""\n', encoding="utf-8")
    assert mark_of("new", tmp_path) == before
    assert mark_of("new.deeper.circles", tmp_path) == before


def test_a_module_that_is_gone_is_named(tmp_path: Path) -> None:
    """A name that nothing bears is refused, with what to do."""
    with pytest.raises(UnknownModuleError, match=r"no module 'text\.gone'.*script"):
        mark_of("text.gone", tmp_path)
