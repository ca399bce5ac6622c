"""The embedded model's weights with the word embeddings that are needed, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from training.reader import quantisation

BASE = "base.safetensors"
WORDS = "embeddings.word_embeddings.weight"
_LEFT_OUT = ("pooler.",)


@dataclass(frozen=True, slots=True)
class Base:
    """`configuration`: of the encoder, as transformers spells it. `weights`: float32, by name."""

    configuration: Mapping[str, Any]
    weights: Mapping[str, Tensor]


def write_base(folder: Path, model: Path, vocabulary: NDArray[np.int32]) -> None:
    """Write an unpacked model with those rows of its word embeddings that occur."""
    configuration = json.loads((model / "config.json").read_text("utf-8"))
    configuration["vocab_size"] = len(vocabulary)
    with safe_open(model / "model.safetensors", framework="pt") as file:
        weights = {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118
            if not name.startswith(_LEFT_OUT)
        }
    weights[WORDS] = weights[WORDS][torch.from_numpy(vocabulary).long()].contiguous()
    save_base(folder / BASE, Base(configuration, weights))


def save_base(path: Path, base: Base, bits: Mapping[str, int] | None = None) -> None:
    """Write weights; those that `bits` names at so many bits each, in blocks."""
    tensors: dict[str, Tensor] = {}
    for name, weight in base.weights.items():
        width = (bits or {}).get(name)
        if width is None:
            tensors[name] = weight.contiguous()
        else:
            packed = quantisation.pack(weight.numpy(), width)
            tensors |= {
                f"{name}{suffix}": torch.from_numpy(array)
                for suffix, array in packed.arrays().items()
            }
    about = {
        "configuration": json.dumps(base.configuration),
        "shapes": json.dumps({name: list(weight.shape) for name, weight in base.weights.items()}),
        "bits": json.dumps(dict(bits or {})),
    }
    save_file(tensors, path, metadata=about)


def read_base(path: Path) -> Base:
    """Read back what `write_base` or `save_base` wrote."""
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    bits, shapes = json.loads(about["bits"]), json.loads(about["shapes"])
    weights = {}
    for name, shape in shapes.items():
        if name in bits:
            arrays = {
                suffix: tensors[f"{name}{suffix}"].numpy() for suffix in quantisation.SUFFIXES
            }
            packed = quantisation.Packed.of(arrays, bits[name], tuple(shape))
            weights[name] = torch.from_numpy(quantisation.unpack(packed))
        else:
            weights[name] = tensors[name]
    return Base(json.loads(about["configuration"]), weights)
