"""Reads a generation through and says what is wrong with it."""

from __future__ import annotations

from qa_service.store.generation import Generation
from qa_service.store.soundness import changed_files


def verify(generation: Generation) -> tuple[str, ...]:
    """Check every checksum, every offset and that all parts hold the same passages.

    Returns:
        one line per problem, for a person to read; none when all is well.

    Raises:
        IndexCorruptError: the database cannot be read at all.
    """
    problems = [*changed_files(generation.folder, generation.manifest), *generation.problems()]
    return tuple(problems)
