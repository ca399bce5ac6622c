"""The span reader: the embedded model's layers, and what reads answers off the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from training.adapter import attention
from training.reader.base import Base
from training.reader.batches import Batch

SPAN, ANSWERABLE = "span", "answerable"
"""Names of the heads: (2, dimension) for start and end, (1, dimension) for the first token."""

# Far below what any token scores, and finite, so that sums of two stay numbers.
_CLOSED = -1e4
_HEAD_SPREAD = 0.02
_EMBEDDINGS = "encoder.embeddings."


@dataclass(frozen=True, slots=True)
class Scores:
    """`starts`, `ends`: (examples, length), logits. `answerable`: (examples,), a logit."""

    starts: Tensor
    ends: Tensor
    answerable: Tensor


class SpanReader(nn.Module):
    """Question and passage → where the answer starts and ends, and whether there is one."""

    def __init__(self, base: Base, frozen_layers: int = 0) -> None:
        """Take over the weights, those of heads too if there are any.

        Embeddings and as many of the lowest layers as `frozen_layers` says stay as they are.
        """
        super().__init__()
        attention.register()
        configuration = BertConfig(**dict(base.configuration))
        self.encoder = BertModel(configuration, add_pooling_layer=False)
        encoder = {name: one for name, one in base.weights.items() if not is_head(name)}
        self.encoder.load_state_dict(encoder)
        size = configuration.hidden_size
        # What is added to all places of a text alike changes no probability.
        self.span = nn.Linear(size, 2, bias=False)
        self.answerable = nn.Linear(size, 1)
        for head in (self.span, self.answerable):
            nn.init.normal_(head.weight, std=_HEAD_SPREAD)
        nn.init.zeros_(self.answerable.bias)
        heads = {name: one for name, one in base.weights.items() if is_head(name)}
        if heads:
            self.load_state_dict(heads, strict=False)
        self.encoder.embeddings.requires_grad_(False)
        for layer in self.encoder.encoder.layer[:frozen_layers]:
            layer.requires_grad_(False)
        # Nothing drops out: a run sees each example about once.
        self.train(False)

    def forward(self, batch: Batch) -> Scores:
        """Score every token; those that may be no answer far below all others."""
        is_own = torch.is_grad_enabled() and batch.ids.device.type == "cpu"
        wanted = attention.NAME if is_own else "sdpa"
        if self.encoder.config._attn_implementation != wanted:
            self.encoder.set_attn_implementation(wanted)
        hidden = self.encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
        logits = self.span(hidden).float().masked_fill(~batch.is_open[..., None], _CLOSED)
        return Scores(
            logits[..., 0], logits[..., 1], self.answerable(hidden[:, 0]).float().squeeze(-1)
        )

    def trained(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""
        return {name: one for name, one in self.named_parameters() if one.requires_grad}

    def weights(self) -> dict[str, nn.Parameter]:
        """Return all that any run may train, by name: the layers and the heads."""
        return {
            name: one for name, one in self.named_parameters() if not name.startswith(_EMBEDDINGS)
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the values of layers and heads from `tensors`, which has them by name."""
        with torch.no_grad():
            for name, parameter in self.weights().items():
                parameter.copy_(tensors[name])


def is_head(name: str) -> bool:
    """Return whether a parameter is a head's, which learns from nothing."""
    return name.split(".")[0] in (SPAN, ANSWERABLE)
