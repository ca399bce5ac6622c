"""What a run is made of, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from training.configuration import build, merged_content
from training.reader.augmentation import QuestionPlan
from training.reader.examples import KINDS, ExamplePlan
from training.reader.losses import LossPlan
from training.reader.validation import ValidationPlan

DEFAULT = Path(__file__).with_name("default.toml")


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """How the model runs, and what of it is trained."""

    device: str
    dtype: Literal["auto", "bfloat16", "float32"]
    threads: int
    most_tokens: int
    frozen_layers: int


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """How fast. `decay_steps`: in which the rate falls to 0, and the run ends; 0 for none."""

    seed: int
    learning_rate: float
    head_rate: float
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    decay_steps: int


@dataclass(frozen=True, slots=True)
class LoggingPlan:
    """When to write down how it goes. `validate_minutes`: 0 for the end of a decay alone."""

    checkpoint_minutes: float
    validate_minutes: float


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of it."""

    model: ModelPlan
    optimizer: OptimizerPlan
    loss: LossPlan
    logging: LoggingPlan
    validation: ValidationPlan
    examples: ExamplePlan

    def to_json(self) -> dict[str, Any]:
        """Return all values, to be written beside what they made."""
        return asdict(self)


def load_configuration(path: Path, overrides: Sequence[str] = ()) -> Configuration:
    """Read a file over the defaults; `overrides` are lines such as `loss.answerability=0.0`.

    Raises:
        ValueError: a name is unknown or a line is no TOML; names it.
    """
    content = merged_content(DEFAULT, path, overrides)
    examples: Mapping[str, Any] = content["examples"]
    unknown = sorted(examples["kinds"].keys() - set(KINDS))
    if unknown:
        raise ValueError(f"examples.kinds: {', '.join(unknown)} unknown; there are {KINDS}")
    return Configuration(
        model=build(ModelPlan, content["model"]),
        optimizer=build(OptimizerPlan, content["optimizer"]),
        loss=build(LossPlan, content["loss"]),
        logging=build(LoggingPlan, content["logging"]),
        validation=build(ValidationPlan, content["validation"]),
        examples=build(
            ExamplePlan, {**examples, "question": build(QuestionPlan, examples["question"])}
        ),
    )


def rate_at(step: int, warmup_steps: int, decay_from: int | None, decay_steps: int) -> float:
    """Return the share of the learning rate at a step: up in a line, level, down in a line to 0.

    So a run has no end that must be known beforehand (Hu et al. 2024, MiniCPM, arXiv:2404.06395).
    """
    share = min(1.0, (step + 1) / max(warmup_steps, 1))
    if decay_from is None or step < decay_from:
        return share
    return share * max(0.0, 1 - (step - decay_from) / max(decay_steps, 1))
