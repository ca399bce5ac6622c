"""Learns the means of the tokens that a generation holds, from the codes that were written.

With few tokens a mean is topic, so that of the corpus is shrunk toward the model's usual one, which
is zero after decoding, and those of languages toward that of the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.engine import StoredEmbeddings
from qa_service.indexes.protocols import TokenCodec
from qa_service.indexes.token_means import TokenMeans

# Tokens that the corpus must have for their own mean to weigh as much as the model's usual one: a
# few articles on one subject have that in common, and it must not be taken away.
CORPUS_PSEUDO_COUNT = 20_000
# The same for a language that nothing is known of beforehand, against the corpus. The few articles
# of a language share a subject as well, and that must not be taken from the score.
LANGUAGE_PSEUDO_COUNT = 8_000
# Passages of each language whose tokens are averaged.
PASSAGES_TO_AVERAGE = 1_000


def measure_token_means(
    embeddings: StoredEmbeddings,
    keys: NDArray[np.int64],
    languages: Sequence[str],
    codec: TokenCodec,
) -> TokenMeans:
    """Return the means of the decoded tokens of these passages, one at least.

    Args:
        embeddings: those of the passages.
        keys: every passage, ascending.
        languages: that of each passage.
        codec: what made the codes.
    """
    by_language: dict[str, list[int]] = {}
    for key, language in zip(keys.tolist(), languages, strict=True):
        by_language.setdefault(language, []).append(key)
    sums = {
        language: _sum(embeddings, np.array(by_language[language], dtype=np.int64), codec)
        for language in sorted(by_language)
    }
    total = sum(count for _, count in sums.values())
    summed = np.sum([vector for vector, _ in sums.values()], axis=0)
    mean = summed / (total + CORPUS_PSEUDO_COUNT)
    return TokenMeans(
        corpus=mean.astype(np.float32),
        languages={
            language: np.asarray(
                (vector + LANGUAGE_PSEUDO_COUNT * mean) / (count + LANGUAGE_PSEUDO_COUNT),
                dtype=np.float32,
            )
            for language, (vector, count) in sums.items()
        },
    )


def _sum(
    embeddings: StoredEmbeddings, keys: NDArray[np.int64], codec: TokenCodec
) -> tuple[NDArray[np.float64], int]:
    """Return the sum of the tokens of some of the passages, spread evenly, and how many there are.

    The sum is float64 (dimension,).
    """
    places = np.linspace(0, len(keys) - 1, PASSAGES_TO_AVERAGE).round().astype(np.intp)
    chosen = keys[np.unique(places)]
    batch = embeddings.tokens(chosen)
    shared = codec.common(embeddings.vectors(chosen))
    added = codec.decode(batch.codes).sum(axis=0, dtype=np.float64)
    return added + np.diff(batch.offsets) @ shared, len(batch.codes)
