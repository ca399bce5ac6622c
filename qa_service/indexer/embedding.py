"""Fills a generation's indexes with new passages, embedding only what was never embedded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.base import TokenVectors
from qa_service.indexer.parts import Parts
from qa_service.indexes.raw_vectors import vector_rows
from qa_service.indexes.tokens import TokenCodec, token_rows
from qa_service.store import Embedding, Generation, GenerationWriter, Journal, PendingPassage
from qa_service.types import Progress, Stage

# Enough for the encoder to sort by length; a few dozen megabytes of token vectors.
BATCH = 256
# Word pieces that tell less than this, in nats, are found everywhere: one in four, punctuation and
# the commonest words. Leaving them out costs no answer and saves a quarter of the token store.
LEAST_TELLING = 8.5


class Embedder:
    """Embeds passages, or takes their embeddings from where they were stored before.

    Looked for by hash: first in the journal of a run that did not finish, then in `sources`, the
    generations that are there, newest first.
    """

    def __init__(self, parts: Parts, journal: Journal, sources: Sequence[Generation]) -> None:
        self._parts = parts
        self._journal = journal
        self._sources = sources
        self.embedded = 0

    def fill(self, writer: GenerationWriter, on_progress: Callable[[Progress], None]) -> None:
        """Append every added passage to the vectors, tokens and terms of a generation."""
        added = writer.change.added
        done = 0
        on_progress(Progress(Stage.EMBEDDING, done, len(added)))
        for batch in writer.articles.pending(added, BATCH):
            writer.step("embed")
            embeddings = self._embeddings_of(batch)
            writer.step("append")
            for passage in batch:
                embedding = embeddings[passage.embedding_hash]
                writer.vectors.append(passage.key, embedding.vector)
                writer.tokens.append(passage.key, embedding.tokens)
                # The title is part of what a passage is about, as it is for the encoder.
                text = f"{passage.title}\n{passage.text}"
                writer.lexical.add(passage.key, self._parts.analyzer.terms(text, passage.language))
            done += len(batch)
            on_progress(Progress(Stage.EMBEDDING, done, len(added)))

    def _embeddings_of(self, batch: Sequence[PendingPassage]) -> dict[bytes, Embedding]:
        wanted = {passage.embedding_hash: passage for passage in batch}
        found = self._journal.find(list(wanted))
        for source in self._sources:
            missing = [known for known in wanted if known not in found]
            if not missing:
                break
            found.update(source.find_embeddings(missing))
        new = [passage for known, passage in wanted.items() if known not in found]
        if new:
            made = self._embed(new)
            self._journal.add(made)
            self.embedded += len(made)
            found.update(made)
        return found

    def _embed(self, passages: Sequence[PendingPassage]) -> dict[bytes, Embedding]:
        encoded = self._parts.encoder.encode_document(
            [passage.text for passage in passages], [passage.title for passage in passages]
        )
        vectors = vector_rows(encoded.vectors)
        return {
            passage.embedding_hash: Embedding(
                vector=vectors[row : row + 1],
                tokens=_rows_of(tokens, encoded.vectors[row], self._parts.codec),
            )
            for row, (passage, tokens) in enumerate(zip(passages, encoded.tokens, strict=True))
        }


def _rows_of(
    tokens: TokenVectors, passage: NDArray[np.float32], codec: TokenCodec
) -> NDArray[np.uint8]:
    kept = tokens.telling(LEAST_TELLING)
    return token_rows(kept.vectors, kept.spans, passage, codec)
