"""Which documents are trained on, which are kept to judge by, and languages never trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import IntEnum

from training.reader.records import Record

NO_DOCUMENT = frozenset({"", "Filtered_Reddit_Comments"})
"""Names that a source gives to all it has."""


class Part(IntEnum):
    """What a question is for."""

    TRAIN = 0
    VALIDATION = 1
    HELD_OUT = 2


def document_key(record: Record) -> str:
    """Return what questions about one article share, in all sources and languages alike.

    Where no document is named, a passage is a document of its own.
    """
    if record.document in NO_DOCUMENT:
        return record.passage
    # "8987255#178" is a passage of article 8987255, "Beyonc%C3%A9" and "beyoncé" may differ.
    name = record.document.split("#", 1)[0].replace("_", " ").strip().casefold()
    # Numbers name articles of one source only, and another in each Wikipedia.
    return f"{record.source}/{name}" if name.isdecimal() else name


def part_of(record: Record, validation_share: float, held_out: Collection[str]) -> Part:
    """Return the part of a question: the same for all questions about its article.

    It follows from names alone, so it stays when sources are added. A question is held out if
    either of its languages is.
    """
    if record.asker in held_out or record.language in held_out:
        return Part.HELD_OUT
    digest = hashlib.blake2b(document_key(record).encode(), digest_size=8)
    place = int.from_bytes(digest.digest(), "big") / 2**64
    return Part.VALIDATION if place < validation_share else Part.TRAIN
