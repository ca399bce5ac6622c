"""XLM-R's text normalisation, in the binary form that SentencePiece and tokenizers read.

The form is the size of a trie, the trie as a double array over UTF-8 bytes (Aoe, 1989, as laid out
by the Darts-clone library), and the replacements, each ended by NUL. A node at position p whose
unit holds the offset o has its child for byte c at p ^ o ^ c, and its own value, if it ends a key,
at p ^ o.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from unicodedata import ucd_3_2_0 as unicode_3_2

_HAS_VALUE = 1 << 8
_IS_VALUE = 1 << 31
_OFFSET_SHIFT = 10
# Where the array has holes too small to be filled, the search for room gives them up.
_MAX_MISSES = 64


@dataclass(slots=True)
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    value: int | None = None


def build_charsmap(normalisations: Mapping[str, str]) -> bytes:
    """Return the normalisation that replaces each key, longest first, by its value.

    To the single characters given are added the sequences that stand for one character, such as a
    letter and its accent, so that both ways to write it come out alike.
    """
    replacements = dict(_sequences(normalisations)) | dict(normalisations)
    root = _Node()
    texts = bytearray()
    place_of: dict[str, int] = {}
    for key in sorted(replacements):
        value = replacements[key]
        if value not in place_of:
            place_of[value] = len(texts)
            texts += value.encode() + b"\0"
        node = root
        for byte in key.encode():
            node = node.children.setdefault(byte, _Node())
        node.value = place_of[value]
    units = _DoubleArray().lay_out(root)
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + bytes(texts)


def _sequences(normalisations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what fully decomposed characters become: the same as the composed ones.

    By a fixed version of Unicode, so that every Python writes the same tokenizer.
    """
    for code_point in range(0xA0, sys.maxunicode + 1):
        character = chr(code_point)
        decomposed = unicode_3_2.normalize("NFD", character)
        # Some characters are never composed again, so they have no second way to be written.
        if len(decomposed) > 1 and unicode_3_2.normalize("NFC", decomposed) == character:
            yield decomposed, normalisations.get(character, character)


class _DoubleArray:
    """Lays a trie out so that every node's children fall on free places."""

    def __init__(self) -> None:
        self._units = [0]
        self._is_used = bytearray(b"\1")
        # Readers take a root that leads to place 0, where it is itself, for damage.
        self._bases = {0}
        self._floor = 1

    def lay_out(self, root: _Node) -> list[int]:
        """Return the units, to a multiple of 256 as readers expect."""
        waiting = [(root, 0)]
        while waiting:
            node, position = waiting.pop()
            labels = sorted(node.children)
            if node.value is not None:
                labels.insert(0, 0)
            base = self._find_base(labels)
            self._bases.add(base)
            self._units[position] |= (position ^ base) << _OFFSET_SHIFT
            if node.value is not None:
                self._units[position] |= _HAS_VALUE
                self._take(base, node.value | _IS_VALUE)
            for label, child in sorted(node.children.items()):
                self._take(base ^ label, label)
                waiting.append((child, base ^ label))
        self._grow(-len(self._units) % 256)
        return self._units

    def _find_base(self, labels: list[int]) -> int:
        """Return a base that no other node has and from which every label finds a free place."""
        while self._floor < len(self._is_used) and self._is_used[self._floor]:
            self._floor += 1
        place, misses = self._floor, 0
        while True:
            if place + 256 > len(self._units):
                self._grow(256)
            base = place ^ labels[0]
            if base not in self._bases and not any(self._is_used[base ^ c] for c in labels):
                break
            place += 1
            misses += 1
        if misses > _MAX_MISSES:
            self._floor = place
        return base

    def _take(self, place: int, unit: int) -> None:
        self._units[place] = unit
        self._is_used[place] = 1

    def _grow(self, count: int) -> None:
        self._units.extend([0] * count)
        self._is_used.extend(bytes(count))
