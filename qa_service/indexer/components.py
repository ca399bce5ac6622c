"""What the indexer works with; each part knows nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.file_articles import FileArticles
from qa_service.corpus.reading_process import OnShare
from qa_service.encoder.protocol import Encoder
from qa_service.indexes.protocols import TokenCodec
from qa_service.store import Recipe
from qa_service.types import Article, Passage

Chunker = Callable[[Article], Iterable[Passage]]
"""Cuts an article into passages, in order."""


class Loader(Protocol):
    """Reads files; called from one thread, which is not that of the run."""

    def read(
        self,
        file: SourceFile,
        repeated: Set[str],
        on_share: OnShare | None = None,
    ) -> FileArticles:
        """Return a file's articles without the lines that repeat across the corpus.

        `on_share` is told on the way what share of the file is read, from 0 to 1.

        Raises:
            UnreadableFileError: no article can be had from it; says why.
        """
        ...


class Analyzer(Protocol):
    """Turns text into the terms of the lexical index."""

    def terms(self, text: str, language: str) -> Sequence[str]:
        """Return the terms of a text, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Components:
    """The parts of an ingest pipeline.

    `recipe` names whatever changes what they make, and what the indexer and the store's centring
    learn from it.
    """

    loader: Loader
    chunker: Chunker
    encoder: Encoder
    codec: TokenCodec
    analyzer: Analyzer
    recipe: Recipe
