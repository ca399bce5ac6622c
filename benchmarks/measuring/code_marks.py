"""What a module of the product does, as a short mark that changes when that does.

Docstrings, comments, imports and layout leave a mark as it is, and so does moving a module within
its package: a figure is as good after such a change as before. The mark needs no git, so it can be
compared in a copy of the sources without history, and is the same in every Python from 3.11 on.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "qa_service"
LENGTH = 16


class UnknownModuleError(ValueError):
    """A name that is no module or package of the product."""


def marks_of(modules: Iterable[str], package: Path = PACKAGE) -> dict[str, str]:
    """Return the mark of each module or package, named as below `qa_service`: `answer.quoting`.

    Raises:
        UnknownModuleError: there is no such module.
    """
    return {module: mark_of(module, package) for module in modules}


def mark_of(module: str, package: Path = PACKAGE) -> str:
    """Return the mark of one module, or of a package with all in it.

    Raises:
        UnknownModuleError: there is no such module.
    """
    place = package.joinpath(*module.split("."))
    file = place.with_suffix(".py")
    files = [file] if file.is_file() else sorted(place.rglob("*.py"))
    if not files:
        raise UnknownModuleError(
            f"qa_service has no module {module!r}. Name the one that took its place in the "
            "script that measures it."
        )
    # Of what is in them alone, in no order, so that a package's modules can change their names.
    contents = sorted(filter(None, (_content(path.read_text("utf-8")) for path in files)))
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:LENGTH]


def _content(source: str) -> str:
    return "".join("".join(_walk(statement)) for statement in ast.parse(source).body)


def _walk(value: object) -> Iterator[str]:
    """Yield what a tree says. Not by `ast.dump`, which other versions of Python word otherwise."""
    match value:
        case ast.Import() | ast.ImportFrom():
            return
        case ast.AST():
            if _is_docstring(value):
                return
            yield f"({type(value).__name__}"
            for name, child in ast.iter_fields(value):
                # Fields that only newer versions have are empty where older ones parse the file.
                if child is not None and child != []:
                    yield f" {name}="
                    yield from _walk(child)
            yield ")"
        case list():
            for child in value:
                yield from _walk(child)
        case _:
            yield repr(value)


def _is_docstring(node: ast.AST) -> bool:
    # A string by itself does nothing, be it the docstring of a function or of a constant.
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
