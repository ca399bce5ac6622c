"""What is known of the embedded model beforehand, as it ships."""

from __future__ import annotations

import numpy as np
import pytest

from qa_service.encoder.model_statistics import LanguageMeans, embedded_model_statistics
from qa_service.encoder.protocol import Encoder

FRENCH = "Le maillot jaune rappelle la couleur du papier de L'Auto."


@pytest.mark.parametrize("is_adapted", [True, False])
def test_statistics_fit_the_embedded_model(encoder: Encoder, *, is_adapted: bool) -> None:
    """Means and codebooks are as long as the model's vectors, and finite throughout."""
    known = embedded_model_statistics(is_adapted=is_adapted)
    parts, centroids, width = known.tokens.codebooks.shape
    assert (parts * width, centroids) == (encoder.dimension, 256)
    assert known.tokens.mean.shape == known.languages.passage_mean.shape == (encoder.dimension,)
    assert known.tokens.norm > 0
    assert set(known.languages.passages) == set(known.languages.queries)
    for vectors in (known.languages.passages, known.languages.queries):
        assert all(np.isfinite(vector).all() for vector in vectors.values())
    assert np.isfinite(known.tokens.codebooks).all()


@pytest.mark.parametrize("language", ["ar", "zh", "th", "hi", "en", "ru", "fr", "tr", "es", "de"])
def test_language_offset_moves_from_the_mean(language: str) -> None:
    """The great languages are known: mean and offset together are the language's own mean."""
    known = embedded_model_statistics().languages
    offset = known.passage_offset(language)
    assert offset is not None
    assert known.passage_mean + offset == pytest.approx(known.passages[language], abs=1e-6)
    moved = known.passages[language] + known.query_shift(language)
    assert moved == pytest.approx(known.queries[language], abs=1e-6)


@pytest.mark.parametrize("language", ["und", "tlh", ""])
def test_unknown_language_has_no_offset_and_the_usual_shift(language: str) -> None:
    """What is not known of a language is not made up."""
    known = embedded_model_statistics().languages
    assert known.passage_offset(language) is None
    assert known.query_shift(language) == pytest.approx(
        known.query_mean - known.passage_mean, abs=1e-7
    )


def test_offsets_of_known_languages_average_out() -> None:
    """The mean is that of the languages, so their offsets cancel."""
    known = embedded_model_statistics().languages
    offsets = [known.passage_offset(language) for language in known.passages]
    assert np.sum([offset for offset in offsets if offset is not None], axis=0) == pytest.approx(
        0, abs=1e-3
    )


def test_real_vector_lies_nearer_to_its_language_than_to_others(encoder: Encoder) -> None:
    """A passage of the model this was measured on leans towards its own language's mean."""
    known = embedded_model_statistics().languages
    vector = encoder.encode_document([FRENCH]).vectors[0]
    leaning = {
        language: float((vector - known.passage_mean) @ offset / np.linalg.norm(offset))
        for language in ("fr", "zh", "ar", "hi", "th")
        if (offset := known.passage_offset(language)) is not None
    }
    assert max(leaning, key=lambda language: leaning[language]) == "fr"


def test_statistics_are_read_once() -> None:
    """Whoever asks gets the same arrays."""
    assert embedded_model_statistics() is embedded_model_statistics()


def test_means_may_be_those_of_another_model() -> None:
    """The arithmetic is that of the arrays given, whatever the model."""
    one, two = np.array([1.0, 0.0], dtype=np.float32), np.array([0.0, 2.0], dtype=np.float32)
    means = LanguageMeans(
        passage_mean=np.array([0.5, 1.0], dtype=np.float32),
        query_mean=one,
        passages={"ar": one, "en": two},
        queries={"ar": two, "en": one},
    )
    assert means.passage_offset("ar") == pytest.approx([0.5, -1.0])
    assert means.query_shift("ar") == pytest.approx([-1.0, 2.0])
    assert means.query_shift("th") == pytest.approx([0.5, -1.0])
