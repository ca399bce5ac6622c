"""BM25 over terms that are analysed elsewhere, on tantivy.

The folder holds segments that are never changed once written (`<id>.term`, `.idx`, `.pos`,
`.store`, `.fast`, `.fieldnorm`, and `<id>.<n>.del` for deletions), two lists that are replaced by
renaming a new file over them (`meta.json`, `.managed.json`), and two empty lock files. So a folder
whose files are hard links to another's can be opened and changed without touching the other.

What is in force is what `meta.json` names: a writer that dies leaves the last commit in force, and
files that the next writer removes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray

from qa_service.errors import IndexBusyError, IndexCorruptError, IndexWriteError
from qa_service.indexes.protocols import Candidates

K1 = 1.2
"""BM25's saturation, fixed in tantivy: a term scores less than its `idf` times 1 + K1."""

_KEY = "key"
_TERMS = "terms"
# One thread keeps the order of documents, and so of files, the same from run to run.
_WRITER_THREADS = 1
# What is added goes into a segment of its own whenever this is full: with the terms of some hundred
# thousand passages. Every term of a question is looked up in every segment, so few are searched
# faster than many.
_WRITER_HEAP_BYTES = 192_000_000
# Up to here it is faster to look only among the allowed than to leave out the others.
_MAX_KEYS_IN_QUERY = 20_000
_EXTRA_HITS = 16
_SCORE_DECIMALS = 3


