"""What late interaction needs of every passage: each content token's code and place in the text.

A token takes the codec's bytes and four more: the start and end of the token, as code points into
the passage, two bytes each. A passage of 150 tokens, 114 of them telling, fills 7.8 KB with codes
of 64 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.rows import RowStore, RowWriter

SPAN_BYTES = 4
# Passages are a few hundred tokens; a place beyond this is held at the end of the range.
LARGEST_OFFSET = 0xFFFF


class TokenCodec(Protocol):
    """Turns token vectors into short codes and back."""

    @property
    def code_size(self) -> int:
        """Bytes of one token's code."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the codes."""
        ...

    def encode(
        self, vectors: NDArray[np.float32], passage: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """Return one code per token of a passage: float32 (n, dimension) to uint8 (n, code_size).

        `passage`: (dimension,), the passage's own vector.
        """
        ...

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return about what was encoded, less the common part: uint8 (n, code_size) to float32."""
        ...

    def common(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the tokens of each passage share: float32 (passages, dimension), both."""
        ...


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of several passages, one after the other.

    `codes`: uint8 (total, code size). `spans`: uint16 (total, 2), half-open code points into the
    passage's text. `offsets`: int64 (passages + 1,); passage number i owns the tokens
    `offsets[i]:offsets[i + 1]`. A passage may have no tokens.
    """

    codes: NDArray[np.uint8]
    spans: NDArray[np.uint16]
    offsets: NDArray[np.int64]


class TokenStore:
    """Reads the tokens of passages from mapped files. Safe to use from several threads."""

    def __init__(self, folder: Path, code_size: int) -> None:
        self.code_size = code_size
        self.rows = RowStore(folder, row_size(code_size))

    def __len__(self) -> int:
        """Count passages."""
        return len(self.rows)

    def get(self, keys: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        """Return each passage's codes, uint8 (tokens, code size), as views of the mapped file.

        Raises:
            KeyError: a key is unknown.
        """
        return [rows[:, : self.code_size] for rows in self.rows.views(keys)]

    def get_batch(self, keys: NDArray[np.int64]) -> TokenBatch:
        """Return the tokens of these passages in the order given. KeyError for an unknown key."""
        batch = self.rows.get(keys)
        spans = np.ascontiguousarray(batch.rows[:, self.code_size :]).view("<u2")
        return TokenBatch(codes=batch.rows[:, : self.code_size], spans=spans, offsets=batch.offsets)


def row_size(code_size: int) -> int:
    """Return the bytes that a stored token takes."""
    return code_size + SPAN_BYTES


def token_rows(
    vectors: NDArray[np.float32],
    spans: NDArray[np.int32],
    passage: NDArray[np.float32],
    codec: TokenCodec,
) -> NDArray[np.uint8]:
    """Return one passage's tokens as they are stored, uint8 (tokens, code size + 4).

    `vectors` and `spans` are those of `encoder.base.TokenVectors`; `passage` is its own vector.
    """
    spans = np.clip(spans, 0, LARGEST_OFFSET).astype("<u2")
    return np.concatenate(
        [codec.encode(vectors, passage), spans.view(np.uint8).reshape(len(spans), SPAN_BYTES)],
        axis=1,
    )


def token_writer(folder: Path, code_size: int, base: TokenStore | None) -> RowWriter:
    """Return a writer of rows made by `token_rows`, going on from `base` if there is one."""
    return RowWriter(folder, row_size(code_size), None if base is None else base.rows)
