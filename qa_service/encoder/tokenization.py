"""Texts → token ids ready for the model, with the place of each content token in its text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

_TITLE_MAX_TOKENS = 32
# No tokenizer makes a token of more code points than this on average, so what lies beyond can be
# dropped before tokenising: a text of a megabyte costs no more than one that fits.
_MAX_CHARACTERS_PER_TOKEN = 128
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_METASPACE = "▁"


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """One input of the model.

    `ids`: int64 (length,), special tokens included.
    `positions`: int32 (tokens,), which of them are content tokens: not prompt, title or special.
    `spans`, `weights`: of the content tokens, as in `TokenVectors`.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int32]
    spans: NDArray[np.int32]
    weights: NDArray[np.float32]


class TextTokenizer:
    """Tokenises for one model. Safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer, token_weights: NDArray[np.float32], max_tokens: int):
        """Take over `tokenizer`; `token_weights` gives each token id's information in nats."""
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._token_weights = token_weights
        probe = tokenizer.encode("a")
        is_special = np.array(probe.special_tokens_mask, dtype=bool)
        first, last = np.flatnonzero(~is_special)[[0, -1]]
        self._prefix, self._suffix = probe.ids[:first], probe.ids[last + 1 :]
        self._room = max_tokens - len(self._prefix) - len(self._suffix)
        # A lone word boundary stands for no text, though the tokenizer gives it a span.
        self._boundary = tokenizer.token_to_id(_METASPACE)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, however long, without prompt and special tokens."""
        return [len(encoding) for encoding in self._encode(texts)]

    def tokenize(
        self, prompt: str, texts: Sequence[str], titles: Sequence[str] | None = None
    ) -> list[TokenizedText]:
        """Tokenise prompt, title and text as one input each, cut to the model's length."""
        if titles is None:
            leads: Sequence[str] = [prompt] * len(texts)
        else:
            leads = [prompt + title for title in self._short_titles(titles)]
        limit = self._room * _MAX_CHARACTERS_PER_TOKEN
        inputs = [lead + text[:limit] for lead, text in zip(leads, texts, strict=True)]
        return [
            self._place(encoding, text, len(lead))
            for encoding, text, lead in zip(self._encode(inputs), inputs, leads, strict=True)
        ]

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        # A surrogate without its partner has no UTF-8 form; one code point stays one code point.
        clean = [_LONE_SURROGATE.sub("\ufffd", text) for text in texts]
        return self._tokenizer.encode_batch(clean, add_special_tokens=False)

    def _short_titles(self, titles: Sequence[str]) -> list[str]:
        """Cut each title to a number of tokens that leaves the text its room."""
        cut: dict[str, str] = {}
        distinct = list(dict.fromkeys(titles))
        for title, encoding in zip(distinct, self._encode(distinct), strict=True):
            end = len(title)
            if len(encoding) > _TITLE_MAX_TOKENS:
                end = encoding.offsets[_TITLE_MAX_TOKENS - 1][1]
            cut[title] = f"{title[:end]}\n" if title.strip() else ""
        return [cut[title] for title in titles]

    def _place(self, encoding: Encoding, text: str, content_start: int) -> TokenizedText:
        body = np.array(encoding.ids[: self._room], dtype=np.int64)
        ids = np.concatenate((self._prefix, body, self._suffix)).astype(np.int64, copy=False)
        spans = np.array(encoding.offsets[: self._room], dtype=np.int32).reshape(-1, 2)
        starts, ends = np.maximum(spans[:, 0], content_start), spans[:, 1].copy()
        # Tokens carry the white space that led to them; a highlight must not.
        starts = _next_text(text)[starts]
        is_content = starts < ends
        if self._boundary is not None:
            is_content &= body != self._boundary
        positions = np.flatnonzero(is_content).astype(np.int32)
        return TokenizedText(
            ids=ids,
            positions=positions + len(self._prefix),
            spans=np.stack((starts, ends), axis=1)[positions] - content_start,
            weights=self._token_weights[body[positions]],
        )


def _next_text(text: str) -> NDArray[np.int32]:
    """Return, for each offset of `text` and its end, the first offset from there of no space."""
    end = len(text)
    offsets = np.arange(end + 1, dtype=np.int32)
    offsets[:end][np.fromiter(map(str.isspace, text), dtype=bool, count=end)] = end
    return np.minimum.accumulate(offsets[::-1])[::-1]


def token_weights_of(tokenizer: Tokenizer) -> NDArray[np.float32]:
    """Return −log probability of each token id by the tokenizer's unigram model.

    Tokens that stand for no text of their own (special and unknown ones) weigh nothing. Tokenizers
    without probabilities give 1.0 throughout.
    """
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    model = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "Unigram":
        return np.ones(size, dtype=np.float32)
    weights = np.zeros(size, dtype=np.float32)
    scores = np.array([score for _, score in model["vocab"]], dtype=np.float32)
    weights[: len(scores)] = np.maximum(-scores, 0.0)
    if model["unk_id"] is not None:
        weights[model["unk_id"]] = 0.0
    return weights
