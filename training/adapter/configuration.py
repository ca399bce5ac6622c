"""What a run is made of, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from training.adapter.batches import BatchPlan
from training.adapter.objective import LossPlan
from training.adapter.passages import QuestionStyle
from training.configuration import build, merged_content

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
    content = merged_content(DEFAULT, path, overrides)
    batches = content["batches"]
    return Configuration(
        model=build(ModelPlan, content["model"]),
        optimizer=build(OptimizerPlan, content["optimizer"]),
        logging=build(LoggingPlan, content["logging"]),
        batches=build(BatchPlan, batches | {"style": build(QuestionStyle, batches["style"])}),
        loss=build(LossPlan, content["loss"]),
        validation={name: build(SuitePlan, suite) for name, suite in content["validation"].items()},
    )
