"""The same page in several languages → one document, unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from training.adapter.documents import Document, Kind, Unit
from training.adapter.markup import Block

Versions = Mapping[str, Sequence[Block]]


def align_by_key(source: str, name: str, versions: Versions, pivot: str) -> Document:
    """Align blocks that have the same id; those of the pivot give the order."""
    keyed = {
        language: {key: block.text for key, block in _with_occurrences(blocks)}
        for language, blocks in versions.items()
    }
    units = []
    for key, block in _with_occurrences(versions[pivot]):
        texts = {language: found[key] for language, found in keyed.items() if key in found}
        units.append(Unit(block.kind, texts))
    return Document(source, name, tuple(units))


def _with_occurrences(blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, int], Block]]:
    """Yield the blocks that have ids; a page that embeds another may have one twice."""
    seen: dict[str, int] = {}
    for block in blocks:
        if block.key:
            seen[block.key] = seen.get(block.key, 0) + 1
            yield (block.key, seen[block.key]), block


def align_by_position(source: str, name: str, versions: Versions, pivot: str) -> Document:
    """Align blocks that stand at the same place.

    Translation tools keep the structure, so a version whose tags are those of the pivot, one by
    one, is aligned throughout. Of any other, those sections are aligned whose tags agree, if it has
    as many sections as the pivot; else nothing of it is.
    """
    sections = {language: split_sections(blocks) for language, blocks in versions.items()}
    wanted = sections[pivot]
    units: list[Unit] = []
    for place, section in enumerate(wanted):
        matching = {
            language: found[place]
            for language, found in sections.items()
            if len(found) == len(wanted) and _tags(found[place]) == _tags(section)
        }
        for number, block in enumerate(section):
            texts = {language: found[number].text for language, found in matching.items()}
            units.append(Unit(block.kind, texts))
    return Document(source, name, tuple(units))


def join_sections(source: str, name: str, versions: Versions, pivot: str) -> Document:
    """Align whole sections: each has its heading and one text of all its paragraphs.

    For translations that put paragraphs apart or together; versions with another number of sections
    are left out.
    """
    sections = {language: split_sections(blocks) for language, blocks in versions.items()}
    count = len(sections[pivot])
    kept = {language: found for language, found in sections.items() if len(found) == count}
    units = []
    for place in range(count):
        heads: dict[str, str] = {}
        bodies: dict[str, str] = {}
        kind = Kind.HEADING
        for language, found in kept.items():
            for block in found[place]:
                if block.kind is Kind.TEXT:
                    bodies[language] = f"{bodies.get(language, '')} {block.text}".strip()
                else:
                    heads[language] = block.text
                    kind = block.kind
        if heads:
            units.append(Unit(kind, heads))
        if bodies:
            units.append(Unit(Kind.TEXT, bodies))
    return Document(source, name, tuple(units))


def split_sections(blocks: Sequence[Block]) -> list[list[Block]]:
    """Cut before each heading; the first section has none if the page starts with text."""
    sections: list[list[Block]] = []
    for block in blocks:
        if block.kind is not Kind.TEXT or not sections:
            sections.append([])
        sections[-1].append(block)
    return sections


def _tags(blocks: Sequence[Block]) -> list[str]:
    return [block.tag for block in blocks]
