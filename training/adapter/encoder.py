"""The embedded model in torch: texts → vectors and token vectors that carry gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import BertModel
from transformers.utils import logging

from qa_service.encoder.splitters import SentencePieceSplitter
from qa_service.encoder.token_layers import read_token_layers
from qa_service.encoder.tokenization import TextTokenizer, TokenizedText
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from qa_service.indexer.embedding import LEAST_TELLING
from qa_service.retrieval.late_interaction import LEAST_WEIGHT, WEIGHT_OFFSET
from training.adapter import attention
from training.adapter.lora import Adapter

QUERY, PASSAGE = "query: ", "passage: "


@dataclass(frozen=True, slots=True)
class Inputs:
    """Tokenised texts in their order.

    `ids`, `mask`: (texts, length). `weights`: (texts, length), what each token counts as a token
    of a question, those of a text summing to 1. `is_kept`: (texts, length), which tokens of a
    passage an index would keep.
    """

    ids: Tensor
    mask: Tensor
    weights: Tensor
    is_kept: Tensor

    def rows(self, chosen: Tensor) -> Inputs:
        """Return some of the texts, in the order of their numbers in `chosen`."""
        return Inputs(
            self.ids[chosen], self.mask[chosen], self.weights[chosen], self.is_kept[chosen]
        )


@dataclass(frozen=True, slots=True)
class Outputs:
    """`vectors`: (texts, dimension), unit rows.

    `tokens`: (texts, length, dimension), raw sums of the model's layers for token vectors.
    """

    vectors: Tensor
    tokens: Tensor

    def rows(self, chosen: Tensor) -> Outputs:
        """Return some of the texts, in the order of their numbers in `chosen`."""
        return Outputs(self.vectors[chosen], self.tokens[chosen])


class TrainedEncoder:
    """The model with an adapter on it."""

    def __init__(
        self,
        folder: Path,
        rank: int,
        alpha: float,
        device: torch.device,
        dtype: torch.dtype,
        max_tokens: int = 512,
    ) -> None:
        """Load the unpacked embedded model.

        Args:
            folder: of the unpacked embedded model.
            rank: of the adapter.
            alpha: of the adapter.
            device: what runs it.
            dtype: what it computes in; normalisation and sums stay float32.
            max_tokens: longer texts are cut off.
        """
        attention.register()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        splitter = SentencePieceSplitter(folder / UNIGRAM_MODEL)
        self._tokenizer = TextTokenizer(splitter, splitter.token_weights(), max_tokens)
        self._device, self._dtype = device, dtype
        self._layers = read_token_layers(folder)
        model = BertModel.from_pretrained(
            str(folder),
            add_pooling_layer=False,
            dtype=dtype,
            local_files_only=True,
        )
        self.adapter = Adapter(model, rank, alpha, dtype)
        # Nothing drops out: the model is small, and changes must stay small.
        self.model = model.train(False).to(device)

    def prepare(self, prompt: str, texts: Sequence[str]) -> Inputs:
        """Tokenise texts, padded to the longest."""
        return self._pad(self._tokenizer.tokenize(prompt, texts))

    def encode(self, inputs: Inputs, most_tokens: int) -> Outputs:
        """Run the model, on texts alike in length together.

        Args:
            inputs: the texts.
            most_tokens: in one run, padding included; bounds the memory of attention.
        """
        lengths = inputs.mask.sum(dim=1)
        order = torch.argsort(lengths, stable=True)
        vectors: list[Tensor] = []
        tokens: list[Tensor] = []
        width = inputs.ids.shape[1]
        for rows in _runs(order.tolist(), lengths.tolist(), most_tokens):
            longest = int(lengths[rows[-1]])
            found, pooled = self._run(inputs.ids[rows, :longest], inputs.mask[rows, :longest])
            vectors.append(pooled)
            tokens.append(torch.nn.functional.pad(found, (0, 0, 0, width - longest)))
        back = torch.argsort(order)
        return Outputs(torch.cat(vectors)[back], torch.cat(tokens)[back])

    def _run(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        is_own = torch.is_grad_enabled() and self._device.type == "cpu"
        self.model.set_attn_implementation(attention.NAME if is_own else "sdpa")
        found = self.model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        hidden = found.last_hidden_state.float()
        present = mask[..., None].to(hidden.dtype)
        pooled = (hidden * present).sum(dim=1) / present.sum(dim=1)
        tokens = hidden
        if self._layers:
            every = found.hidden_states
            tokens = torch.stack([weight * every[n].float() for n, weight in self._layers]).sum(0)
        return tokens, torch.nn.functional.normalize(pooled, dim=-1)

    def _pad(self, texts: Sequence[TokenizedText]) -> Inputs:
        length = max(len(text.ids) for text in texts)
        ids = torch.ones((len(texts), length), dtype=torch.int64)
        mask = torch.zeros((len(texts), length), dtype=torch.int64)
        weights = torch.zeros((len(texts), length))
        is_kept = torch.zeros((len(texts), length), dtype=torch.bool)
        for row, text in enumerate(texts):
            ids[row, : len(text.ids)] = torch.from_numpy(text.ids)
            mask[row, : len(text.ids)] = 1
            places = torch.from_numpy(text.positions).long()
            told = torch.from_numpy(text.weights)
            if not len(places):
                continue
            counted = torch.clamp(told - WEIGHT_OFFSET, min=LEAST_WEIGHT)
            weights[row, places] = counted / counted.sum()
            telling = told >= LEAST_TELLING
            is_kept[row, places] = telling if telling.any() else torch.ones_like(telling)
        return Inputs(
            *(tensor.to(self._device) for tensor in (ids, mask, weights, is_kept)),
        )


def _runs(order: Sequence[int], lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Divide rows, shortest first, so that no run has more tokens than allowed, or one text."""
    runs: list[list[int]] = []
    for row in order:
        if runs and (len(runs[-1]) + 1) * lengths[row] <= most_tokens:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs
