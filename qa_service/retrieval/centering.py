"""Makes vectors of different languages comparable by taking each language's own mean away.

A multilingual encoder writes the language of a text into its vector: passages in the question's
language come out nearer than better ones in another. The part that all texts of a language share
is its mean, so it is subtracted, from passages and questions alike (LAReQA, Roy et al. 2020,
measured how strong this bias is; mean removal after Yang et al. 2021, "A Simple and Effective
Method to Eliminate the Self Language Bias").

A language with few passages has no reliable mean of its own: what it has is topic. Its mean is
therefore shrunk toward what is expected of the language: the mean of the whole corpus, moved by
the language's usual offset where the model's statistics know one. That mean is of no language: each
passage counts without its own language's usual offset, or questions in another language than the
articles' would be moved twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.model_statistics import LanguageMeans

Vectors = NDArray[np.float32]
Arrays = Mapping[str, NDArray[np.generic]]

# Passages that a language, or the corpus, must have for its own mean to weigh as much as what is
# expected of it.
EXPECTATION_WEIGHT = 20

# So few are brought to double precision together.
_ROWS_AT_ONCE = 8192
_LANGUAGES = "centering_languages"
_MEANS = "centering_means"
_CORPUS_MEAN = "centering_corpus_mean"


class LanguageCentering:
    """Learns the means of a corpus's languages, with the model's statistics to lean on."""

    def __init__(self, expected: LanguageMeans | None) -> None:
        """Take what is known of the model's languages; None for a model without statistics."""
        self._expected = expected

    @property
    def fingerprint(self) -> str:
        """Name the statistics leant on, which change what `fit` returns."""
        if self._expected is None:
            return "none"
        digest = hashlib.blake2b(digest_size=6)
        digest.update(self._expected.passage_mean.tobytes())
        for language, mean in sorted(self._expected.passages.items()):
            digest.update(language.encode())
            digest.update(mean.tobytes())
        return digest.hexdigest()

    def fit(self, vectors: Vectors, languages: Sequence[str]) -> FittedLanguageCentering:
        """Learn from passage vectors, (n, dimension) with unit rows, and their languages."""
        found = sorted(set(languages))
        sums, counts = _sums(vectors, languages, found)
        offsets = np.array(
            [self._offset(language, vectors) for language in found], dtype=np.float32
        ).reshape(len(found), vectors.shape[1])
        neutral_sum = sums.sum(axis=0) - counts @ offsets
        corpus_mean = _shrunk(neutral_sum, len(vectors), self._expected_mean(vectors))
        means = {
            language: _shrunk(sums[place], counts[place], corpus_mean + offsets[place])
            for place, language in enumerate(found)
        }
        return FittedLanguageCentering(corpus_mean, means, self._expected)

    def restore(self, arrays: Arrays) -> FittedLanguageCentering:
        """Return the centering that `to_arrays` described."""
        languages = [str(language) for language in arrays[_LANGUAGES]]
        rows = np.asarray(arrays[_MEANS], dtype=np.float32)
        return FittedLanguageCentering(
            np.asarray(arrays[_CORPUS_MEAN], dtype=np.float32),
            dict(zip(languages, rows, strict=True)),
            self._expected,
        )

    def _expected_mean(self, vectors: Vectors) -> Vectors:
        if self._expected is not None:
            return self._expected.passage_mean
        # Of an unknown model nothing is expected; a corpus that is one passage must not vanish.
        return np.zeros(vectors.shape[1], dtype=np.float32)

    def _offset(self, language: str, vectors: Vectors) -> Vectors:
        known = None if self._expected is None else self._expected.passage_offset(language)
        return np.zeros(vectors.shape[1], dtype=np.float32) if known is None else known


class FittedLanguageCentering:
    """The means of one corpus; never changes."""

    def __init__(
        self,
        corpus_mean: Vectors,
        means: Mapping[str, Vectors],
        expected: LanguageMeans | None,
    ) -> None:
        self._corpus_mean = corpus_mean
        self._means = means
        self._expected = expected

    def passages(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Return passage vectors without their language's mean, float32 with unit rows."""
        if len(vectors) == 0:
            return np.asarray(vectors, dtype=np.float32)
        known = sorted(set(languages))
        places = {language: place for place, language in enumerate(known)}
        means = np.stack([self._mean(language) for language in known])
        return unit_rows(vectors - means[[places[language] for language in languages]])

    def query(self, vector: Vectors, language: str) -> Vectors:
        """Return a question's vector, (dimension,), without its language's mean."""
        mean = self._mean(language)
        if self._expected is not None:
            mean = mean + self._expected.query_shift(language)
        return np.asarray(unit_rows((vector - mean)[None])[0], dtype=np.float32)

    def to_arrays(self) -> Arrays:
        """Return what `LanguageCentering.restore` needs."""
        dimension = len(self._corpus_mean)
        rows = [self._means[language] for language in sorted(self._means)]
        return {
            _LANGUAGES: np.array(sorted(self._means), dtype=np.str_),
            _MEANS: np.array(rows, dtype=np.float32).reshape(-1, dimension),
            _CORPUS_MEAN: self._corpus_mean,
        }

    def _mean(self, language: str) -> Vectors:
        known = self._means.get(language)
        if known is not None:
            return known
        offset = None if self._expected is None else self._expected.passage_offset(language)
        return self._corpus_mean if offset is None else self._corpus_mean + offset


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Return the rows scaled to unit length; a row of zeros stays what it is."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.maximum(norms, 1e-12)[:, None], dtype=np.float32)


def _sums(
    vectors: Vectors, languages: Sequence[str], found: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of each language's vectors, (found, dimension), and how many those are."""
    places = {language: place for place, language in enumerate(found)}
    rows = np.array([places[language] for language in languages], dtype=np.int64)
    sums = np.zeros((len(found), vectors.shape[1]))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        is_own = (some == np.arange(len(found))[:, None]).astype(np.float64)
        sums += is_own @ vectors[start : start + _ROWS_AT_ONCE]
    return sums, np.bincount(rows, minlength=len(found)).astype(np.float64)


def _shrunk(total: NDArray[np.float64], count: float, expected: Vectors) -> Vectors:
    """Return the mean of so many vectors with this sum, shrunk toward what is expected."""
    total = total + EXPECTATION_WEIGHT * expected
    return np.asarray(total / (count + EXPECTATION_WEIGHT), dtype=np.float32)
