"""Means of tokens: stored and read back, and what two languages have in common by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.indexes.token_means import TokenMeans

if TYPE_CHECKING:
    from qa_service.service import Service


@pytest.fixture
def means(sample_service: Service) -> TokenMeans:
    """Return those of the sample articles."""
    generation = sample_service.generation
    return TokenMeans.of(generation.statistics, generation.manifest.recipe.dimension)


def test_means_come_back_from_their_arrays(means: TokenMeans) -> None:
    """Bit for bit, the corpus's and each language's."""
    again = TokenMeans.of(means.to_arrays(), 0)
    assert again.corpus.tobytes() == means.corpus.tobytes()
    assert list(again.languages) == list(means.languages)
    for language, mean in means.languages.items():
        assert again.languages[language].tobytes() == mean.tobytes()


def test_an_index_that_has_learnt_nothing_has_means_of_zero() -> None:
    """An empty index can be opened and asked."""
    means = TokenMeans.of({}, 3)
    assert means.corpus.tolist() == [0, 0, 0]
    assert means.languages_in_common("ar", ["zh"], {}).tolist() == [0]


def test_languages_in_common(means: TokenMeans) -> None:
    """Tokens of one language are alike by that, those of two hardly; nothing else is known."""
    usual = embedded_model_statistics().tokens.offsets
    found = means.languages_in_common("ar", ["ar", "tlh", "zh", "ar"], usual)
    assert found.dtype == np.float32
    assert found[0] == found[3] == pytest.approx(float(usual["ar"] @ usual["ar"]))
    assert found[1] == 0
    assert found[2] < found[0] / 2
    assert means.languages_in_common("ar", [], usual).shape == (0,)
    assert not means.languages_in_common("tlh", ["ar", "zh"], usual).any()


def test_languages_in_common_of_an_unknown_model(means: TokenMeans) -> None:
    """Without statistics of the model, what the corpus tells of its languages is taken."""
    arabic, chinese = means.languages_in_common("ar", ["ar", "zh"], {})
    offset = means.languages["ar"] - means.corpus
    assert arabic == pytest.approx(float(offset @ offset))
    assert arabic > chinese
