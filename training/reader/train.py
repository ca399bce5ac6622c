"""Trains the reader on what `training.reader.prepare` wrote; goes on where it stopped.

    python -m training.reader.train FOLDER RUN [--minutes N] [--set NAME=VALUE …]
    python -m training.reader.train FOLDER RUN --start-from OTHER --set optimizer.decay_steps=N

FOLDER holds the corpus and the weights. RUN gets `checkpoint.safetensors`, `log.jsonl` and
`configuration.json`; if it holds a checkpoint, training goes on from there. Without
`optimizer.decay_steps` a run has no end: it stops after the given minutes, or when told to, and can
always go on. With it the rate falls to 0 in so many steps and the run ends: that is how a file to
ship is made of a run that has not ended, `--start-from` its checkpoint, in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch

from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from training.adapter.checkpoints import (
    State,
    moments_of,
    read_state,
    restore_moments,
    write_state,
)
from training.reader.base import BASE, read_base
from training.reader.batches import Batch, dealt, make_batch
from training.reader.configuration import DEFAULT, Configuration, load_configuration, rate_at
from training.reader.corpus import CORPUS, read_corpus
from training.reader.examples import Example, ExampleMaker
from training.reader.gradients import add_gradients
from training.reader.losses import losses
from training.reader.model import Scores, SpanReader, is_head
from training.reader.split import Part
from training.reader.validation import chosen_examples, judge, read_all
from training.reader.vocabulary import CutSplitter

CHECKPOINT, LOG, CONFIGURATION = "checkpoint.safetensors", "log.jsonl", "configuration.json"

_BETAS = (0.9, 0.98)
# Steps whose examples are drawn together.
_DEALT = 4


def main() -> int:
    """Train until done or stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what prepare or pack wrote")
    parser.add_argument("run", type=Path, help="the folder of this run")
    parser.add_argument("--config", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--start-from", type=Path, help="a run to go on from in this new one")
    arguments = parser.parse_args()
    try:
        configuration = load_configuration(arguments.config, arguments.changes)
    except ValueError as error:
        parser.error(str(error))
    arguments.run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(configuration, arguments.folder, arguments.run, arguments.start_from)
    trainer.train(arguments.minutes)
    return 0


class Trainer:
    """One run: its model, its data and its folder."""

    def __init__(
        self, configuration: Configuration, data: Path, run: Path, start_from: Path | None = None
    ) -> None:
        """Load everything, and the checkpoint of the run, or of the one that it starts from."""
        self._configuration, self._run = configuration, run
        model, optimizer = configuration.model, configuration.optimizer
        torch.manual_seed(optimizer.seed)
        self._device = torch.device(model.device)
        self._dtype = dtype_for(model.dtype, self._device)
        self._reader = SpanReader(read_base(data / BASE), model.frozen_layers).to(self._device)
        self._parameters = self._reader.trained()
        self._optimizer = torch.optim.AdamW(
            self._groups(), lr=optimizer.learning_rate, betas=_BETAS, fused=True
        )
        self._corpus = read_corpus(data / CORPUS)
        splitter = CutSplitter(data / UNIGRAM_MODEL, self._corpus.vocabulary)
        self._examples = ExampleMaker(
            self._corpus, splitter, configuration.examples, [Part.TRAIN], optimizer.seed
        )
        self._blocks: dict[int, list[list[list[Example]]]] = {}
        self._fetcher: threading.Thread | None = None
        self._step = 0
        self._decay_from: int | None = None
        self._is_stopped = False
        checkpoint = run / CHECKPOINT
        if not checkpoint.exists() and start_from is not None:
            checkpoint = start_from / CHECKPOINT
            if not checkpoint.exists():
                sys.exit(f"{checkpoint} is missing; name the folder of a run that has begun")
        if checkpoint.exists():
            self._resume(read_state(checkpoint), is_own=checkpoint.parent == run)
        if self._decay_from is None and optimizer.decay_steps:
            self._decay_from = self._step
        (run / CONFIGURATION).write_text(
            json.dumps(configuration.to_json(), indent=1) + "\n", "utf-8"
        )

    def _groups(self) -> list[dict[str, object]]:
        """Return what the optimiser takes: heads apart, and no decay of what is no matrix."""
        plan = self._configuration.optimizer
        groups = []
        for is_of_head in (False, True):
            for is_matrix in (False, True):
                members = [
                    one
                    for name, one in self._parameters.items()
                    if is_head(name) == is_of_head and (one.ndim > 1) == is_matrix
                ]
                scale = plan.head_rate if is_of_head else 1.0
                decay = plan.weight_decay if is_matrix else 0.0
                groups.append({"params": members, "weight_decay": decay, "scale": scale})
        return groups

    def _resume(self, state: State, *, is_own: bool) -> None:
        self._reader.load(state.parameters)
        restore_moments(self._optimizer, self._parameters, state.moments, state.step)
        self._step = state.step
        decay_from = state.about.get("decay_from")
        if is_own and isinstance(decay_from, int):
            self._decay_from = decay_from

    def train(self, minutes: float) -> None:
        """Go on until the rate is 0, the last minute, or a signal to end."""
        logging = self._configuration.logging
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        started = saved = validated = time.monotonic()
        while not self._is_stopped and not self._has_ended():
            now = time.monotonic()
            if now - started > 60 * minutes:
                break
            self._take_step()
            if now - saved > 60 * logging.checkpoint_minutes:
                self.save()
                saved = now
            if logging.validate_minutes and now - validated > 60 * logging.validate_minutes:
                self.save()
                self.validate()
                saved = validated = time.monotonic()
        self.save()
        if self._has_ended():
            self.validate()

    def _has_ended(self) -> bool:
        steps = self._configuration.optimizer.decay_steps
        return self._decay_from is not None and self._step >= self._decay_from + steps

    def _stop(self, *_: object) -> None:
        self._is_stopped = True

    def _take_step(self) -> None:
        plan, model = self._configuration.optimizer, self._configuration.model
        began = time.monotonic()
        rate = plan.learning_rate * rate_at(
            self._step, plan.warmup_steps, self._decay_from, plan.decay_steps
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        runs = self._drawn(self._step)
        examples = [example for run in runs for example in run]
        batches = [make_batch(run) for run in runs]
        sums: list[dict[str, float]] = []

        def loss_of(batch: Batch) -> torch.Tensor:
            batch = batch.to(self._device)
            found = losses(self._score(self._reader, batch), batch)
            is_answerable = batch.is_answerable.float()
            sums.append(
                {
                    "span": float(found.span.detach().sum()),
                    "none": float((found.span.detach() * (1 - is_answerable)).sum()),
                    "answerability": float(found.answerability.detach().sum()),
                }
            )
            return found.total(self._configuration.loss) / len(examples)

        threads = model.threads if self._device.type == "cpu" else 1
        add_gradients(list(self._parameters.values()), batches, loss_of, threads)
        # A gradient that is no number ends the run; the last checkpoint is from before it.
        norm = torch.nn.utils.clip_grad_norm_(
            self._parameters.values(), plan.clip_norm, error_if_nonfinite=True
        )
        self._optimizer.step()
        self._step += 1
        elapsed_s = time.monotonic() - began
        tokens = sum(map(len, examples))
        totals = {name: sum(one[name] for one in sums) for name in sums[0]}
        unanswerable = sum(not len(example.spans) for example in examples)
        answerable = len(examples) - unanswerable
        self._log(
            {
                "step": self._step,
                "loss": round(totals["span"] / len(examples), 4),
                "answerable": round((totals["span"] - totals["none"]) / max(answerable, 1), 4),
                "none": round(totals["none"] / max(unanswerable, 1), 4),
                "answerability": round(totals["answerability"] / len(examples), 4),
                "examples": len(examples),
                "kinds": dict(Counter(example.kind for example in examples)),
                "tokens": tokens,
                "padding": round(1 - tokens / sum(batch.tokens for batch in batches), 3),
                "seconds": round(elapsed_s, 2),
                "tokens_per_s": round(tokens / elapsed_s),
                "learning_rate": rate,
                "gradient_norm": round(float(norm), 3),
            }
        )

    def _drawn(self, step: int) -> list[list[Example]]:
        """Return the examples of a step, those that run together in one list."""
        block, place = divmod(step, _DEALT)
        if block not in self._blocks:
            self._blocks = {block: self._draw_block(block)}
        found = self._blocks[block][place]
        if place == 0:
            self._fetcher = threading.Thread(target=self._fetch, args=(block + 1,))
            self._fetcher.start()
        if place == _DEALT - 1 and self._fetcher is not None:
            self._fetcher.join()
            del self._blocks[block]
        return found

    def _fetch(self, block: int) -> None:
        self._blocks[block] = self._draw_block(block)

    def _draw_block(self, block: int) -> list[list[list[Example]]]:
        steps = [self._examples.draw(block * _DEALT + place) for place in range(_DEALT)]
        rng = random.Random(f"{self._configuration.optimizer.seed}:{block}")
        return dealt(steps, self._configuration.model.most_tokens, rng)

    def _score(self, reader: SpanReader, batch: Batch) -> Scores:
        is_mixed = self._dtype != torch.float32
        with torch.autocast(self._device.type, self._dtype, enabled=is_mixed):
            scores: Scores = reader(batch.to(self._device))
        return scores

    def validate(self) -> None:
        """Judge the present state and log how it did."""
        plan = self._configuration.validation
        began = time.monotonic()
        chosen = chosen_examples(self._corpus, self._examples, plan)
        if not chosen:
            # What judges stays behind when a corpus is packed.
            return
        readings = read_all(
            self._reader, chosen, self._configuration.model.most_tokens, self._score
        )
        found = judge(self._corpus, chosen, readings)
        self._log(
            {
                "step": self._step,
                "seconds": round(time.monotonic() - began, 1),
                "validation": {
                    group: {name: round(value, 4) for name, value in figures.items()}
                    for group, figures in found.items()
                },
            }
        )

    def save(self) -> None:
        """Write the checkpoint over the last one."""
        write_state(
            self._run / CHECKPOINT,
            State(
                step=self._step,
                parameters=self._reader.weights(),
                moments=moments_of(self._optimizer, self._parameters),
                about={
                    "configuration": self._configuration.to_json(),
                    "decay_from": self._decay_from,
                },
            ),
        )

    def _log(self, row: Mapping[str, object]) -> None:
        line = json.dumps(row, ensure_ascii=False)
        with (self._run / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)


def dtype_for(name: str, device: torch.device) -> torch.dtype:
    """Return what matrix products are computed in; "auto" takes bfloat16 where it is quick."""
    if name != "auto":
        found = getattr(torch, name)
        assert isinstance(found, torch.dtype)
        return found
    is_quick = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if is_quick else torch.float32


if __name__ == "__main__":
    sys.exit(main())