class TantivyIndex:
    """A stored lexical index. Searches may run in many threads; one at a time may change it."""

    def __init__(self, path: Path, index: tantivy.Index) -> None:
        self._path = path
        self._index = index
        # Without a watcher: a stored index changes only through `commit`.
        index.config_reader("manual")
        self._schema = index.schema
        self._searcher = index.searcher()
        self._writer: tantivy.IndexWriter | None = None

    @classmethod
    def create(cls, path: Path) -> TantivyIndex:
        """Start an empty index in a folder that does not exist yet.

        Raises:
            IndexWriteError: the folder exists or cannot be written.
        """
        schema = (
            tantivy.SchemaBuilder()
            .add_integer_field(_KEY, indexed=True, fast=True)
            # Splits at ASCII white space and changes nothing.
            .add_text_field(_TERMS, tokenizer_name="whitespace", index_option="freq")
            .build()
        )
        try:
            path.mkdir()
            index = tantivy.Index(schema, str(path), reuse=False)
            return cls(path, index)
        except (OSError, ValueError) as error:
            raise IndexWriteError(
                f"A lexical index cannot be made at {path}: {error}. Make its parent folder "
                "writable and remove what is there."
            ) from error

    @classmethod
    def open(cls, path: Path) -> TantivyIndex:
        """Open a stored index as of its last commit.

        Raises:
            IndexCorruptError: it is missing or cannot be read.
            IndexWriteError: the folder is read-only; a lock file is kept in it while opening.
        """
        try:
            return cls(path, tantivy.Index.open(str(path)))
        except (OSError, ValueError) as error:
            if "Lockfile" in str(error):
                raise IndexWriteError(
                    f"The lexical index {path} cannot be locked for reading: {error}. "
                    "Make the folder writable, or copy the index to one that is."
                ) from error
            raise IndexCorruptError(
                f"The lexical index {path} cannot be read: {error}. Run: qa-service index, "
                "which makes it anew, or qa-service rollback"
            ) from error

    def __len__(self) -> int:
        return self._searcher.num_docs

    def add(self, key: int, terms: Sequence[str]) -> None:
        """Add a passage whose key is not in use; found by searches after `commit`.

        A term counts as often as it is given. Terms hold no white space and are not empty.

        Raises:
            ValueError: a term is empty or holds white space.
            IndexBusyError: another writer has the index open.
            IndexWriteError: the disk is full or the folder is read-only.
        """
        joined = " ".join(terms)
        if len(joined.split()) != len(terms):
            wrong = next(term for term in terms if len(term.split()) != 1)
            raise ValueError(f"term {wrong!r} of passage {key}: must be one word")
        document = tantivy.Document()
        document.add_integer(_KEY, key)
        document.add_text(_TERMS, joined)
        try:
            self._open_writer().add_document(document)
        except (OSError, ValueError) as error:
            raise self._write_error(error) from error

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Remove passages, from the next `commit` on; unknown keys are ignored.

        What they held still counts in document frequencies until their segment is merged.
        """
        try:
            for key in keys.tolist():
                self._open_writer().delete_documents_by_term(_KEY, key)
        except (OSError, ValueError) as error:
            raise self._write_error(error) from error

    def commit(self) -> None:
        """Put all changes in force and on disk, wait for merges, and let go of the files."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
        except (OSError, ValueError) as error:
            raise self._write_error(error) from error
        self._searcher = self._index.searcher()

    def abandon(self) -> None:
        """Drop all changes since the last commit, and let go of the files."""
        # Dropping the writer waits for its threads, which write files until then.
        self._writer = None

    def search(
        self,
        terms: Sequence[str],
        top_k: int,
        allowed: NDArray[np.int64] | None = None,
        weights: Sequence[float] | None = None,
    ) -> Candidates:
        """Return at most `top_k` of the passages in `allowed` that hold any of the terms.

        Scores are BM25, rounded to three decimals, so that the order of equal passages does not
        depend on how they are spread over segments. A term given twice counts once, with its last
        weight; a term of weight 0 or less is left out.
        """
        searcher = self._searcher
        top_k = min(top_k, searcher.num_docs)
        weighted = _weigh(terms, weights)
        if not weighted or top_k <= 0 or (allowed is not None and not len(allowed)):
            return _no_candidates()
        query = self._query(weighted)
        if allowed is not None and len(allowed) <= _MAX_KEYS_IN_QUERY:
            query, allowed = self._among(query, allowed), None
        limit = top_k + _EXTRA_HITS
        while True:
            hits = searcher.search(query, limit, count=False).hits
            addresses = [address for _, address in hits]
            keys = np.array(searcher.fast_field_values(_KEY, addresses), dtype=np.int64)
            scores = np.array([score for score, _ in hits], dtype=np.float64).round(_SCORE_DECIMALS)
            worst = scores[-1] if len(hits) == limit else -np.inf
            if allowed is not None:
                is_allowed = np.isin(keys, allowed, assume_unique=True)
                keys, scores = keys[is_allowed], scores[is_allowed]
            # tantivy breaks ties by place: whatever ties with the last one kept must be seen.
            is_complete = worst == -np.inf or (len(keys) >= top_k and scores[top_k - 1] > worst)
            if is_complete:
                order = np.lexsort((keys, -scores))[:top_k]
                return Candidates(keys=keys[order], scores=scores[order].astype(np.float32))
            limit = min(limit * 4, searcher.num_docs + 1)

    def document_frequency(self, term: str) -> int:
        """Count the passages that hold a term."""
        return self._searcher.doc_freq(_TERMS, term)

    def idf(self, term: str) -> float:
        """Return what a term is worth: the rarer the more; 0 for a term that no passage holds.

        No passage scores more for a question than (1 + K1) times the sum over its terms.
        """
        frequency = self.document_frequency(term)
        if frequency == 0:
            return 0.0
        count = max(self._searcher.num_docs, frequency)
        return math.log(1 + (count - frequency + 0.5) / (frequency + 0.5))

    def attainable_score(
        self, terms: Sequence[str], weights: Sequence[float] | None = None
    ) -> float:
        """Return what no passage can exceed: the score of one that holds every term, ever so often.

        A term that no passage holds counts like the rarest: nobody can answer that part.
        """
        count = self._searcher.num_docs
        rarest = math.log(1 + (count + 0.5) / 0.5)
        weighted = _weigh(terms, weights)
        return (1 + K1) * sum(
            weight * (self.idf(term) or rarest) for term, weight in weighted.items()
        )

    def _query(self, weighted: Mapping[str, float]) -> tantivy.Query:
        """Build the disjunction directly: no character of a term is read as syntax."""
        clauses = []
        for term, weight in weighted.items():
            query = tantivy.Query.term_query(self._schema, _TERMS, term, "freq")
            if weight != 1.0:
                query = tantivy.Query.boost_query(query, weight)
            clauses.append((tantivy.Occur.Should, query))
        return tantivy.Query.boolean_query(clauses)

    def _among(self, query: tantivy.Query, allowed: NDArray[np.int64]) -> tantivy.Query:
        """Restrict a query to some keys, without a change of scores."""
        keys = tantivy.Query.term_set_query(self._schema, _KEY, allowed.tolist())
        silent = tantivy.Query.const_score_query(keys, 0.0)
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, silent), (tantivy.Occur.Must, query)]
        )

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_WRITER_HEAP_BYTES, _WRITER_THREADS)
        return self._writer

    def _write_error(self, error: OSError | ValueError) -> IndexBusyError | IndexWriteError:
        if "LockBusy" in str(error):
            return IndexBusyError(
                f"Another process is writing {self._path}. Wait until it is done and try again."
            )
        return IndexWriteError(
            f"The lexical index {self._path} cannot be written: {error}. "
            "Free space on the disk, or make the folder writable, and run the command again."
        )


def _weigh(terms: Sequence[str], weights: Sequence[float] | None) -> dict[str, float]:
    """Pair each distinct term with its weight."""
    if weights is None:
        return dict.fromkeys(terms, 1.0)
    paired = zip(terms, weights, strict=True)
    return {term: weight for term, weight in paired if weight > 0}


def _no_candidates() -> Candidates:
    return Candidates(keys=np.empty(0, dtype=np.int64), scores=np.empty(0, dtype=np.float32))
