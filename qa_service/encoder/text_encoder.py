"""`TextEncoder`: the one implementation of `Encoder`, on any runtime that runs batches of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qa_service.encoder.batching import BatchVectors, TokenBatch, pad, plan_batches
from qa_service.encoder.description import ModelDescription
from qa_service.encoder.protocol import Encoded, TokenVectors
from qa_service.encoder.tokenization import TextTokenizer, TokenizedText

# Large enough to fill the processor's vector units, small enough for its caches.
_BATCH_TOKENS = 1024
# The longest question alone: somebody waits for each.
_QUESTION_TOKENS = 512
# Texts are tokenised in groups this large, so that the model starts on the first at once, and
# memory does not grow with the number of texts.
_TEXTS_PER_GROUP = 512


class Runtime(Protocol):
    """Runs the model. Safe to call from several threads."""

    def run_passages(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order, in the least time for all."""
        ...

    def run_questions(self, batches: Iterable[TokenBatch]) -> Iterator[BatchVectors]:
        """Yield the vectors of each batch, in order, each in the least time.

        Questions do not wait behind passages.
        """
        ...


@dataclass(frozen=True, slots=True)
class _PromptedRun:
    """How texts go through the model.

    `prompt` leads each of them; `run` runs batches of up to `batch_tokens`, padding counted.
    """

    prompt: str
    run: Callable[[Iterable[TokenBatch]], Iterator[BatchVectors]]
    batch_tokens: int


class TextEncoder:
    """Texts → vectors of one model. Safe to call from several threads."""

    def __init__(
        self, description: ModelDescription, tokenizer: TextTokenizer, runtime: Runtime
    ) -> None:
        self._description = description
        self._tokenizer = tokenizer
        self._runtime = runtime

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the vectors: weights, prompts, runtime precision."""
        return self._description.fingerprint

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return self._description.dimension

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens, prompt and special tokens included; the rest is cut off."""
        return self._description.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count content tokens (no prompt, no special tokens) of each text."""
        return self._tokenizer.count(texts)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Embed questions with the model's query prompt."""
        prompt = self._description.query_prompt
        kind = _PromptedRun(prompt, self._runtime.run_questions, _QUESTION_TOKENS)
        return self._encode(kind, texts, None)

    def encode_document(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> Encoded:
        """Embed passages with the model's passage prompt, each led by its title if one is given.

        A title shapes the vectors and never appears among the tokens.
        """
        if titles is not None and len(titles) != len(texts):
            raise ValueError(f"{len(titles)} titles were given for {len(texts)} texts")
        prompt = self._description.passage_prompt
        kind = _PromptedRun(prompt, self._runtime.run_passages, _BATCH_TOKENS)
        return self._encode(kind, texts, titles)

    def _encode(
        self, kind: _PromptedRun, texts: Sequence[str], titles: Sequence[str] | None
    ) -> Encoded:
        """Embed each distinct input once."""
        keys = [(text, titles[i] if titles is not None else "") for i, text in enumerate(texts)]
        distinct = list(dict.fromkeys(keys))
        row_of = {key: row for row, key in enumerate(distinct)}
        vectors = np.empty((len(distinct), self.dimension), dtype=np.float32)
        tokens: list[TokenVectors] = []
        for start in range(0, len(distinct), _TEXTS_PER_GROUP):
            group = distinct[start : start + _TEXTS_PER_GROUP]
            inputs = self._tokenizer.tokenize(
                kind.prompt,
                [text for text, _ in group],
                [title for _, title in group] if titles is not None else None,
            )
            tokens += self._run(kind, inputs, vectors[start : start + len(group)])
        rows = [row_of[key] for key in keys]
        if len(rows) != len(distinct):
            vectors = vectors[rows]
        return Encoded(vectors, tuple(tokens[row] for row in rows))

    def _run(
        self,
        kind: _PromptedRun,
        inputs: Sequence[TokenizedText],
        vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    ) -> list[TokenVectors]:
        """Fill `vectors`, one row per input; returns the token vectors in the same order."""
        lengths = [len(one.ids) for one in inputs]
        plan = plan_batches(lengths, kind.batch_tokens)
        pad_id = self._description.pad_id
        batches = (pad([inputs[index].ids for index in batch], pad_id) for batch in plan)
        found: dict[int, TokenVectors] = {}
        for batch, result in zip(plan, kind.run(batches), strict=True):
            vectors[batch] = result.texts
            for row, index in enumerate(batch):
                one = inputs[index]
                found[index] = TokenVectors(
                    result.tokens[row, one.positions], one.spans, one.weights
                )
        return [found[index] for index in range(len(inputs))]
