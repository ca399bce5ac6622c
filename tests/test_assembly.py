"""The parts of a service: each made once, as the settings say, and the model when it is needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from index_parts import WordHashEncoder

from qa_service.assembly import Assembly
from qa_service.config import load_settings
from qa_service.corpus.reading import ArticleLoader
from qa_service.encoder import loading
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.errors import ModelUnavailableError
from qa_service.indexes.codec import ProductCodec, ScalarCodec


class LoadedOnce:
    """Stands in for loading a model, which takes seconds; counts how often it is done."""

    def __init__(self, encoder: WordHashEncoder) -> None:
        self.encoder = encoder
        self.times = 0

    def __call__(self, *_: object) -> WordHashEncoder:
        self.times += 1
        return self.encoder


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> LoadedOnce:
    """Put a small encoder in the model's place."""
    made = LoadedOnce(WordHashEncoder())
    monkeypatch.setattr(loading, "load_encoder", made)
    return made


def make(folder: Path, **settings: object) -> Assembly:
    """Assemble a service in a folder."""
    return Assembly(load_settings(index=folder / "index", articles=folder, **settings))


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path, loaded: LoadedOnce) -> None:
    """The index can be looked at without a model, whose recipe is then not known."""
    assembly = make(tmp_path, model="نموذج")
    assert assembly.store.current_id() is None
    assert assembly.recipe is None
    assert loaded.times == 0


def test_threads_that_ask_at_once_get_one_model(tmp_path: Path, loaded: LoadedOnce) -> None:
    """It is loaded once, and its recipe is known from then on."""
    assembly = make(tmp_path, model="模型")
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: assembly.model(), range(8)))
    assert loaded.times == 1
    assert all(model is models[0] for model in models)
    assert assembly.recipe is models[0].recipe


def test_the_recipe_names_what_was_assembled(tmp_path: Path, loaded: LoadedOnce) -> None:
    """A model without statistics of its own has a codec that needs none."""
    model = make(tmp_path, model="folder").model()
    assert isinstance(model.codec, ScalarCodec)
    assert (model.recipe.model, model.recipe.dimension) == (loaded.encoder.fingerprint, 32)
    assert (model.recipe.codec, model.recipe.code_size) == (
        model.codec.fingerprint,
        model.codec.code_size,
    )


@pytest.mark.parametrize("adapter", [True, False])
def test_the_embedded_model_comes_with_its_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, adapter: bool
) -> None:
    """Those of the adapted model with the adapter, those of the plain one without."""
    encoder = WordHashEncoder()
    encoder.dimension = 384
    monkeypatch.setattr(loading, "load_encoder", LoadedOnce(encoder))
    model = make(tmp_path, adapter=adapter).model()
    own = ProductCodec(embedded_model_statistics(is_adapted=adapter).tokens)
    other = ProductCodec(embedded_model_statistics(is_adapted=not adapter).tokens)
    assert model.recipe.codec == own.fingerprint != other.fingerprint


def test_a_model_that_is_not_there_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error is raised to who asked, and nothing half-made is kept."""

    def missing(*_: object) -> None:
        raise ModelUnavailableError("not here")

    assembly = make(tmp_path, model="folder")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "load_encoder", missing)
        with pytest.raises(ModelUnavailableError):
            assembly.model()
    assert assembly.recipe is None
    monkeypatch.setattr(loading, "load_encoder", LoadedOnce(WordHashEncoder()))
    assert assembly.model().recipe.dimension == 32


def test_an_indexer_writes_what_the_model_can_search(tmp_path: Path, loaded: LoadedOnce) -> None:
    """Articles in several scripts end in a generation of the model's recipe."""
    for name, text in {"ar": "أوقفت الشرطة", "zh": "运河全长", "th": "ตลาดน้ำ", "hi": "नदी"}.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assembly = make(tmp_path, model="folder")
    with ArticleLoader() as loader:
        report = assembly.indexer(loader).run([tmp_path])
    assert report.articles == 4
    generation = assembly.store.open_current(assembly.recipe)
    assert {item.id for item in generation.article_page(0, 9).items} == {
        "ar.txt", "zh.txt", "th.txt", "hi.txt"
    }  # fmt: skip
    generation.close()
