"""JSON Lines files: one article per line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from qa_service.corpus.article_fields import FieldNames, draft_from_fields
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.decoding import decode
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import open_regular
from qa_service.errors import UnreadableFileError

MAX_BYTES = MAX_FILE_BYTES[".jsonl"]
MAX_LINE_BYTES = 16 * 2**20

_NAMES = FieldNames()
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_EXPECTED = 'one JSON object per line, with at least {"text": "…"}'


class _BadLineError(Exception):
    """A line that holds no article; the message says why."""


def read_json_lines(path: Path) -> Drafts:
    """Read a JSON Lines file; a line that is no article is reported and the rest goes on.

    Raises:
        UnreadableFileError: no line holds an article.
    """
    drafts: list[Draft] = []
    warnings: list[str] = []
    with open_regular(path, MAX_BYTES) as stream:
        for number, line in enumerate(_lines(stream), start=1):
            if not line.strip():
                continue
            try:
                drafts.append(_draft(line, number))
            except _BadLineError as error:
                warnings.append(f"line {number}: {error}")
    if not drafts:
        first = warnings[0] if warnings else "it holds blank lines only"
        raise UnreadableFileError(f"no line holds an article ({first}). Expected {_EXPECTED}.")
    return Drafts(tuple(drafts), tuple(warnings))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines as UTF-8; one that is over-long comes cut, just past the limit."""
    head = stream.read(4)
    stream.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        yield from decode(stream.read()).text.encode("utf-8", "replace").split(b"\n")
        return
    if head.startswith(b"\xef\xbb\xbf"):
        stream.seek(3)
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)


def _draft(line: bytes, number: int) -> Draft:
    if len(line) > MAX_LINE_BYTES:
        raise _BadLineError(f"longer than {MAX_LINE_BYTES // 2**20} MB")
    value = _parse(line)
    if not isinstance(value, dict):
        raise _BadLineError(f"{_kind(value)}; expected {_EXPECTED}")
    text = value.pop("text", None)
    if text is None:
        found = ", ".join(sorted(value)[:8]) or "none"
        raise _BadLineError(f'field "text" is missing (fields: {found})')
    if not isinstance(text, str):
        raise _BadLineError(f'field "text" is {_kind(text)}; expected a string')
    if "\0" in text:
        raise _BadLineError('field "text" holds NUL characters')
    if not text.strip():
        raise _BadLineError('field "text" is empty')
    return draft_from_fields(text, value, _NAMES, line=number)


def _parse(line: bytes) -> object:
    try:
        return _writable(json.loads(_utf_8(line), parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise _BadLineError("nested too deeply") from error
    except ValueError as error:  # such as a number with too many digits
        raise _BadLineError(f"not JSON: {error}") from error


def _utf_8(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return decode(line).text
    except UnreadableFileError as error:
        raise _BadLineError(f"not text: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _writable(value: object) -> object:
    """Return the value with half surrogate pairs, which nothing can write down, replaced."""
    if isinstance(value, str):
        return _HALF_PAIR.sub("\ufffd", value)
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {str(_writable(name)): _writable(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):  # 1e999
        return None
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
