"""What is known of a model beforehand: its languages' mean vectors and how its tokens spread.

The statistics of the embedded model ship with the package, once for the model as it is used and
once for the weights as they came; `training/model_statistics.py` made them from public parallel
texts. Any other model does without: centering then learns from the corpus alone, and token vectors
are stored in a plainer, longer form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

ADAPTED_FILE = Path(__file__).with_name("model_statistics.npz")
UNADAPTED_FILE = Path(__file__).with_name("model_statistics_unadapted.npz")


@dataclass(frozen=True, slots=True)
class LanguageMeans:
    """Mean vectors of parallel texts, embedded as passages and as questions.

    `passage_mean` and `query_mean`, (dimension,), average over languages; `passages` and `queries`
    map languages to (dimension,).
    """

    passage_mean: Vectors
    query_mean: Vectors
    passages: Mapping[str, Vectors]
    queries: Mapping[str, Vectors]

    def passage_offset(self, language: str) -> Vectors | None:
        """Return how a language's passages lie off the mean; None for an unknown language."""
        known = self.passages.get(language)
        return None if known is None else known - self.passage_mean

    def query_shift(self, language: str) -> Vectors:
        """Return how a text moves when it is embedded as a question instead of a passage."""
        if language in self.passages:
            return self.queries[language] - self.passages[language]
        return self.query_mean - self.passage_mean


@dataclass(frozen=True, slots=True)
class TokenStatistics:
    """How a model's token vectors spread.

    `mean`: (dimension,). `norm`: the usual length of a token vector without the mean.

    Half of what a centred token vector holds is that of its whole passage, which can be told from
    the passage's vector: from its direction off `passage_mean`, times `common_map` (dimension,
    dimension), plus `common_bias` (dimension,). `codebooks`: float32 (parts, 256, dimension /
    parts), centroids of each part of the rest.

    `offsets` map languages to how their tokens lie off those of all languages, (dimension,): the
    difference of mean unit vectors without `mean`, over texts that say the same.
    """

    mean: Vectors
    norm: float
    passage_mean: Vectors
    common_map: Vectors
    common_bias: Vectors
    codebooks: Vectors
    offsets: Mapping[str, Vectors]


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """All that is known of one model."""

    languages: LanguageMeans
    tokens: TokenStatistics


@cache
def embedded_model_statistics(*, is_adapted: bool = True) -> ModelStatistics:
    """Return the statistics of the embedded model, with the adapter that ships or without it."""
    path = ADAPTED_FILE if is_adapted else UNADAPTED_FILE
    with np.load(path, allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["languages"]]
        passages = arrays["passage_means"].astype(np.float32)
        queries = arrays["query_means"].astype(np.float32)
        return ModelStatistics(
            languages=LanguageMeans(
                passage_mean=passages.mean(axis=0),
                query_mean=queries.mean(axis=0),
                passages=dict(zip(names, passages, strict=True)),
                queries=dict(zip(names, queries, strict=True)),
            ),
            tokens=TokenStatistics(
                mean=arrays["token_mean"].astype(np.float32),
                norm=float(arrays["token_norm"]),
                passage_mean=arrays["common_center"].astype(np.float32),
                common_map=arrays["common_map"].astype(np.float32),
                common_bias=arrays["common_bias"].astype(np.float32),
                codebooks=arrays["codebooks"].astype(np.float32),
                offsets=dict(zip(names, arrays["token_offsets"].astype(np.float32), strict=True)),
            ),
        )
