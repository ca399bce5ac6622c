"""The tokens that occur in what is trained on, numbered anew so that a small table holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from qa_service.encoder.splitters import SentencePieceSplitter
from qa_service.encoder.tokenization import Pieces

# The model's own numbers: the first four ids of every cut are these, in this order.
BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = 4
"""How many these are."""

_SPECIAL = (BEGIN, PAD, END, UNKNOWN)
_METASPACE = "▁"


def cut_vocabulary(found: Iterable[NDArray[np.int64]], boundary: int | None) -> NDArray[np.int32]:
    """Return the model's ids that occur in any of the arrays, special ones first, then in order."""
    seen = set(_SPECIAL) | ({boundary} if boundary is not None else set())
    for ids in found:
        seen.update(np.unique(ids).tolist())
    rest = sorted(seen - set(_SPECIAL))
    return np.array([*_SPECIAL, *rest], dtype=np.int32)


class CutSplitter:
    """Texts → ids of a cut vocabulary; what is not in it becomes the unknown token."""

    def __init__(self, model: Path, vocabulary: NDArray[np.int32]) -> None:
        """Load SentencePiece's model and turn the vocabulary around."""
        self._splitter = SentencePieceSplitter(model)
        size = max(len(self._splitter.token_weights()), int(vocabulary.max()) + 1)
        self._cut = np.full(size, UNKNOWN, dtype=np.int32)
        self._cut[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
        self.boundary = None
        if self._splitter.boundary is not None:
            self.boundary = int(self._cut[self._splitter.boundary])

    def split(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut each text into tokens with their code-point offsets."""
        return [
            Pieces(self._cut[pieces.ids].astype(np.int64), pieces.offsets)
            for pieces in self._splitter.split([storable(text) for text in texts])
        ]

    def ids(self, text: str) -> NDArray[np.int32]:
        """Return the cut ids of one text."""
        return self._cut[self._splitter.split([storable(text)])[0].ids]


def word_starts(model: Path, vocabulary: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which ids of a cut vocabulary start a word."""
    processor = SentencePieceProcessor(model_file=str(model))
    size = processor.get_piece_size()
    return np.array(
        [
            number < size and processor.id_to_piece(int(number)).startswith(_METASPACE)
            for number in vocabulary
        ],
        dtype=np.bool_,
    )


def storable(text: str) -> str:
    """Return the text with what has no UTF-8 form replaced, code point by code point."""
    return text.encode("utf-8", "replace").decode("utf-8")
