"""Passages in five scripts, and a generation of them that any engine writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from index_parts import CODE_SIZE, DIMENSION, SignCodec, WordAnalyzer, WordHashEncoder
from numpy.typing import NDArray

from qa_service.indexes.engine import Engine, Indexes, IndexesWriter
from qa_service.indexes.packing import EmbeddingSize, PackedEmbedding, pack_tokens, pack_vectors

Keys = NDArray[np.int64]
Vectors = NDArray[np.float32]
SIZE = EmbeddingSize(DIMENSION, CODE_SIZE)
TEXTS = {
    3: "وصل الوفد إلى يريفان في الثالث من أيار",
    4: "第一段讲的是运河",
    7: "ประเทศไทย",
    8: "भारत की नदियाँ",
    9: "Mixed 42 кириллица и 漢字",
}
SILENT = 11
ENCODER = WordHashEncoder()


def keys(*numbers: int) -> Keys:
    """Return an array of keys."""
    return np.array(numbers, dtype=np.int64)


def center(of: Keys, vectors: Vectors) -> Vectors:
    """Turn vectors around, which nobody does by accident."""
    assert len(of) == len(vectors)
    return -vectors


def embed(text: str) -> PackedEmbedding:
    """Return a text's embedding as it is stored."""
    encoded = ENCODER.encode_document([text])
    tokens = encoded.tokens[0]
    return PackedEmbedding(
        pack_vectors(encoded.vectors),
        pack_tokens(tokens.vectors, tokens.spans, encoded.vectors[0], SignCodec()),
    )


def append(writer: IndexesWriter, texts: Mapping[int, str]) -> None:
    """Append passages."""
    for key, text in texts.items():
        writer.append(key, embed(text), WordAnalyzer().terms(text, "und"))


def write(engine: Engine, folder: Path, texts: Mapping[int, str]) -> Indexes:
    """Write a generation of these passages, and one without words, and open it."""
    folder.mkdir()
    writer = engine.begin(folder, SIZE, None)
    append(writer, {**texts, SILENT: ""})
    all_keys = keys(*texts, SILENT)
    writer.finish_embeddings(all_keys)
    writer.finish_terms(keys())
    writer.finish_vectors(all_keys, all_keys, keys(), center, is_stale=True)
    return engine.open(folder, SIZE, center)


def go_on(folder: Path, base: Path) -> Path:
    """Make a folder with links to what an engine keeps in that of a base."""
    folder.mkdir()
    if base.exists():
        shutil.copytree(base, folder, dirs_exist_ok=True)
    return folder
