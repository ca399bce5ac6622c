"""A passage's embedding as bytes: what is stored of it, whichever engine stores it.

Its vector stays as the encoder gave it, in half precision: searching uses transformed vectors, and
another transformation then needs no encoder. Of each content token stay the codec's bytes and four
more: where the token starts and ends, as code points into the passage, two bytes each. A passage of
150 tokens, 114 of them telling, fills 7.8 KB with codes of 64 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.protocols import TokenBatch, TokenCodec

SPAN_BYTES = 4
# Passages are a few hundred tokens; a place beyond this is held at the end of the range.
LARGEST_OFFSET = 0xFFFF

_HALF = np.dtype("<f2")
# Half precision: a sign, five bits of exponent biased by 15, ten of fraction. Single precision:
# a sign, eight bits of exponent biased by 127, and 23 of fraction.
_BITS = np.dtype("<u2")
_SIGN = np.uint32(0x8000)
_BIAS_LACKED = np.float32(2.0 ** (127 - 15))


@dataclass(frozen=True, slots=True)
class EmbeddingSize:
    """How large embeddings are: the length of a vector, and the bytes of a token's code."""

    dimension: int
    code_size: int

    @property
    def vector_bytes(self) -> int:
        """The bytes that a packed vector takes."""
        return self.dimension * _HALF.itemsize

    @property
    def token_bytes(self) -> int:
        """The bytes that a packed token takes."""
        return self.code_size + SPAN_BYTES


@dataclass(frozen=True, slots=True)
class PackedEmbedding:
    """A passage's embedding: `vector` uint8 (1, vector bytes), `tokens` uint8 (n, token bytes)."""

    vector: NDArray[np.uint8]
    tokens: NDArray[np.uint8]


def pack_vectors(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return vectors as bytes, uint8 (n, 2 · dimension)."""
    return np.ascontiguousarray(vectors, dtype=_HALF).view(np.uint8)


def unpack_vectors(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float32 (n, dimension): what `pack_vectors` was given, in half precision, finite.

    numpy widens halves one at a time. All at once, sign, exponent and fraction are moved to where
    single precision has them, and a product makes up for the smaller bias of the exponent.
    """
    bits = rows.view(_BITS).astype(np.uint32)
    signs = (bits & _SIGN) << 16
    bits &= ~_SIGN
    bits <<= 13
    bits |= signs
    found = bits.view(np.float32)
    found *= _BIAS_LACKED
    return found


def pack_tokens(
    vectors: NDArray[np.float32],
    spans: NDArray[np.int32],
    passage: NDArray[np.float32],
    codec: TokenCodec,
) -> NDArray[np.uint8]:
    """Return one passage's tokens as bytes, uint8 (tokens, code size + 4).

    `vectors` and `spans` are those of `encoder.protocol.TokenVectors`; `passage` is its own vector.
    """
    spans = np.clip(spans, 0, LARGEST_OFFSET).astype("<u2")
    return np.concatenate(
        [codec.encode(vectors, passage), spans.view(np.uint8).reshape(len(spans), SPAN_BYTES)],
        axis=1,
    )


def unpack_tokens(rows: NDArray[np.uint8], offsets: NDArray[np.int64]) -> TokenBatch:
    """Return the tokens of several passages, packed one after the other.

    Args:
        rows: uint8 (total, code size + 4).
        offsets: int64 (passages + 1,); passage number i owns `rows[offsets[i]:offsets[i + 1]]`.
    """
    spans = np.ascontiguousarray(rows[:, -SPAN_BYTES:]).view("<u2")
    return TokenBatch(codes=rows[:, :-SPAN_BYTES], spans=spans, offsets=offsets)
