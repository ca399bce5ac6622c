"""A text in many languages, aligned unit by unit, and the file that holds thousands of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

INDEX_SUFFIX = ".index.json"


class Kind(StrEnum):
    """What a unit is in its document."""

    TITLE = "title"
    HEADING = "heading"
    TEXT = "text"


class Part(StrEnum):
    """What a document is used for."""

    TRAIN = "train"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Unit:
    """One heading or paragraph. `texts` maps languages to it; some may lack."""

    kind: Kind
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """The units of one page or chapter, in order. `source` and `name` identify it."""

    source: str
    name: str
    units: tuple[Unit, ...]

    def sizes(self) -> dict[str, int]:
        """Return how many paragraphs the document has in each language, headings left out."""
        found: dict[str, int] = {}
        for unit in self.units:
            if unit.kind is Kind.TEXT:
                for language in unit.texts:
                    found[language] = found.get(language, 0) + 1
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a document lies in the corpus file, and what it holds. `sizes` as in `Document`."""

    offset: int
    length: int
    source: str
    part: Part
    sizes: Mapping[str, int]


class CorpusFile:
    """Documents on disk, one JSON object a line, read one at a time."""

    def __init__(self, path: Path) -> None:
        """Open what `write_corpus` wrote."""
        self._path = path
        index = path.with_name(path.name + INDEX_SUFFIX)
        rows = json.loads(index.read_text(encoding="utf-8"))
        self.entries = tuple(
            Entry(offset, length, source, Part(part), sizes)
            for offset, length, source, part, sizes in rows
        )

    def read(self, number: int) -> Document:
        """Return the document of `entries[number]`."""
        entry = self.entries[number]
        with self._path.open("rb") as file:
            file.seek(entry.offset)
            return _parse(file.read(entry.length))


def write_corpus(path: Path, documents: Iterable[tuple[Document, Part]]) -> list[Entry]:
    """Write documents and the index of them, in the place of older ones; returns the index."""
    entries: list[Entry] = []
    offset = 0
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        for document, part in documents:
            line = _to_line(document, part)
            file.write(line)
            entries.append(Entry(offset, len(line), document.source, part, document.sizes()))
            offset += len(line)
    rows = [
        [entry.offset, entry.length, entry.source, entry.part.value, entry.sizes]
        for entry in entries
    ]
    index = path.with_name(path.name + INDEX_SUFFIX)
    index.write_text(json.dumps(rows, separators=(",", ":")), encoding="utf-8")
    partial.replace(path)
    return entries


def _to_line(document: Document, part: Part) -> bytes:
    content = {
        "source": document.source,
        "name": document.name,
        "part": part.value,
        "units": [[unit.kind.value, dict(unit.texts)] for unit in document.units],
    }
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _parse(line: bytes) -> Document:
    content = json.loads(line)
    units = tuple(Unit(Kind(kind), texts) for kind, texts in content["units"])
    return Document(content["source"], content["name"], units)
