"""The `key: value` lines between `---` lines at the head of a text or Markdown file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FENCE = "---"
_CLOSING_FENCES = ("---", "...")
_MAX_LINES = 100
_PAIR = re.compile(r"([^\W\d][\w .-]{0,40}?)[ \t]*:(?:[ \t]+(.*)|$)")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields of a file's head, by lower-case name, and the text that follows it."""

    body: str
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


def split_front_matter(text: str) -> FrontMatter:
    """Part a file's head from its body; a file without a head is all body.

    Understood is what people write by hand: `key: value`, quoted values, comments, lists as
    `[a, b]` or as `- a` lines, and long values folded onto indented lines. A first `---` that no
    second one answers, or with anything else in between, is taken for text.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return FrontMatter(text)
    for number, line in enumerate(lines[1 : _MAX_LINES + 2], start=1):
        if line.rstrip() in _CLOSING_FENCES:
            fields = _parse(lines[1:number])
            return (
                FrontMatter(text)
                if fields is None
                else FrontMatter("\n".join(lines[number + 1 :]), fields)
            )
    return FrontMatter(text)


def _parse(lines: list[str]) -> dict[str, str | tuple[str, ...]] | None:
    """Read the fields; None when a line is not of the kinds understood."""
    fields: dict[str, str | tuple[str, ...]] = {}
    key: str | None = None
    for raw_line in lines:
        line = raw_line.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        item = _ITEM.fullmatch(line)
        pair = _PAIR.fullmatch(line)
        if item is not None and key is not None:
            before = fields[key]
            items = before if isinstance(before, tuple) else ((before,) if before else ())
            fields[key] = (*items, _plain(item[1]))
        elif line[0] in " \t" and key is not None:
            before = fields[key]
            if isinstance(before, str):
                fields[key] = f"{before} {_plain(line)}".strip()
        elif pair is not None and line[0] not in " \t":
            key = pair[1].strip().lower()
            fields[key] = _value(pair[2] or "")
        else:
            return None
    return fields


def _value(raw: str) -> str | tuple[str, ...]:
    raw = raw.strip()
    if raw in (">", "|", ">-", "|-"):
        return ""
    if raw.startswith("[") and raw.endswith("]"):
        return tuple(_plain(part) for part in raw[1:-1].split(",") if part.strip())
    return _plain(raw)


def _plain(raw: str) -> str:
    raw = raw.strip()
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\(.)", r"\1", raw[1:-1])
    if len(raw) >= 2 and raw[0] == raw[-1] == "'":
        return raw[1:-1].replace("''", "'")
    return re.split(r"\s#", raw, maxsplit=1)[0].rstrip()
