"""What the corpus tests share in types and helpers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.reading import FileArticles

ReadBytes = Callable[[str, bytes], FileArticles]


def source_file(path: Path) -> SourceFile:
    """Describe a file the way `discover` does."""
    status = path.stat()
    return SourceFile(path, path.name, path.parent, status.st_size, status.st_mtime_ns)
