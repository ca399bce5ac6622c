"""The mean of all decoded tokens of an index, and those of its languages, as it stores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.protocols import Vectors

_CORPUS_MEAN = "tokens_corpus_mean"
_LANGUAGES = "tokens_languages"
_LANGUAGE_MEANS = "tokens_language_means"


@dataclass(frozen=True, slots=True)
class TokenMeans:
    """Means of decoded tokens, (dimension,): of the corpus, and of each of its languages."""

    corpus: Vectors
    languages: Mapping[str, Vectors]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]], dimension: int) -> Self:
        """Return what `to_arrays` described; zeros when the arrays hold nothing of it."""
        if _CORPUS_MEAN not in arrays:
            return cls(np.zeros(dimension, dtype=np.float32), {})
        means = np.asarray(arrays[_LANGUAGE_MEANS], dtype=np.float32)
        names = [str(language) for language in arrays[_LANGUAGES]]
        return cls(
            np.asarray(arrays[_CORPUS_MEAN], dtype=np.float32),
            dict(zip(names, means, strict=True)),
        )

    def to_arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return arrays to be stored among an index's statistics."""
        return {
            _LANGUAGES: np.array(list(self.languages), dtype=np.str_),
            _LANGUAGE_MEANS: np.array(list(self.languages.values()), dtype=np.float32),
            _CORPUS_MEAN: self.corpus,
        }

    def languages_in_common(
        self, asked_in: str, languages: Sequence[str], usual: Mapping[str, Vectors]
    ) -> Vectors:
        """Return the similarity that tokens have by their languages alone, float32 (passages,).

        Args:
            asked_in: the question's language.
            languages: that of each passage.
            usual: how languages usually lie off all others; for those that it lacks, what this
                corpus tells is taken.
        """

        def offset(language: str) -> Vectors:
            if language in usual:
                return usual[language]
            return self.languages.get(language, self.corpus) - self.corpus

        own = offset(asked_in)
        known = {language: float(own @ offset(language)) for language in set(languages)}
        return np.array([known[language] for language in languages], dtype=np.float32)
