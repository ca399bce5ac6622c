"""A reader for all corpus tests, and a way to write a file and read it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus_files import ReadBytes, source_file

from qa_service.corpus.reading import ArticleLoader, FileArticles


@pytest.fixture(scope="session")
def file_reader() -> Iterator[ArticleLoader]:
    """One reader, and so one child process, for all tests."""
    with ArticleLoader() as opened:
        yield opened


@pytest.fixture
def read_bytes(tmp_path: Path, file_reader: ArticleLoader) -> ReadBytes:
    """Write bytes to a file of the given name and read its articles."""

    def read(name: str, content: bytes) -> FileArticles:
        path = tmp_path / name
        path.write_bytes(content)
        return file_reader.read(source_file(path))

    return read
