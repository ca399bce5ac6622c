"""Models other than the embedded one, and models that cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from encoder_texts import TEXTS

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder
from qa_service.errors import ModelUnavailableError


@pytest.fixture(scope="module", params=["openvino", "torch"])
def small_encoder(
    request: pytest.FixtureRequest, small_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Encoder:
    """Load the small model on each runtime, with a cache of its own."""
    return load_encoder(
        load_settings(
            model=str(small_model),
            runtime=request.param,
            precision="fp32",
            cache=tmp_path_factory.mktemp("cache"),
        )
    )


def test_another_model(small_encoder: Encoder, small_model: Path) -> None:
    """A folder of any architecture gives the library's own vectors, at unit length."""
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(small_model), device="cpu")
    texts = list(TEXTS[:80])
    for ours, expected in (
        (small_encoder.encode_query(texts), theirs.encode_query(texts)),
        (small_encoder.encode_document(texts), theirs.encode_document(texts)),
    ):
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        assert ours.vectors.shape == (80, 48)
        assert np.abs(ours.vectors - expected).max() < 1e-4


def test_another_tokenizer(small_encoder: Encoder) -> None:
    """Spans fit the text with another kind of tokenizer, whose tokens all weigh the same."""
    text = "Der Café-Besitzer قال مرحبا 图书馆"
    tokens = small_encoder.encode_document([text], titles=["Titel"]).tokens[0]
    assert (tokens.weights == 1).all()
    covered = {at for start, end in tokens.spans.tolist() for at in range(start, end)}
    assert covered == {at for at, character in enumerate(text) if character != " "}
    assert small_encoder.max_tokens == 64
    assert len(small_encoder.encode_document(["a b " * 100]).tokens[0].spans) < 64


@pytest.mark.parametrize("runtime", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("damage", ["weights", "config", "tokenizer"])
def test_model_that_is_damaged(
    small_model: Path, tmp_path: Path, runtime: str, damage: str
) -> None:
    """A model whose files cannot be read is refused with its name, on every runtime."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    match damage:
        case "weights":
            (copy / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00garbage!")
        case "config":
            (copy / "config.json").write_text("{")
        case "tokenizer":
            (copy / "tokenizer.json").write_text("{}")
            (copy / "tokenizer_config.json").unlink()
    settings = load_settings(model=str(copy), runtime=runtime, cache=tmp_path / "cache")
    with pytest.raises(ModelUnavailableError) as caught:
        load_encoder(settings)
    assert str(copy) in str(caught.value)
