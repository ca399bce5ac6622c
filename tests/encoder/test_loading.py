"""Models other than the embedded one, and models that cannot be had."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from damages import all_random
from encoder_texts import TEXTS

from qa_service.config import load_settings
from qa_service.encoder.cached_folder import CachedFolder
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder
from qa_service.encoder.token_layers import LAYERS_FILE, read_token_layers, write_token_layers
from qa_service.errors import ModelUnavailableError


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a small untrained BERT: WordPiece tokens, first-token pooling, no normalising."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("small")
    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator(TEXTS, vocab_size=3000, min_frequency=1, show_progress=False)
    PreTrainedTokenizerFast(
        tokenizer_object=words._tokenizer,
        model_max_length=64,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder / "bert")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"))
    model = SentenceTransformer(
        modules=[transformer, Pooling(48, pooling_mode="cls")],
        prompts={"query": "ask ", "document": "read "},
        device="cpu",
    )
    model.save(str(folder / "model"))
    return folder / "model"


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


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_sum_of_layers(small_model: Path, tmp_path: Path, runtime: str) -> None:
    """A folder that names layers gives their sum as token vectors, and the same text vectors."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    settings = load_settings(
        model=str(copy), runtime=runtime, precision="fp32", cache=tmp_path / "cache"
    )
    without = load_encoder(settings)
    last = without.encode_query(["Der Turm ist hoch"])
    found = {}
    for layers in (((1, 1.0),), ((2, 1.0),), ((1, 0.5), (2, 2.0))):
        write_token_layers(copy, layers)
        encoder = load_encoder(settings)
        assert encoder.fingerprint != without.fingerprint
        encoded = encoder.encode_query(["Der Turm ist hoch"])
        assert np.abs(encoded.vectors - last.vectors).max() < 1e-5
        found[layers] = encoded.tokens[0].vectors
    first, second, both = found.values()
    assert np.abs(second - last.tokens[0].vectors).max() < 1e-5
    assert np.abs(first - second).max() > 0.01
    assert np.abs(both - (0.5 * first + 2.0 * second)).max() < 1e-4


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"last": 1}', '{"1": "much"}', '{"1": NaN}', '{"0": 1}']
)
def test_layers_that_make_no_sense(tmp_path: Path, content: str) -> None:
    """A file of layers that cannot be understood is named."""
    (tmp_path / LAYERS_FILE).write_text(content)
    with pytest.raises(ModelUnavailableError, match=LAYERS_FILE):
        read_token_layers(tmp_path)


@pytest.mark.parametrize("runtime", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("content", ["{", '{"3": 1}'])
def test_layers_that_a_model_lacks(
    small_model: Path, tmp_path: Path, runtime: str, content: str
) -> None:
    """No runtime takes layers that it cannot read, or that are above the model's last one."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    (copy / LAYERS_FILE).write_text(content)
    settings = load_settings(model=str(copy), runtime=runtime, cache=tmp_path / "cache")
    with pytest.raises(ModelUnavailableError, match=LAYERS_FILE):
        load_encoder(settings)


def test_a_changed_model_is_converted_again(small_model: Path, tmp_path: Path) -> None:
    """When the folder's files change, the graph made from the old ones is not used."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    settings = load_settings(
        model=str(copy), runtime="openvino", precision="int8", cache=tmp_path / "cache"
    )
    before = load_encoder(settings).fingerprint
    prompts = copy / "config_sentence_transformers.json"
    content = json.loads(prompts.read_text("utf-8"))
    content["prompts"]["query"] = "frag "
    prompts.write_text(json.dumps(content), "utf-8")
    assert load_encoder(settings).fingerprint != before


@pytest.mark.slow
@pytest.mark.parametrize("is_seen_at_start", [True, False])
def test_a_damaged_conversion_is_made_again(
    is_seen_at_start: bool,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever is damaged in the cache, the model is converted anew, without an error."""
    settings = load_settings(model=str(small_model), runtime="openvino", cache=tmp_path)
    expected = load_encoder(settings).encode_query(TEXTS).vectors
    (folder,) = (path for path in (tmp_path / "openvino").iterdir() if path.is_dir())
    for path in folder.iterdir():
        # The stamp alone says what the files were.
        if path.name != "qa-service.json":
            path.write_bytes(all_random(path.read_bytes()))
    if not is_seen_at_start:
        looks = iter([None])
        look = CachedFolder._damage
        monkeypatch.setattr(
            CachedFolder, "_damage", lambda self: next(looks, "look") and look(self)
        )
    with caplog.at_level(logging.WARNING):
        found = load_encoder(settings).encode_query(TEXTS).vectors
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert sum("made anew" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("runtime", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("name", ["nobody/no-such-model", "not a model!", "../nowhere"])
def test_model_that_is_not_here(tmp_path: Path, runtime: str, name: str) -> None:
    """A model not on this machine is named, with where it was sought and how to get it."""
    settings = load_settings(model=name, runtime=runtime, cache=tmp_path)
    with pytest.raises(ModelUnavailableError, match=r"never downloads.*QA_MODEL") as caught:
        load_encoder(settings)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    """A folder without a model's files is named, with what was expected in it."""
    with pytest.raises(ModelUnavailableError, match=r"modules\.json") as caught:
        load_encoder(load_settings(model=str(tmp_path), cache=tmp_path / "cache"))
    assert str(tmp_path) in str(caught.value)


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
