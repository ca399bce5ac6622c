"""Takes a run's weights from one machine to another in parcels of limited size.

    python -m training.reader.transfer RUN PARCELS                 where it was trained
    python -m training.reader.transfer --join PARCELS RUN          where it goes on

Weights travel as float16, the optimiser's averages not at all: they are found again within some
dozens of steps.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from training.adapter.checkpoints import State, read_state, write_state
from training.reader.train import CHECKPOINT, LOG

MOST_BYTES = 15_000_000
_PARCEL = "weights-{}.safetensors"


def main() -> int:
    """Part, or put together."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--join", action="store_true")
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    if arguments.join:
        join_run(arguments.source, arguments.target)
    else:
        part_run(arguments.source, arguments.target)
    for path in sorted(arguments.target.iterdir()):
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


def part_run(run: Path, parcels: Path, most_bytes: int = MOST_BYTES) -> None:
    """Write a run's weights and its log to a folder, no file larger than `most_bytes`.

    A single matrix that is larger gets a file of its own.
    """
    state = read_state(run / CHECKPOINT)
    groups: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in state.parameters.items():
        half = value.to(torch.float16).contiguous()
        if groups[-1] and size + half.nbytes > most_bytes:
            groups.append({})
            size = 0
        groups[-1][name] = half
        size += half.nbytes
    about = {"step": str(state.step), "about": json.dumps(state.about), "parcels": str(len(groups))}
    for number, group in enumerate(groups, 1):
        save_file(group, parcels / _PARCEL.format(number), metadata=about)
    shutil.copyfile(run / LOG, parcels / LOG)


def join_run(parcels: Path, run: Path) -> None:
    """Write a checkpoint from which a run goes on, and the log that came with it.

    Raises:
        ValueError: a parcel is missing.
    """
    tensors: dict[str, Tensor] = {}
    about: Mapping[str, str] = {}
    number, expected = 1, 1
    while number <= expected:
        path = parcels / _PARCEL.format(number)
        if not path.exists():
            raise ValueError(f"{path} is missing; {expected} parcels were written")
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            tensors |= {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        number, expected = number + 1, int(about["parcels"])
    state = State(int(about["step"]), tensors, {}, json.loads(about["about"]))
    write_state(run / CHECKPOINT, state)
    shutil.copyfile(parcels / LOG, run / LOG)


if __name__ == "__main__":
    sys.exit(main())
