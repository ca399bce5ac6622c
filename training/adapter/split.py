"""Which documents are trained on and which are kept to judge by."""

from __future__ import annotations

import hashlib

from training.adapter.documents import Document, Part


def part_of(document: Document, validation_share: float) -> Part:
    """Return the part of a document: all its languages are in the same.

    It follows from the document's name alone, so it stays when sources are added, and from the
    folder of the name as far as there is one, for pages of one folder tell much the same.
    """
    digest = hashlib.blake2b(f"{document.source}/{group_of(document)}".encode(), digest_size=8)
    place = int.from_bytes(digest.digest(), "big") / 2**64
    return Part.VALIDATION if place < validation_share else Part.TRAIN


def group_of(document: Document) -> str:
    """Return what must not be divided: the name up to a `#`."""
    return document.name.split("#", 1)[0]
