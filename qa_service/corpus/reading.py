"""A file becomes articles: parsed by its format, cleaned, described, in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from qa_service.corpus.bounds import SUPPORTED_SUFFIXES
from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.file_articles import FileArticles
from qa_service.corpus.reading_process import FileToRead, OnShare, ReadingProcess, TimeLimit
from qa_service.errors import UnreadableFileError

__all__ = ["Allowance", "ArticleLoader", "FileArticles", "OnShare", "read_file"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long reading a file of some format may take; ten times what a slow processor takes."""

    seconds: float
    per_megabyte_s: float = 0.0
    per_article_s: float = 0.0

    def limit(self, size: int) -> TimeLimit:
        """Return the limit for a file of so many bytes."""
        seconds = round(self.seconds + self.per_megabyte_s * size / 2**20, 1)
        return TimeLimit(seconds, self.per_article_s)


# PDFs and Office documents hold anything from pictures to packed text: their size says little.
ALLOWANCES: Mapping[str, Allowance] = {
    ".csv": Allowance(30.0, 10.0, 0.02),
    ".docx": Allowance(60.0),
    ".htm": Allowance(30.0, 10.0),
    ".html": Allowance(30.0, 10.0),
    ".jsonl": Allowance(30.0, 10.0, 0.02),
    ".md": Allowance(30.0, 10.0),
    ".pdf": Allowance(180.0),
    ".txt": Allowance(30.0, 10.0),
}


class ArticleLoader:
    """Turns files into articles, and keeps what that takes ready from one file to the next.

    Files are read in a child process that is started for the first of them and kept; use the
    reader as a context manager, or close it, to end the child. Safe to use from several threads.
    """

    def __init__(self, allowances: Mapping[str, Allowance] = ALLOWANCES) -> None:
        """Take how long files of each format may take."""
        self._process = ReadingProcess()
        self._allowances = allowances

    def read(
        self,
        file: SourceFile,
        repeated: Set[str] = frozenset(),
        on_share: OnShare | None = None,
    ) -> FileArticles:
        """Read a file.

        The same bytes always give the same articles.

        Args:
            file: as found by `discover`.
            repeated: lines that repeat across the corpus and are dropped (see `repetition`).
            on_share: told after each article what share of the file is read, from 0 to 1.

        Raises:
            UnreadableFileError: no article can be had from the file; names it, and says why.
        """
        suffix = file.path.suffix.lower()
        if suffix not in self._allowances:
            raise UnreadableFileError(
                f"{file.path}: unsupported format ({suffix or 'no suffix'}). "
                f"Articles are read from {' '.join(SUPPORTED_SUFFIXES)}."
            )
        try:
            return self._process.read(
                FileToRead(suffix, file.path, file.id),
                limit=self._allowances[suffix].limit(file.size),
                repeated=repeated,
                on_share=on_share,
            )
        except UnreadableFileError as error:
            raise type(error)(f"{file.path}: {error}") from error

    def close(self) -> None:
        """End the child process, if there is one."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_file(file: SourceFile, repeated: Set[str] = frozenset()) -> FileArticles:
    """Read one file; for many, a `ArticleLoader` saves starting a child process for each.

    Raises:
        UnreadableFileError: no article can be had from the file; names it, and says why.
    """
    with ArticleLoader() as reader:
        return reader.read(file, repeated)
