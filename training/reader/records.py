"""Questions with their passages and answers, as the folder of data holds them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".jsonl.gz"
README = "README.md"
_TABLE_ROW = re.compile(r"^\| (?P<name>[\w.-]+) \|.*\| (?P<licence>[^|]+) \| (?P<origin>[^|]+) \|$")
_TABLE_HEAD = "set"


@dataclass(frozen=True, slots=True)
class Answer:
    """Half-open offsets in code points of the passage."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Record:
    """A question in the `asker`'s language beside a passage in another or the same.

    `answers` is empty where the passage does not answer. `document` is what passages of one
    article share.
    """

    source: str
    asker: str
    language: str
    question: str
    passage: str
    answers: tuple[Answer, ...]
    document: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Where a source comes from and what it may be used for."""

    licence: str
    origin: str


def read_records(folder: Path, sources: Iterable[str] = ()) -> Iterator[Record]:
    """Yield all records of a folder, file by file in the order of names.

    Args:
        folder: holds `<name>.<language>.jsonl.gz`.
        sources: names to take; all where there are none.

    Raises:
        ValueError: a line is no record, or an answer does not stand where it says.
    """
    chosen = frozenset(sources)
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        raise ValueError(f"{folder} holds no file *{SUFFIX}; name the folder of questions")
    for path in paths:
        name = path.name.removesuffix(SUFFIX).rpartition(".")[0]
        if chosen and name not in chosen:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield _record(line, f"{path.name}, line {number}")


def _record(line: str, where: str) -> Record:
    try:
        content = json.loads(line)
        asker, _, language = content["lang"].partition("-")
        passage = content["context"]
        answers = []
        for answer in content["answers"]:
            start, text = answer["start"], answer["text"]
            if not text or passage[start : start + len(text)] != text:
                raise ValueError(f"{text!r} does not stand at {start}")
            answers.append(Answer(start, start + len(text)))
        return Record(
            source=content["source"],
            asker=asker,
            language=language or asker,
            question=content["q"],
            passage=passage,
            answers=tuple(answers),
            document=content["doc"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where} is no record: {error}") from error


def read_terms(folder: Path) -> dict[str, Terms]:
    """Return licence and origin of each source as the folder's README tells them."""
    path = folder / README
    if not path.exists():
        return {}
    rows = map(_TABLE_ROW.match, path.read_text("utf-8").splitlines())
    return {
        row["name"]: Terms(row["licence"].strip(), row["origin"].strip())
        for row in rows
        if row is not None and row["name"] != _TABLE_HEAD
    }
