"""Passages and questions that share telling words with a question: BM25 over token ids.

Tokens of the model are words of any language and script; no other analysis is needed to find
texts on the same subject.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_K1, _B = 1.2, 0.75
# What more texts have than this tells little, and costs most.
_MOST_SHARE, _LEAST_TEXTS = 0.05, 50
_ROWS_AT_ONCE = 1000


class LexicalIndex:
    """BM25 (Robertson & Zaragoza 2009) over texts that are token ids."""

    def __init__(self, texts: Sequence[NDArray[np.int32]], vocabulary: int) -> None:
        """Count the tokens of each text; `vocabulary` is how many ids there are."""
        counts = _counted(texts, vocabulary).tocsc()
        found = np.diff(counts.indptr)
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        weights = np.log1p((len(texts) - found + 0.5) / (found + 0.5))
        weights[found > max(_MOST_SHARE * len(texts), _LEAST_TEXTS)] = 0
        norm = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1e-9))
        rows = counts.indices
        columns = np.repeat(np.arange(vocabulary), found)
        values = counts.data * (_K1 + 1) / (counts.data + norm[rows]) * weights[columns]
        scored = sparse.csc_matrix((values, rows, counts.indptr), shape=counts.shape)
        scored.eliminate_zeros()
        self._by_token = scored.T.tocsr()

    def best(self, queries: Sequence[NDArray[np.int32]], top_k: int) -> NDArray[np.int32]:
        """Return the numbers of the texts with the best scores, best first.

        Returns:
            (queries, top_k); −1 where fewer texts share a token that tells anything.
        """
        found = np.full((len(queries), top_k), -1, dtype=np.int32)
        for start in range(0, len(queries), _ROWS_AT_ONCE):
            asked = _counted(queries[start : start + _ROWS_AT_ONCE], self._by_token.shape[0])
            asked.data[:] = 1
            scores = (asked @ self._by_token).tocsr()
            for row in range(scores.shape[0]):
                of_row = slice(scores.indptr[row], scores.indptr[row + 1])
                values, numbers = scores.data[of_row], scores.indices[of_row]
                if len(values) > top_k:
                    kept = np.argpartition(-values, top_k)[:top_k]
                    values, numbers = values[kept], numbers[kept]
                order = np.lexsort((numbers, -values))
                found[start + row, : len(order)] = numbers[order]
        return found


def _counted(texts: Sequence[NDArray[np.int32]], vocabulary: int) -> sparse.csr_matrix:
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    columns = np.concatenate([np.zeros(0, dtype=np.int32), *texts])
    counts = sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns, starts),
        shape=(len(texts), vocabulary),
    )
    counts.sum_duplicates()
    return counts
