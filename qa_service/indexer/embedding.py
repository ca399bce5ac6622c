"""Fills a generation's indexes with new passages, embedding only what was never embedded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.protocol import Encoded, TokenVectors
from qa_service.indexer.components import Components
from qa_service.indexes.packing import PackedEmbedding, pack_tokens, pack_vectors
from qa_service.indexes.protocols import TokenCodec
from qa_service.store import Generation, GenerationWriter, Journal, PendingPassage
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

    def __init__(self, parts: Components, journal: Journal, sources: Sequence[Generation]) -> None:
        self._parts = parts
        self._journal = journal
        self._sources = sources
        self.embedded = 0

    def fill(self, writer: GenerationWriter, on_progress: Callable[[Progress], None]) -> None:
        """Append every added passage to the vectors, tokens and terms of a generation.

        While a batch is appended, the model is at work on the next one.
        """
        added = writer.change.added
        done = 0
        on_progress(Progress.counted(Stage.EMBEDDING, done, len(added)))
        with ThreadPoolExecutor(1, "embedding") as model:
            ahead: _Batch | None = None
            for passages in chain(writer.articles.pending(added, BATCH), (None,)):
                current = ahead
                if passages is not None:
                    writer.step("embed")
                    ahead = self._begin(passages, current, model)
                if current is not None:
                    self._append(current, writer)
                    done += len(current.passages)
                    on_progress(Progress.counted(Stage.EMBEDDING, done, len(added)))

    def _begin(
        self,
        passages: Sequence[PendingPassage],
        before: _Batch | None,
        model: ThreadPoolExecutor,
    ) -> _Batch:
        """Find the embeddings that are there, and have the model make the others."""
        wanted = {passage.embedding_hash: passage for passage in passages}
        found = self._journal.find(list(wanted))
        for source in self._sources:
            missing = [known for known in wanted if known not in found]
            if not missing:
                break
            found.update(source.find_embeddings(missing))
        being_made = {passage.embedding_hash for passage in before.new} if before else set()
        new = [
            passage
            for known, passage in wanted.items()
            if known not in found and known not in being_made
        ]
        encoded = (
            model.submit(
                self._parts.encoder.encode_document,
                [passage.text for passage in new],
                [passage.title for passage in new],
            )
            if new
            else None
        )
        return _Batch(passages, found, new, encoded)

    def _append(self, batch: _Batch, writer: GenerationWriter) -> None:
        embeddings = batch.found | self._made(batch)
        # What the batch before was about to make when this one began.
        missing = {passage.embedding_hash for passage in batch.passages} - embeddings.keys()
        embeddings |= self._journal.find(list(missing))
        writer.step("append")
        for passage in batch.passages:
            # The title is part of what a passage is about, as it is for the encoder.
            text = f"{passage.title}\n{passage.text}"
            writer.append(
                passage.key,
                embeddings[passage.embedding_hash],
                self._parts.analyzer.terms(text, passage.language),
            )

    def _made(self, batch: _Batch) -> dict[bytes, PackedEmbedding]:
        """Return the embeddings that the model has made for a batch, kept in the journal."""
        if batch.encoded is None:
            return {}
        encoded = batch.encoded.result()
        vectors = pack_vectors(encoded.vectors)
        made = {
            passage.embedding_hash: PackedEmbedding(
                vector=vectors[row : row + 1],
                tokens=_packed(tokens, encoded.vectors[row], self._parts.codec),
            )
            for row, (passage, tokens) in enumerate(zip(batch.new, encoded.tokens, strict=True))
        }
        self._journal.add(made)
        self.embedded += len(made)
        return made


@dataclass(frozen=True, slots=True)
class _Batch:
    """Passages to append, the embeddings found for them, and those that the model is making."""

    passages: Sequence[PendingPassage]
    found: dict[bytes, PackedEmbedding]
    new: Sequence[PendingPassage]
    encoded: Future[Encoded] | None


def _packed(
    tokens: TokenVectors, passage: NDArray[np.float32], codec: TokenCodec
) -> NDArray[np.uint8]:
    kept = tokens.telling(LEAST_TELLING)
    return pack_tokens(kept.vectors, kept.spans, passage, codec)
