"""What a run is made of: a TOML file over the defaults, and single lines over both."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any


def merged_content(defaults: Path, path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the content of a file over that of the defaults, and `overrides` over both.

    Args:
        defaults: the file that has every name.
        path: another file, or the same.
        overrides: lines such as `optimizer.steps=1000`.

    Raises:
        ValueError: a name is unknown or a line is no TOML; names it.
    """
    content = tomllib.loads(defaults.read_text("utf-8"))
    if path != defaults:
        _merge(content, tomllib.loads(path.read_text("utf-8")), path.name)
    for line in overrides:
        _merge(content, tomllib.loads(line), "--set")
    return content


def _merge(content: dict[str, Any], changes: Mapping[str, Any], where: str) -> None:
    for name, value in changes.items():
        if name not in content:
            raise ValueError(f"{where}: {name} is unknown; there are {', '.join(content)}")
        if isinstance(value, dict):
            _merge(content[name], value, f"{where}: {name}")
        else:
            content[name] = value


def build(kind: Any, values: Mapping[str, Any]) -> Any:
    """Return a data class of the values; lists become tuples.

    Raises:
        ValueError: a name is unknown.
    """
    known = {one.name for one in fields(kind)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(f"{kind.__name__}: {', '.join(unknown)} is unknown")
    return kind(**{name: _frozen(value) for name, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
