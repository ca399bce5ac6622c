"""Trains the adapter on a corpus that `training.adapter.prepare` wrote; goes on where it stopped.

    python -m training.adapter.train FOLDER RUN [--config FILE] [--set NAME=VALUE …] [--minutes N]

FOLDER holds the corpus. RUN gets `checkpoint.safetensors`, `log.jsonl` and `configuration.json`;
if it holds a checkpoint, training goes on from there. Ends after the steps of the configuration or
the given minutes, whichever comes first, and can be stopped at any time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from qa_service.config import load_settings
from qa_service.encoder.embedded import embedded_model_folder
from training.adapter.batches import BatchMaker
from training.adapter.checkpoints import (
    State,
    moments_of,
    read_state,
    restore_moments,
    write_state,
)
from training.adapter.configuration import DEFAULT, Configuration, load_configuration
from training.adapter.documents import CorpusFile, Part
from training.adapter.encoder import TrainedEncoder
from training.adapter.means import RunningMeans
from training.adapter.objective import Loss, Objective
from training.adapter.prepare import CORPUS
from training.adapter.validation import Suite

CHECKPOINT, LOG, CONFIGURATION = "checkpoint.safetensors", "log.jsonl", "configuration.json"


def main() -> int:
    """Train until done or stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what prepare wrote")
    parser.add_argument("run", type=Path, help="the folder of this run")
    parser.add_argument("--config", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--validate-only", action="store_true", help="judge what is there")
    arguments = parser.parse_args()
    try:
        configuration = load_configuration(arguments.config, arguments.changes)
    except ValueError as error:
        parser.error(str(error))
    arguments.run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(configuration, arguments.folder / CORPUS, arguments.run)
    if arguments.validate_only:
        trainer.validate()
    else:
        trainer.train(arguments.minutes)
    return 0


class Trainer:
    """One run: its model, its data and its folder."""

    def __init__(self, configuration: Configuration, corpus: Path, run: Path) -> None:
        """Load everything, and the run's checkpoint if it has one."""
        self._configuration, self._run = configuration, run
        model, optimizer = configuration.model, configuration.optimizer
        if model.threads:
            torch.set_num_threads(model.threads)
        # A is random at first, and so follows from the seed.
        torch.manual_seed(optimizer.seed)
        self._encoder = TrainedEncoder(
            embedded_model_folder(load_settings().cache),
            model.rank,
            model.alpha,
            torch.device(model.device),
            getattr(torch, model.dtype),
            model.max_tokens,
        )
        self._parameters = self._encoder.adapter.parameters()
        self._optimizer = torch.optim.AdamW(
            list(self._parameters.values()),
            lr=optimizer.learning_rate,
            weight_decay=optimizer.weight_decay,
            betas=(0.9, 0.98),
        )
        self._objective = Objective(self._encoder, configuration.loss, model.most_tokens)
        self._corpus = CorpusFile(corpus)
        with corpus.open("rb") as file:
            self._corpus_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._batches = BatchMaker(self._corpus, configuration.batches, Part.TRAIN, optimizer.seed)
        self._step = 0
        self._is_stopped = False
        if (run / CHECKPOINT).exists():
            self._resume(read_state(run / CHECKPOINT))
        (run / CONFIGURATION).write_text(
            json.dumps(configuration.to_json(), indent=1) + "\n", "utf-8"
        )

    def _resume(self, state: State) -> None:
        if state.about.get("corpus_sha256") != self._corpus_sha256:
            sys.exit(
                f"{self._run / CHECKPOINT} was trained on another corpus than {CORPUS} is now. "
                f"Name another folder for the run, or prepare the same sources again."
            )
        self._encoder.adapter.load(dict(state.parameters))
        restore_moments(self._optimizer, self._parameters, state.moments, state.step)
        device = self._configuration.model.device
        self._objective.restore(
            RunningMeans({name: value.to(device) for name, value in state.means.items()}),
            RunningMeans({name: value.to(device) for name, value in state.frozen_means.items()}),
        )
        self._step = state.step

    def train(self, minutes: float) -> None:
        """Go on until the last step, the last minute, or a signal to end."""
        plan, logging = self._configuration.optimizer, self._configuration.logging
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        if self._step == 0:
            self.validate()
        started = saved = time.monotonic()
        while self._step < plan.steps and not self._is_stopped:
            if time.monotonic() - started > 60 * minutes:
                break
            self._take_step()
            if time.monotonic() - saved > 60 * logging.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
            is_due = logging.validate_every and self._step % logging.validate_every == 0
            if is_due and self._step < plan.steps:
                self.save()
                self.validate()
                saved = time.monotonic()
        self.save()
        if self._step >= plan.steps:
            self.validate()

    def _stop(self, *_: object) -> None:
        self._is_stopped = True

    def _take_step(self) -> None:
        plan = self._configuration.optimizer
        began = time.monotonic()
        learning_rate = plan.learning_rate * rate_at(self._step, plan.warmup_steps, plan.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        losses: list[Loss] = []
        pairs = []
        for part in range(plan.accumulate):
            batch = self._batches.draw(self._step * plan.accumulate + part)
            loss = self._objective(batch)
            (loss.total / plan.accumulate).backward()  # type: ignore[no-untyped-call]
            losses.append(loss)
            pairs.append(f"{batch.source} {batch.asker}>{batch.other} {len(batch.examples)}")
        # A gradient that is no number ends the run; the last checkpoint is from before it.
        norm = torch.nn.utils.clip_grad_norm_(
            self._parameters.values(), plan.clip_norm, error_if_nonfinite=True
        )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._step += 1
        elapsed_s = time.monotonic() - began
        tokens = sum(loss.tokens for loss in losses)
        self._log(
            {
                "step": self._step,
                "loss": mean_of([{"total": float(loss.total.detach())} for loss in losses])[
                    "total"
                ],
                **mean_of([loss.terms for loss in losses]),
                "batches": pairs,
                "tokens": tokens,
                "seconds": round(elapsed_s, 2),
                "tokens_per_s": round(tokens / elapsed_s),
                "learning_rate": learning_rate,
                "gradient_norm": round(float(norm), 4),
            }
        )

    def validate(self) -> None:
        """Judge the present state and log how it did."""
        for name, plan in self._configuration.validation.items():
            began = time.monotonic()
            suite = Suite(self._corpus, plan, self._configuration.batches.held_out)
            found = suite.measure(self._encoder, self._configuration.model.most_tokens)
            self._log(
                {
                    "step": self._step,
                    "validation": name,
                    "seconds": round(time.monotonic() - began, 1),
                    "scores": {
                        group: {key: round(value, 4) for key, value in scores.items()}
                        for group, scores in found.items()
                    },
                }
            )

    def save(self) -> None:
        """Write the checkpoint over the last one."""
        write_state(
            self._run / CHECKPOINT,
            State(
                step=self._step,
                parameters=self._parameters,
                moments=moments_of(self._optimizer, self._parameters),
                means=self._objective.means.to_tensors(),
                frozen_means=self._objective.frozen_means.to_tensors(),
                about={
                    "corpus_sha256": self._corpus_sha256,
                    "configuration": self._configuration.to_json(),
                },
            ),
        )

    def _log(self, row: Mapping[str, object]) -> None:
        line = json.dumps(row, ensure_ascii=False)
        with (self._run / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        shown = {key: value for key, value in row.items() if key != "scores"}
        if isinstance(scores := row.get("scores"), dict):
            shown |= {group: found for group, found in scores.items() if ">" not in group}
        print(json.dumps(shown, ensure_ascii=False), flush=True)


def rate_at(step: int, warmup_steps: int, steps: int) -> float:
    """Return the share of the learning rate at a step: up in a line, down along a cosine to 5 %."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    passed = min((step - warmup_steps) / max(steps - warmup_steps, 1), 1.0)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * passed)) / 2


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each value over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for name in names:
        values = [row[name] for row in rows if name in row]
        found[name] = round(sum(values) / len(values), 4)
    return found


if __name__ == "__main__":
    sys.exit(main())
