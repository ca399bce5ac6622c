"""A run's state on disk: whole or not at all, in safetensors, so that it can go on anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_PARAMETER, _MEAN, _FROZEN_MEAN = "parameter:", "mean:", "frozen mean:"
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class State:
    """All that a run needs to go on: batches follow from the seed and the step.

    `parameters`: what is trained. `moments`: of the optimiser, by their names and the parameter's.
    `about`: anything JSON can hold. `means`, `frozen_means`: as in `RunningMeans.to_tensors`.
    """

    step: int
    parameters: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    about: Mapping[str, object]
    means: Mapping[str, Tensor] = field(default_factory=dict)
    frozen_means: Mapping[str, Tensor] = field(default_factory=dict)


def write_state(path: Path, state: State) -> None:
    """Write a state beside its place and put it there by one rename."""
    tensors: dict[str, Tensor] = {}
    for prefix, found in (
        (_PARAMETER, state.parameters),
        ("", {f"{name}": value for name, value in state.moments.items()}),
        (_MEAN, state.means),
        (_FROZEN_MEAN, state.frozen_means),
    ):
        for name, value in found.items():
            tensors[prefix + name] = value.detach().cpu().contiguous()
    metadata = {"step": str(state.step), "about": json.dumps(state.about, ensure_ascii=False)}
    partial = path.with_name(f"{path.name}.partial")
    save_file(tensors, partial, metadata=metadata)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def read_state(path: Path) -> State:
    """Read back what `write_state` wrote."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return State(
        step=int(metadata["step"]),
        parameters=_starting(tensors, _PARAMETER),
        moments={name: value for name, value in tensors.items() if name.split(":")[0] in _MOMENTS},
        means=_starting(tensors, _MEAN),
        frozen_means=_starting(tensors, _FROZEN_MEAN),
        about=json.loads(metadata["about"]),
    )


def _starting(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def moments_of(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, torch.nn.Parameter]
) -> dict[str, Tensor]:
    """Return the optimiser's running averages, by name; none before its first step."""
    found: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = optimizer.state.get(parameter, {})
        for moment in _MOMENTS:
            if moment in state:
                found[f"{moment}:{name}"] = state[moment]
    return found


def restore_moments(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, torch.nn.Parameter],
    moments: Mapping[str, Tensor],
    steps: int,
) -> None:
    """Put back what `moments_of` returned after so many steps."""
    for name, parameter in parameters.items():
        if f"{_MOMENTS[0]}:{name}" in moments:
            optimizer.state[parameter] = {
                "step": torch.tensor(float(steps)),
                **{
                    moment: moments[f"{moment}:{name}"].to(parameter.device).clone()
                    for moment in _MOMENTS
                },
            }
