"""The model as sentence-transformers runs it, in float32: the reference, and the fallback.

Imports torch, which takes seconds and hundreds of megabytes: import this module only when needed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Before the libraries read it: models come from this machine alone.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils import logging

from qa_service.encoder.batching import BatchVectors, TokenBatch
from qa_service.encoder.description import ModelDescription
from qa_service.encoder.model_folder import ModelSource
from qa_service.encoder.token_layers import LAYERS_FILE, TokenLayers
from qa_service.errors import ModelUnavailableError

FP32 = "fp32"


class TokenAndTextVectors(torch.nn.Module):
    """A whole sentence-transformers pipeline as one function of tensors.

    Returns float32 vectors of tokens, (texts, tokens, dimension), the sum of the layers asked for,
    and of texts, (texts, dimension), unit rows.
    """

    def __init__(self, model: SentenceTransformer, layers: TokenLayers) -> None:
        super().__init__()
        self._model = model
        self._layers = layers
        if layers:
            transformer: Any = model[0]
            config = transformer.auto_model.config
            if layers[-1][0] > config.num_hidden_layers:
                raise ModelUnavailableError(
                    f"{LAYERS_FILE} of the model names layer {layers[-1][0]}; the model has "
                    f"{config.num_hidden_layers}. Mend the file, or delete it to use the last one."
                )
            config.output_hidden_states = True

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the model on padded ids and their mask, int64 (texts, tokens)."""
        found = self._model({"input_ids": input_ids, "attention_mask": attention_mask})
        tokens = found["token_embeddings"]
        if self._layers:
            every = found["all_layer_embeddings"]
            tokens = torch.stack([weight * every[layer] for layer, weight in self._layers]).sum(0)
        texts = torch.nn.functional.normalize(found["sentence_embedding"].float(), dim=-1)
        return tokens.float(), texts


class TorchRuntime:
    """Runs a `SentenceTransformer`: token and text vectors come from one forward pass."""

    def __init__(
        self, model: SentenceTransformer, layers: TokenLayers = (), threads: int = 0
    ) -> None:
        self._model = TokenAndTextVectors(model, layers)
        # One batch at a time, and the lock is free between batches: a question waits for the
        # batch under way, never for the rest of an index run.
        self._lock = threading.Lock()
        if threads:
            torch.set_num_threads(threads)

    def run_passages(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order."""
        for batch in batches:
            with self._lock, torch.inference_mode():
                tokens, texts = self._model(
                    torch.from_numpy(batch.ids), torch.from_numpy(batch.mask)
                )
            yield BatchVectors(tokens.numpy(), texts.numpy())

    # There is one model.
    run_questions = run_passages


def load_sentence_transformer(source: ModelSource) -> SentenceTransformer:
    """Return the model as people know it from the library, on the processor, in float32.

    Raises:
        ModelUnavailableError: the folder holds a model that cannot be loaded.
    """
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(
            str(source.folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": torch.float32},
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"{source.folder} (setting QA_MODEL={source.name}) cannot be loaded by "
            f"sentence-transformers: {error}. Name a folder that SentenceTransformer.save() wrote "
            f"and that needs no code of its own."
        ) from error
    return model.eval()


def fast_tokenizer_of(model: SentenceTransformer, source: ModelSource) -> Tokenizer:
    """Return the model's own tokenizer, which tells where in the text each token stands."""
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ModelUnavailableError(
            f"The tokenizer of {source.name} is a {type(model.tokenizer).__name__}, which does not "
            f"tell where tokens stand in a text. Choose a model that has a tokenizer.json."
        )
    return backend


def describe(model: SentenceTransformer, source: ModelSource, precision: str) -> ModelDescription:
    """Return what the rest of qa-service has to know of a loaded model."""
    transformer, *others = model.children()
    config = getattr(getattr(transformer, "auto_model", None), "config", None)
    limits = (
        model.max_seq_length,
        getattr(model.tokenizer, "model_max_length", None),
        getattr(config, "max_position_embeddings", None),
    )
    return ModelDescription(
        name=source.name,
        weights_sha256=source.weights_sha256(),
        pooling=repr([(type(module).__name__, _options_of(module)) for module in others]),
        precision=precision,
        token_layers=source.token_layers(),
        dimension=int(model.get_embedding_dimension() or 0),
        max_tokens=min(int(limit) for limit in limits if limit),
        pad_id=int(getattr(model.tokenizer, "pad_token_id", None) or 0),
        query_prompt=model.prompts.get("query") or "",
        # In the order in which the library looks for it.
        passage_prompt=next(
            (
                model.prompts[name] or ""
                for name in ("document", "passage", "corpus")
                if name in model.prompts
            ),
            "",
        ),
    )


def _options_of(module: torch.nn.Module) -> list[tuple[str, object]]:
    options: Callable[[], dict[str, object]] | None = getattr(module, "get_config_dict", None)
    return sorted(options().items()) if options is not None else []
