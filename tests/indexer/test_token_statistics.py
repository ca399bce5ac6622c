"""Means of the tokens that were written, against the sums written out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from index_parts import RECIPE, SignCodec, make_indexer, make_store

from qa_service.indexer.token_statistics import (
    CORPUS_PSEUDO_COUNT,
    LANGUAGE_PSEUDO_COUNT,
    PASSAGES_TO_AVERAGE,
    measure_token_means,
)
from qa_service.indexes.token_means import TokenMeans

if TYPE_CHECKING:
    from qa_service.service import Service

TEXTS = {
    "ar.txt": "أرمينيا\nأوقفت الشرطة تسعة أشخاص في يريفان.",
    "hi.txt": "नदी\nनदी पहाड़ों से निकलती है।",
    "th.txt": "ตลาด\nตลาดน้ำเปิดทุกวัน",
    "zh.txt": "运河\n运河全长82公里。\n共有四座船闸。",
}


def test_means_are_drawn_toward_what_is_expected(tmp_path: Path) -> None:
    """That of the corpus toward zero, those of languages toward that of the corpus."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    make_indexer(tmp_path / "index").run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)
    languages = generation.languages_of(generation.keys)
    means = measure_token_means(generation.embeddings, generation.keys, languages, SignCodec())
    tokens = {
        language: SignCodec().decode(
            generation.embeddings.tokens(
                generation.keys[[known == language for known in languages]]
            ).codes
        )
        for language in ("ar", "hi", "th", "zh")
    }
    assert list(means.languages) == list(tokens)
    total = np.concatenate(list(tokens.values()))
    corpus = total.sum(axis=0) / (len(total) + CORPUS_PSEUDO_COUNT)
    assert means.corpus == pytest.approx(corpus, abs=1e-9)
    for language, own in tokens.items():
        expected = own.sum(axis=0) + LANGUAGE_PSEUDO_COUNT * corpus
        expected /= len(own) + LANGUAGE_PSEUDO_COUNT
        assert means.languages[language] == pytest.approx(expected, abs=1e-9)


def test_passages_of_a_large_language_are_drawn_from_all_over(tmp_path: Path) -> None:
    """Always the same, the first and the last among them."""
    folder = tmp_path / "articles"
    folder.mkdir()
    lines = "\n".join(f"line {number}" for number in range(2 * PASSAGES_TO_AVERAGE + 1))
    (folder / "long.txt").write_text(lines, encoding="utf-8")
    make_indexer(tmp_path / "index").run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)
    drawn: list[int] = []

    class Noting:
        """Notes whose tokens are read."""

        vectors = generation.embeddings.vectors
        packed = generation.embeddings.packed

        def tokens(self, keys):  # type: ignore[no-untyped-def]
            """Return tokens."""
            drawn.extend(keys.tolist())
            return generation.embeddings.tokens(keys)

    means = [
        measure_token_means(Noting(), generation.keys, ["en"] * len(generation.keys), SignCodec())
        for _ in range(2)
    ]
    assert np.array_equal(means[0].corpus, means[1].corpus)
    assert drawn[:PASSAGES_TO_AVERAGE] == drawn[PASSAGES_TO_AVERAGE:]
    assert len(set(drawn)) == PASSAGES_TO_AVERAGE
    assert (drawn[0], drawn[-1]) == (generation.keys[0], generation.keys[-1])


def test_token_means_are_stored_with_the_index(sample_service: Service) -> None:
    """A mean for the corpus and each language; with few tokens they hardly leave the model's own.

    That is zero after decoding.
    """
    generation = sample_service.generation
    stored = TokenMeans.of(generation.statistics, 0)
    assert stored.corpus.shape == (generation.manifest.recipe.dimension,)
    assert set(stored.languages) == set(generation.language_counts())
    assert 0 < float(np.linalg.norm(stored.corpus)) < 0.5
