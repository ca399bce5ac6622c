"""Writes a run's reader as one file to ship, with where it comes from.

    python -m training.reader.export FOLDER RUN OUTPUT [--bits 8] [--figures FILE]

FOLDER is what RUN was trained on. The file holds, for every matrix of the layers, what training
added to the embedded model's (with its adapter merged), in blocks of so many bits; vectors and
heads are whole. `--figures` takes a JSON file, such as `validate --output` writes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from qa_service.encoder.embedded import shipped_adapter
from qa_service.encoder.wheel import PACKAGE, PACKAGE_VERSION, WEIGHTS_SHA256
from training.adapter.checkpoints import State, read_state
from training.adapter.export import git
from training.reader import quantisation
from training.reader.base import BASE, read_base
from training.reader.model import is_head
from training.reader.prepare import REPORT
from training.reader.train import CHECKPOINT, LOG

FORMAT = "qa-service reader 1"
MOST_BYTES = 25_000_000
_ENCODER = "encoder."


def main() -> int:
    """Write the file, read it back, and tell how far it is from the run's weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--bits", type=int, default=8, choices=(4, 8))
    parser.add_argument("--figures", type=Path)
    arguments = parser.parse_args()
    state = read_state(arguments.run / CHECKPOINT)
    base = read_base(arguments.folder / BASE).weights
    about = {"trained": provenance(state, arguments.folder, arguments.run)}
    if arguments.figures is not None:
        about["figures"] = json.loads(arguments.figures.read_text("utf-8"))
    write_reader(arguments.output, state.parameters, base, arguments.bits, about)
    size = arguments.output.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{arguments.output} has {size} bytes, allowed are {MOST_BYTES}. Use --bits 4.")
    written = read_trained(arguments.output, base)
    print(f"{arguments.output}: {size} bytes, {arguments.bits} bits")
    print(f"lost of what training changed: {lost_share(state.parameters, written, base):.5f}")
    return 0


def write_reader(
    path: Path,
    trained: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
    bits: int,
    about: Mapping[str, object],
) -> None:
    """Write what training changed.

    A matrix W of the layers is W of the embedded model, adapter merged, plus what
    `quantisation.unpack` makes of `<name>.codes` and `<name>.scales`; a vector or a head is itself,
    float32. Names are those of transformers, without the `encoder.` before a layer's.
    """
    tensors: dict[str, Tensor] = {}
    shapes: dict[str, list[int]] = {}
    for name, value in sorted(trained.items()):
        if is_head(name) or value.ndim == 1:
            tensors[name.removeprefix(_ENCODER)] = value.detach().float().contiguous()
            continue
        short = name.removeprefix(_ENCODER)
        packed = quantisation.pack((value.detach() - base[short]).numpy(), bits)
        shapes[short] = list(value.shape)
        for suffix, array in packed.arrays().items():
            tensors[f"{short}{suffix}"] = torch.from_numpy(array)
    metadata = {
        "format": FORMAT,
        "bits": str(bits),
        "block": str(quantisation.BLOCK),
        "shapes": json.dumps(shapes),
        "base_sha256": WEIGHTS_SHA256,
        "adapter_sha256": shipped_adapter().sha256,
        "about": json.dumps(about, ensure_ascii=False, sort_keys=True),
    }
    save_file(tensors, path, metadata=metadata)


def read_trained(path: Path, base: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that a file and the embedded model make together, by the run's names."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} has format {metadata.get('format')!r}, expected {FORMAT!r}")
    found: dict[str, Tensor] = {}
    shapes = json.loads(metadata["shapes"])
    for name, shape in shapes.items():
        arrays = {
            suffix: tensors.pop(f"{name}{suffix}").numpy() for suffix in quantisation.SUFFIXES
        }
        packed = quantisation.Packed.of(arrays, int(metadata["bits"]), tuple(shape))
        found[f"{_ENCODER}{name}"] = base[name] + torch.from_numpy(quantisation.unpack(packed))
    for name, value in tensors.items():
        found[name if is_head(name) else f"{_ENCODER}{name}"] = value
    return found


def lost_share(
    trained: Mapping[str, Tensor], written: Mapping[str, Tensor], base: Mapping[str, Tensor]
) -> float:
    """Return the length of what rounding lost beside that of what training changed."""
    lost = changed = 0.0
    for name, value in trained.items():
        lost += float((written[name] - value).square().sum())
        if not is_head(name):
            changed += float((value - base[name.removeprefix(_ENCODER)]).square().sum())
    return math.sqrt(lost / max(changed, 1e-30))


def provenance(state: State, folder: Path, run: Path) -> dict[str, object]:
    """Return what the reader was made from: data with licences, settings, code, and how it did."""
    report = json.loads((folder / REPORT).read_text("utf-8"))
    rows = [json.loads(line) for line in (run / LOG).read_text("utf-8").splitlines()]
    # Steps after the last checkpoint were taken twice when a run was stopped by force.
    seen = {row["step"]: row for row in rows if "tokens" in row and row["step"] <= state.step}
    judged = [row for row in rows if "validation" in row]
    return {
        "base": f"{PACKAGE} {PACKAGE_VERSION}",
        "steps": state.step,
        "tokens": sum(row["tokens"] for row in seen.values()),
        "examples": sum(row["examples"] for row in seen.values()),
        "commit": git("rev-parse", "HEAD"),
        "is_modified": bool(git("status", "--porcelain", "--", "training", "qa_service")),
        "data": report,
        "validation": judged[-1] if judged else None,
        **state.about,
    }


if __name__ == "__main__":
    sys.exit(main())
