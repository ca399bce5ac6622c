"""Which documents are trained on and which are kept to judge by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from qa_service.text.sentences import split_sentences
from training.adapter.documents import Document, Kind, Part, Unit

# Real questions and their answers: what comes nearest to what the product is for.
KEPT_FOR_VALIDATION = frozenset({"debian-faq"})
# A shorter sentence is a phrase that any manual may hold.
_TELLING_FROM = 40


def part_of(document: Document, validation_share: float) -> Part:
    """Return the part of a document: the same for all its languages.

    It follows from the names alone, so it stays when sources are added. Documents whose names are
    the same up to a `#` stay together.
    """
    if document.source in KEPT_FOR_VALIDATION:
        return Part.VALIDATION
    group = f"{document.source}/{document.name.split('#', 1)[0]}"
    digest = hashlib.blake2b(group.encode(), digest_size=8)
    place = int.from_bytes(digest.digest(), "big") / 2**64
    return Part.VALIDATION if place < validation_share else Part.TRAIN


def divide(
    documents: Iterable[Document], pivot: str, validation_share: float
) -> Iterator[tuple[Document, Part]]:
    """Yield all documents with their parts, those for validation first.

    A paragraph that shares a sentence with one for validation, as manuals of one program do, is
    left out of what is trained on.
    """
    parted = [(document, part_of(document, validation_share)) for document in documents]
    judged: set[str] = set()
    for document, part in parted:
        if part is Part.VALIDATION:
            for unit in document.units:
                judged.update(_telling_sentences(unit, pivot))
            yield document, part
    for document, part in parted:
        if part is Part.VALIDATION:
            continue
        units = tuple(
            unit for unit in document.units if judged.isdisjoint(_telling_sentences(unit, pivot))
        )
        if any(unit.kind is Kind.TEXT for unit in units):
            yield Document(document.source, document.name, units), part


def _telling_sentences(unit: Unit, pivot: str) -> set[str]:
    text = unit.texts.get(pivot, "")
    if unit.kind is not Kind.TEXT or len(text) < _TELLING_FROM:
        return set()
    sentences = {text[span.start : span.end].casefold() for span in split_sentences(text, pivot)}
    return {sentence for sentence in sentences if len(sentence) >= _TELLING_FROM}
