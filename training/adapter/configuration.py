"""What a run is made of, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from training.adapter.batches import BatchPlan
from training.adapter.objective import LossPlan
from training.adapter.passages import QuestionStyle

DEFAULT = Path(__file__).with_name("default.toml")


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The adapter's size and how the model runs."""

    rank: int
    alpha: float
    dtype: Literal["bfloat16", "float32"]
    device: str
    threads: int
    most_tokens: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """How long and how fast."""

    seed: int
    steps: int
    learning_rate: float
    warmup_steps: int
    weight_decay: float
    accumulate: int
    clip_norm: float


@dataclass(frozen=True, slots=True)
class LoggingPlan:
    """When to write down how it goes. `validate_every` counts steps, 0 for the end alone."""

    checkpoint_minutes: float
    validate_every: int


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What to judge by: `passages` of each language at most, `questions` of each pair."""

    languages: tuple[str, ...]
    sources: tuple[str, ...]
    passages: int
    questions: int
    target_tokens: float
    asks: Literal["headings", "sentences"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of it."""

    model: ModelPlan
    optimizer: OptimizerPlan
    logging: LoggingPlan
    batches: BatchPlan
    loss: LossPlan
    validation: Mapping[str, SuitePlan]

    def to_json(self) -> dict[str, Any]:
        """Return all values, to be written beside what they made."""
        return asdict(self)


def load_configuration(path: Path, overrides: Sequence[str] = ()) -> Configuration:
    """Read a file over the defaults; `overrides` are lines such as `loss.anchor=0.1`.

    Raises:
        ValueError: a name is unknown or a line is no TOML; names it.
    """
    content = tomllib.loads(DEFAULT.read_text("utf-8"))
    if path != DEFAULT:
        _merge(content, tomllib.loads(path.read_text("utf-8")), path.name)
    for line in overrides:
        _merge(content, tomllib.loads(line), "--set")
    batches = content["batches"]
    return Configuration(
        model=_build(ModelPlan, content["model"]),
        optimizer=_build(OptimizerPlan, content["optimizer"]),
        logging=_build(LoggingPlan, content["logging"]),
        batches=_build(BatchPlan, batches | {"style": _build(QuestionStyle, batches["style"])}),
        loss=_build(LossPlan, content["loss"]),
        validation={
            name: _build(SuitePlan, suite) for name, suite in content["validation"].items()
        },
    )


def _merge(content: dict[str, Any], changes: Mapping[str, Any], where: str) -> None:
    for name, value in changes.items():
        if name not in content:
            raise ValueError(f"{where}: {name} is unknown; there are {', '.join(content)}")
        if isinstance(value, dict):
            _merge(content[name], value, f"{where}: {name}")
        else:
            content[name] = value


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    known = {one.name for one in fields(kind)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(f"{kind.__name__}: {', '.join(unknown)} is unknown")
    return kind(**{name: _frozen(value) for name, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
