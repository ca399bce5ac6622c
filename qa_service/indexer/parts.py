"""What the indexer works with; each part knows nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.corpus.discovery import Discovery, SourceFile
from qa_service.encoder.base import Encoder
from qa_service.indexes.tokens import TokenCodec
from qa_service.store import Generation, Recipe
from qa_service.types import Article, DroppedText, Passage

Chunker = Callable[[Article], tuple[Passage, ...]]
"""Cuts an article into passages, in order."""

Calibrate = Callable[[Generation], Mapping[str, NDArray[np.generic]]]
"""Learns from a generation that is about to go into service; what it returns is stored in it."""


@dataclass(frozen=True, slots=True)
class ReadArticles:
    """What one file holds. `warnings` say what was amiss in it, for a person to read."""

    articles: tuple[Article, ...]
    dropped: tuple[DroppedText, ...] = ()
    warnings: tuple[str, ...] = ()


class Corpus(Protocol):
    """Finds and reads files."""

    def discover(self, paths: Sequence[Path], *, allow_empty: bool) -> Discovery:
        """Find the files that hold articles. CorpusError when a path does not exist."""
        ...

    def read(self, file: SourceFile) -> ReadArticles:
        """Return a file's articles. UnreadableFileError, with the reason."""
        ...


class Analyzer(Protocol):
    """Turns text into the terms of the lexical index."""

    def terms(self, text: str, language: str) -> Sequence[str]:
        """Return the terms of a text, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an ingest pipeline.

    `chunker_version` and `analyzer_version` name whatever changes what those two return.
    """

    corpus: Corpus
    chunker: Chunker
    chunker_version: str
    encoder: Encoder
    codec: TokenCodec
    analyzer: Analyzer
    analyzer_version: str
    calibrate: Calibrate | None = None
    threads: int = field(default=0)

    @property
    def recipe(self) -> Recipe:
        """What shapes an index made with these parts."""
        return Recipe(
            model=self.encoder.fingerprint,
            dimension=self.encoder.dimension,
            codec=self.codec.fingerprint,
            code_size=self.codec.code_size,
            analyzer=self.analyzer_version,
            chunker=self.chunker_version,
        )
