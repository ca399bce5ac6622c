"""Reads a generation through and says what is wrong with it."""

from __future__ import annotations

from qa_service.store.disk import sha256_of
from qa_service.store.generation import Generation


def verify(generation: Generation) -> tuple[str, ...]:
    """Check every checksum, every offset and that all parts hold the same passages.

    Returns:
        one line per problem, for a person to read; none when all is well.

    Raises:
        IndexCorruptError: the database cannot be read at all.
    """
    problems: list[str] = []
    for name, record in generation.manifest.files.items():
        try:
            found = sha256_of(generation.folder / name)
        except OSError as error:
            problems.append(f"{name}: cannot be read ({error.strerror})")
        else:
            if found != record.sha256:
                problems.append(f"{name}: its content has changed since it was written")
    problems.extend(generation.problems())
    return tuple(problems)
