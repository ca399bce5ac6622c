"""Reads a generation through and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from qa_service.store.disk import sha256_of
from qa_service.store.generation import Generation
from qa_service.types import Progress, Stage


def verify(
    generation: Generation, on_progress: Callable[[Progress], None] | None = None
) -> tuple[str, ...]:
    """Check every checksum, every offset and that all parts hold the same passages.

    Returns:
        one line per problem, for a person to read; none when all is well.

    Raises:
        IndexCorruptError: the database cannot be read at all.
    """
    problems: list[str] = []
    files = generation.manifest.files
    for done, (name, record) in enumerate(files.items(), start=1):
        try:
            found = sha256_of(generation.folder / name)
        except OSError as error:
            problems.append(f"{name}: cannot be read ({error.strerror})")
        else:
            if found != record.sha256:
                problems.append(f"{name}: its content has changed since it was written")
        if on_progress is not None:
            on_progress(Progress(Stage.VERIFYING, done, len(files)))
    problems.extend(generation.problems())
    return tuple(problems)
