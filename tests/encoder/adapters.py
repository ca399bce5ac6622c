"""A small embedded model and adapters for it, made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from qa_service.encoder.adapter import DOWN, FORMAT, UP
from qa_service.encoder.wheel import WEIGHTS_SHA256, Architecture, PackedModel, Vocabulary, _Tensor

RANK, ALPHA = 4, 8.0
HIDDEN, INNER = 8, 16
QUERY = "encoder.layer.0.attention.self.query"
INNER_DENSE = "encoder.layer.1.intermediate.dense"


def small_packed_model(letters: str = "aب字", positions: int = 12) -> PackedModel:
    """Return a model of two layers with weights of its own in every matrix."""
    pieces = ("<s>", "<pad>", "</s>", "<unk>", "▁", *letters, "<mask>")
    scores = -np.linspace(8, 14, len(pieces), dtype=np.float32)
    vocabulary = Vocabulary(pieces, scores, 0, 2, 1, 3)
    shape = Architecture(HIDDEN, 2, 2, INNER, len(pieces), positions, 1, 1e-12)
    sizes = {"emb.word": len(pieces) * HIDDEN, "emb.pos": positions * HIDDEN}
    sizes |= {"emb.type": HIDDEN, "emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for layer in range(2):
        for part in ("q", "k", "v", "ao"):
            sizes |= {f"l{layer}.{part}.w": HIDDEN * HIDDEN, f"l{layer}.{part}.b": HIDDEN}
        sizes |= {f"l{layer}.fi.w": HIDDEN * INNER, f"l{layer}.fi.b": INNER}
        sizes |= {f"l{layer}.fo.w": HIDDEN * INNER, f"l{layer}.fo.b": HIDDEN}
        for norm in ("aln", "oln"):
            sizes |= {f"l{layer}.{norm}.w": HIDDEN, f"l{layer}.{norm}.b": HIDDEN}
    values = np.random.default_rng(3).normal(size=sum(sizes.values())).astype("<f4")
    tensors, start = {}, 0
    for name, size in sizes.items():
        tensors[name] = _Tensor(False, size, 4 * start, 4 * size)
        start += size
    return PackedModel(shape, vocabulary, {}, tensors, values.tobytes())


def write_adapter(path: Path, *, is_identity: bool = False, **changed: str) -> Path:
    """Write an adapter for two matrices of the small model; `changed` replaces metadata."""
    random = np.random.default_rng(5)
    tensors: dict[str, NDArray[np.float16]] = {}
    for name, rows, columns in ((QUERY, HIDDEN, HIDDEN), (INNER_DENSE, INNER, HIDDEN)):
        tensors[name + DOWN] = random.normal(size=(RANK, columns)).astype(np.float16)
        up = random.normal(size=(rows, RANK)).astype(np.float16)
        tensors[name + UP] = np.zeros_like(up) if is_identity else up
    about = {"format": FORMAT, "alpha": str(ALPHA), "base_sha256": WEIGHTS_SHA256} | changed
    save_file(tensors, path, metadata=about | {"about": json.dumps({"seed": 5})})
    return path
