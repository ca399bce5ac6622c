"""Tokenizers: SentencePiece's for the embedded model, any `tokenizer.json` for the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from qa_service.encoder.tokenization import Pieces
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL

TOKENIZER = "tokenizer.json"
TOKEN_WEIGHTS = "token_weights.npy"  # noqa: S105 (no password)

_METASPACE = "▁"


class SentencePieceSplitter:
    """A SentencePiece model whose pieces are numbered as the model's tokens."""

    def __init__(self, path: Path) -> None:
        self._processor = SentencePieceProcessor(model_file=str(path))
        self.prefix: Sequence[int] = (self._processor.bos_id(),)
        self.suffix: Sequence[int] = (self._processor.eos_id(),)
        self.boundary: int | None = self._processor.piece_to_id(_METASPACE)

    def split(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut each text, which has a UTF-8 form, into tokens."""
        # One by one: for a list, the library would start a thread each time.
        found = (self._processor.encode(text, return_type="offset_mapping") for text in texts)
        return [_pieces(one["ids"], one["offsets"]) for one in found]

    def token_weights(self) -> NDArray[np.float32]:
        """Return −log probability of each token id; special and unknown ones weigh nothing."""
        ids = list(range(self._processor.get_piece_size()))
        weights = -np.array(self._processor.get_score(ids), dtype=np.float32)
        has_no_text = np.array(self._processor.is_control(ids)) | np.array(
            self._processor.is_unknown(ids)
        )
        return np.where(has_no_text, np.float32(0), np.maximum(weights, 0))


class JsonSplitter:
    """A tokenizer of the tokenizers library."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # What articles say of special tokens is text.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        probe = tokenizer.encode("a")
        of_text = np.flatnonzero(np.array(probe.special_tokens_mask) == 0)
        self.prefix: Sequence[int] = tuple(probe.ids[: of_text[0]])
        self.suffix: Sequence[int] = tuple(probe.ids[of_text[-1] + 1 :])
        self.boundary: int | None = tokenizer.token_to_id(_METASPACE)

    def split(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut each text, which has a UTF-8 form, into tokens."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [_pieces(one.ids, one.offsets) for one in found]

    def token_weights(self) -> NDArray[np.float32]:
        """Return −log probability of each token id by the tokenizer's unigram model.

        Special and unknown tokens weigh nothing. Without probabilities each token weighs 1.
        """
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        content = json.loads(self._tokenizer.to_str())
        model = content["model"]
        if model["type"] != "Unigram":
            return np.ones(size, dtype=np.float32)
        weights = np.zeros(size, dtype=np.float32)
        scores = np.array([score for _, score in model["vocab"]], dtype=np.float32)
        weights[: len(scores)] = np.maximum(-scores, 0)
        special = [token["id"] for token in content["added_tokens"] if token["special"]]
        weights[special] = 0
        if model["unk_id"] is not None:
            weights[model["unk_id"]] = 0
        return weights


def write_splitter(folder: Path, model_folder: Path, tokenizer: Tokenizer) -> None:
    """Write to `folder` what `load_splitter` reads: the leanest form of a model's tokenizer."""
    unigram = model_folder / UNIGRAM_MODEL
    splitter: SentencePieceSplitter | JsonSplitter
    if unigram.is_file():
        (folder / UNIGRAM_MODEL).write_bytes(unigram.read_bytes())
        splitter = SentencePieceSplitter(unigram)
    else:
        tokenizer.save(str(folder / TOKENIZER), pretty=False)
        splitter = JsonSplitter(Tokenizer.from_file(str(folder / TOKENIZER)))
    np.save(folder / TOKEN_WEIGHTS, splitter.token_weights())


def load_splitter(folder: Path) -> SentencePieceSplitter | JsonSplitter:
    """Return the tokenizer that `write_splitter` wrote."""
    unigram = folder / UNIGRAM_MODEL
    if unigram.is_file():
        return SentencePieceSplitter(unigram)
    return JsonSplitter(Tokenizer.from_file(str(folder / TOKENIZER)))


def _pieces(ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Pieces:
    return Pieces(np.array(ids, dtype=np.int64), np.array(offsets, dtype=np.int32).reshape(-1, 2))
