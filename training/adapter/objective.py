"""The loss of one batch: contrast across and within languages, held by the frozen model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.adapter.batches import Batch
from training.adapter.encoder import PASSAGE, QUERY, Inputs, Outputs, TrainedEncoder
from training.adapter.losses import contrast, keep_direction, keep_ranking
from training.adapter.means import RunningMeans
from training.adapter.scoring import Scorer, Scores

# Below every score.
_LOWEST = -1e4


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights of the terms, 0 for none, and temperatures.

    `…_contrast`: right passages, in either language, above wrong ones in both. `…_keep`: within a
    language, passages rank as by the frozen model. `…_transfer`: across languages, too, they rank
    as the frozen model ranks them within the asker's. `anchor`: token vectors of the asker's
    language stay where they were. `vector_transfer`: a passage's vector moves to where the frozen
    model puts its version in the asker's language. `translated`: how much of what `…_keep` and
    `…_transfer` hold to is the frozen model's ranking for the question's translation, among
    passages in that language, where the translation is known; 0..1.
    """

    dense_contrast: float = 0.3
    late_contrast: float = 1.0
    dense_keep: float = 0.3
    late_keep: float = 1.0
    dense_transfer: float = 0.3
    late_transfer: float = 1.0
    anchor: float = 0.5
    vector_transfer: float = 0.0
    translated: float = 0.0
    dense_temperature: float = 0.05
    late_temperature: float = 0.03
    keep_temperature: float = 0.05

    @property
    def needs_frozen(self) -> bool:
        """Tell whether the frozen model has to run as well."""
        return bool(
            self.dense_keep
            or self.late_keep
            or self.dense_transfer
            or self.late_transfer
            or self.anchor
            or self.vector_transfer
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` carries gradients; `terms` are the unweighted parts and accuracies, for the log."""

    total: Tensor
    terms: dict[str, float]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Encoded:
    inputs: Inputs
    outputs: Outputs


class Objective:
    """Computes losses; keeps the running means of the trained model and of the frozen one."""

    def __init__(self, encoder: TrainedEncoder, plan: LossPlan, most_tokens: int) -> None:
        self._encoder = encoder
        self._plan = plan
        self._most_tokens = most_tokens
        self.means, self.frozen_means = RunningMeans(), RunningMeans()

    def restore(self, means: RunningMeans, frozen_means: RunningMeans) -> None:
        """Go on with the means of an earlier run."""
        self.means, self.frozen_means = means, frozen_means

    def __call__(self, batch: Batch) -> Loss:
        """Return the loss of a batch."""
        questions = self._encoder.prepare(QUERY, [one.question for one in batch.examples])
        own = self._encoder.prepare(PASSAGE, [one.own for one in batch.examples])
        is_cross = batch.other != batch.asker
        asked, known = self._encode(questions), self._encode(own)
        scorer = Scorer(self.means)
        scorer.see(questions, asked.outputs, "query", batch.asker)
        scorer.see(own, known.outputs, "passage", batch.asker)
        tokens = int(questions.mask.sum() + own.mask.sum())
        other = None
        if is_cross:
            inputs = self._encoder.prepare(PASSAGE, [one.other for one in batch.examples])
            other = self._encode(inputs)
            scorer.see(inputs, other.outputs, "passage", batch.other)
            tokens += int(inputs.mask.sum())
        same = _score(scorer, asked, batch.asker, known, batch.asker)
        cross = _score(scorer, asked, batch.asker, other, batch.other) if other else None
        is_negative = torch.from_numpy(batch.negatives()).to(same.dense.device)
        parts = self._contrast(same, cross, is_negative)
        if self._plan.needs_frozen:
            parts |= self._hold(batch, asked, known, other, same, cross)
        total = sum(
            (getattr(self._plan, name) * value for name, value in parts.items()),
            start=torch.zeros((), device=same.dense.device),
        )
        terms = {name: float(value.detach()) for name, value in parts.items()}
        terms |= _accuracies(same, cross, is_negative)
        return Loss(total, terms, tokens)

    def _encode(self, inputs: Inputs) -> _Encoded:
        return _Encoded(inputs, self._encoder.encode(inputs, self._most_tokens))

    def _contrast(
        self, same: Scores, cross: Scores | None, is_negative: Tensor
    ) -> dict[str, Tensor]:
        plan = self._plan
        found = {}
        for name, temperature in (
            ("dense", plan.dense_temperature),
            ("late", plan.late_temperature),
        ):
            own: Tensor = getattr(same, name)
            if cross is None:
                value = contrast(own.diagonal(), own, is_negative, temperature)
            else:
                others: Tensor = getattr(cross, name)
                both, wrong = torch.cat([own, others], dim=1), is_negative.repeat(1, 2)
                value = (
                    contrast(own.diagonal(), both, wrong, temperature)
                    + contrast(others.diagonal(), both, wrong, temperature)
                ) / 2
            found[f"{name}_contrast"] = value
        return found

    def _hold(
        self,
        batch: Batch,
        asked: _Encoded,
        known: _Encoded,
        other: _Encoded | None,
        same: Scores,
        cross: Scores | None,
    ) -> dict[str, Tensor]:
        """Return the terms that the frozen model gives."""
        with torch.no_grad(), self._encoder.adapter.off():
            questions, own = self._encode(asked.inputs), self._encode(known.inputs)
            scorer = Scorer(self.frozen_means)
            scorer.see(questions.inputs, questions.outputs, "query", batch.asker)
            scorer.see(own.inputs, own.outputs, "passage", batch.asker)
            frozen = _score(scorer, questions, batch.asker, own, batch.asker)
            if other is not None and self._plan.translated:
                frozen = self._mix(frozen, scorer, batch, other.inputs)
            center = self.frozen_means.average("tokens/")
        temperature = self._plan.keep_temperature
        parts = {
            "dense_keep": keep_ranking(same.dense, frozen.dense, temperature),
            "late_keep": keep_ranking(same.late, frozen.late, temperature),
            "anchor": keep_direction(
                known.outputs.tokens[known.inputs.is_kept] - center,
                own.outputs.tokens[known.inputs.is_kept] - center,
            ),
        }
        if cross is not None and other is not None:
            parts["dense_transfer"] = keep_ranking(cross.dense, frozen.dense, temperature)
            parts["late_transfer"] = keep_ranking(cross.late, frozen.late, temperature)
            parts["vector_transfer"] = keep_direction(other.outputs.vectors, own.outputs.vectors)
        return parts

    def _mix(self, frozen: Scores, scorer: Scorer, batch: Batch, other: Inputs) -> Scores:
        """Mix in how translated questions score passages in their language, where there are any.

        Two languages err in different places, so what both say is nearer to the truth.
        """
        rows = [row for row, example in enumerate(batch.examples) if example.translation]
        if not rows:
            return frozen
        texts = [batch.examples[row].translation for row in rows]
        questions = self._encode(self._encoder.prepare(QUERY, texts))
        passages = self._encode(other)
        scorer.see(questions.inputs, questions.outputs, "query", batch.other)
        scorer.see(passages.inputs, passages.outputs, "passage", batch.other)
        translated = _score(scorer, questions, batch.other, passages, batch.other)
        share = self._plan.translated

        def mixed(own: Tensor, others: Tensor) -> Tensor:
            return own.index_copy(
                0, torch.tensor(rows, device=own.device), torch.lerp(own[rows], others, share)
            )

        return Scores(mixed(frozen.dense, translated.dense), mixed(frozen.late, translated.late))


def _score(
    scorer: Scorer, asked: _Encoded, asker: str, passages: _Encoded, language: str
) -> Scores:
    return scorer.score(
        asked.inputs, asked.outputs, asker, passages.inputs, passages.outputs, language
    )


def _accuracies(same: Scores, cross: Scores | None, is_negative: Tensor) -> dict[str, float]:
    """Return how often the right passage is above the wrong ones of its own language."""
    found = {}
    for name, scores in (("same", same), ("cross", cross)):
        if scores is None:
            continue
        for kind in ("dense", "late"):
            values: Tensor = getattr(scores, kind).detach()
            wrong = values.masked_fill(~is_negative, _LOWEST).amax(dim=1)
            found[f"{kind}_{name}_accuracy"] = float((values.diagonal() > wrong).float().mean())
    return found
