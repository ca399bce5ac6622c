"""An opened generation: languages and filters, whichever engine searches it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Set
from pathlib import Path

import numpy as np
import pytest
from index_parts import (
    RECIPE,
    NoCentering,
    TextLoader,
    WordAnalyzer,
    make_indexer,
    make_parts,
    make_store,
    verify,
)
from memory_engine import MemoryEngine
from stored_articles import found

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.reading import FileArticles
from qa_service.indexer import Indexer
from qa_service.store import Generation, Store
from qa_service.types import Filters


def test_languages(generation: Generation) -> None:
    """Each passage knows its language, and they are counted."""
    keys = generation.keys[::-1]
    expected = [passage.language for passage in generation.passages(keys)]
    assert generation.languages_of(keys) == expected
    assert generation.language_counts() == {"ar": 5, "en": 3, "hi": 2, "th": 2, "zh": 3}
    with pytest.raises(KeyError):
        generation.languages_of(np.array([10_000]))


def test_filters(tmp_path: Path) -> None:
    """Language, source and dates, alone and together, allow just the passages they should."""

    class DatedLoader(TextLoader):
        """Gives every article a date from its name."""

        def read(
            self,
            file: SourceFile,
            repeated: Set[str] = frozenset(),
            on_share: Callable[[float], None] | None = None,
        ) -> FileArticles:
            (article,) = super().read(file, repeated, on_share).articles
            year = int(article.id.removesuffix(".txt"))
            published = dt.date(year, 6, 1) if year else None
            return FileArticles((dataclasses.replace(article, published=published),))

    folder = tmp_path / "articles"
    folder.mkdir()
    texts = {"2019": "one agency", "2020": "two", "2021": "ثلاثة agency", "0": "undated agency"}
    for year, text in texts.items():
        (folder / f"{year}.txt").write_text(text, encoding="utf-8")
    make_indexer(tmp_path / "index", make_parts(loader=DatedLoader())).run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)

    def allowed(**filters: object) -> list[str]:
        keys = generation.allowed_keys(Filters(**filters))  # type: ignore[arg-type]
        assert keys is not None
        assert np.all(np.diff(keys) > 0)
        return sorted(p.article_id.removesuffix(".txt") for p in generation.passages(keys))

    assert generation.allowed_keys(Filters()) is None
    assert allowed(language="ar") == ["2021"]
    assert allowed(language="xx") == []
    assert allowed(source="agency") == ["0", "2019", "2021"]
    assert allowed(source="agency' OR 1=1 --") == []
    assert allowed(published_from=dt.date(2020, 6, 1)) == ["2020", "2021"]
    assert allowed(published_to=dt.date(2020, 6, 1)) == ["2019", "2020"]
    assert allowed(published_from=dt.date(2019, 7, 1), published_to=dt.date(2020, 12, 31)) == [
        "2020"
    ]
    assert allowed(source="agency", language="en") == ["0", "2019"]
    for number in range(40):
        assert allowed(source=f"source {number}") == []
    assert allowed(language="ar") == ["2021"]


def test_an_engine_that_keeps_nothing_in_files(tmp_path: Path, articles: Path) -> None:
    """Generations are made, gone on from, searched, checked and rolled back to all the same."""
    store = Store(tmp_path / "index", engine=MemoryEngine(), centering=NoCentering())
    indexer = Indexer(store, make_parts())
    first = indexer.run([articles])
    old = store.open_current(RECIPE)
    assert set(old.manifest.files) == {"articles.db", "keys.npy", "columns.npy", "statistics.npz"}
    (articles / "th.txt").unlink()
    (articles / "ja.txt").write_text("新しい\n新しい記事", encoding="utf-8")
    second = indexer.run([articles])
    assert (second.embedded, second.reused) == (2, first.passages - 2)
    new = store.open_current(RECIPE)
    for generation, article in ((old, "th.txt"), (new, "ja.txt")):
        assert verify(generation) == ()
        text = (generation.passages_of(article))[-1].text
        assert found(generation, text).article_id == article
        by_terms = generation.lexical.search(WordAnalyzer().terms(text, "und"), 1).keys
        assert generation.passages(by_terms)[0].article_id == article
    assert new.find_embeddings([b"?"]) == {}
    assert store.rollback().id == first.generation
    assert store.verify() == ()
    # Nothing is embedded twice, whichever generation holds it.
    assert indexer.run([articles], rebuild=True).embedded == 0
