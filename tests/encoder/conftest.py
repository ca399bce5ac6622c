"""The embedded model on every runtime, prepared once in the user's own cache."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from encoder_texts import TEXTS
from tokenizers import Tokenizer

from qa_service.config import Settings, load_settings
from qa_service.encoder.embedded import embedded_model_folder
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoded, Encoder
from qa_service.encoder.splitters import JsonSplitter, SentencePieceSplitter
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from qa_service.encoder.wheel import PackedModel, parse_weights, read_weights

RUNTIMES: dict[str, dict[str, object]] = {
    "openvino-auto": {"runtime": "openvino"},
    "openvino-int8": {"runtime": "openvino", "precision": "int8"},
    "torch": {"runtime": "torch"},
}


@cache
def encoder_on(runtime: str) -> Encoder:
    """Load the embedded model on a runtime, once for all tests."""
    return load_encoder(load_settings(**RUNTIMES[runtime]))


@pytest.fixture(params=RUNTIMES)
def any_encoder(request: pytest.FixtureRequest) -> Encoder:
    """Give each runtime in turn."""
    return encoder_on(request.param)


@pytest.fixture(scope="session")
def torch_encoder() -> Encoder:
    """Give the float32 reference."""
    return encoder_on("torch")


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Give the folder of the unpacked embedded model."""
    return embedded_model_folder(Settings().cache)


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[[str], list[str]]:
    """Give the command that runs a piece of Python in a process of its own."""

    def command(code: str) -> list[str]:
        script = tmp_path / "script.py"
        script.write_text(code, "utf-8")
        return [sys.executable, "-c", f"exec(open({str(script)!r}, encoding='utf-8').read())"]

    return command


@pytest.fixture(scope="session")
def packed() -> PackedModel:
    """Read the weights file of the installed package."""
    return parse_weights(read_weights())


@pytest.fixture(scope="session")
def sentencepiece(model_folder: Path) -> SentencePieceSplitter:
    """Load the embedded model's tokenizer as qa-service uses it."""
    return SentencePieceSplitter(model_folder / UNIGRAM_MODEL)


@pytest.fixture(scope="session")
def library(model_folder: Path) -> JsonSplitter:
    """Load the embedded model's tokenizer as other libraries use it."""
    return JsonSplitter(Tokenizer.from_file(str(model_folder / "tokenizer.json")))


@pytest.fixture(scope="session")
def reference(torch_encoder: Encoder) -> Encoded:
    """Embed every text in float32."""
    return torch_encoder.encode_document(TEXTS)


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
