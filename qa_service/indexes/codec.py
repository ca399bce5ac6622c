"""Short codes for token vectors: product quantisation (Jégou et al. 2011), and a plainer one.

Token vectors of a contextual encoder share a large common part, and those of one passage share
more: `ProductCodec` takes both away before anything is rounded, so that codes spend their bits on
what differs. `benchmarks/trials/token_codes.py` measures what is lost.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.model_statistics import TokenStatistics

Vectors = NDArray[np.float32]
Codes = NDArray[np.uint8]

BITS = 8


# Rounding pulls what a token adds toward nothing; what its passage has in common is held down
# alike, or passages would be ranked by it.
COMMON_SHARE = 0.9

# Tokens of a question whose products are looked up together: numpy copies rows of 32 bytes fastest.
_LOOKED_UP = 16
# Sums of rounded products must fit 16 bits, half a unit too much in each part included.
_LARGEST_SUM = 32_600


class ProductCodec:
    """Product quantisation with codebooks known beforehand: one byte per part of a vector.

    A token's code holds what it adds to what the vector of its passage tells of all its tokens.
    Safe to use from several threads.
    """

    def __init__(self, statistics: TokenStatistics) -> None:
        parts, centroids, width = statistics.codebooks.shape
        if centroids != 1 << BITS:
            raise ValueError(f"codebooks hold {centroids} centroids, a byte names {1 << BITS}")
        self._mean = statistics.mean
        self._norm = statistics.norm
        self._passage_mean = statistics.passage_mean
        self._common_map = statistics.common_map
        self._common_bias = statistics.common_bias
        self._codebooks = np.ascontiguousarray(statistics.codebooks, dtype=np.float32)
        self._longest = np.linalg.norm(self._codebooks, axis=2).max(axis=1)
        # The nearest centroid c of a part x is that of the largest x·c − |c|²/2.
        self._nearness = np.empty((parts, width + 1, centroids), dtype=np.float32)
        self._nearness[:, :width] = self._codebooks.transpose(0, 2, 1)
        self._nearness[:, width] = np.square(self._codebooks).sum(axis=2) / -2

    @property
    def code_size(self) -> int:
        """Bytes of one token's code."""
        return len(self._codebooks)

    @property
    def tokens_at_once(self) -> int:
        """How many tokens of a question are compared in the time that one of them takes."""
        return _LOOKED_UP

    @cached_property
    def fingerprint(self) -> str:
        """Name whatever changes the codes."""
        digest = hashlib.blake2b(digest_size=6)
        for part in (self._mean, self._passage_mean, self._common_map, self._common_bias):
            digest.update(part.tobytes())
        digest.update(self._codebooks.tobytes())
        return f"pq{self.code_size}-{digest.hexdigest()}"

    def encode(self, vectors: Vectors, passage: Vectors) -> Codes:
        """Return one code per token vector of a passage, all as the encoder gives them."""
        if len(vectors) == 0:
            return np.empty((0, self.code_size), dtype=np.uint8)
        added = _unit_rows(vectors - self._mean) - self._common_parts(passage[None])
        parts, _, width = self._codebooks.shape
        codes = np.empty((len(added), parts), dtype=np.uint8)
        piece = np.ones((len(added), width + 1), dtype=np.float32)
        for part, nearness in enumerate(self._nearness):
            piece[:, :width] = added[:, part * width : (part + 1) * width]
            codes[:, part] = (piece @ nearness).argmax(axis=1)
        return codes

    def common(self, passages: Vectors) -> Vectors:
        """Return what all tokens of each passage share, to be added to what `decode` returns."""
        return COMMON_SHARE * self._common_parts(passages)

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Return the inner products of what `common` returns and a question's token vectors.

        Float32 (passages, question tokens).
        """
        # A question has fewer tokens than there are passages: the map takes less on its side.
        mapped = COMMON_SHARE * (self._common_map @ query.T)
        bias = COMMON_SHARE * (query @ self._common_bias)
        return np.asarray(self._directions(passages) @ mapped + bias, dtype=np.float32)

    def _common_parts(self, passages: Vectors) -> Vectors:
        common = self._directions(passages) @ self._common_map + self._common_bias
        return np.asarray(common, dtype=np.float32)

    def _directions(self, passages: Vectors) -> Vectors:
        return _unit_rows(passages - self._passage_mean)

    def decode(self, codes: Codes) -> Vectors:
        """Return what each token adds to the common part of its passage, (n, dimension)."""
        decoded = np.empty((len(codes), *self._codebooks.shape[::2]), dtype=np.float32)
        for part, centroids in enumerate(self._codebooks):
            decoded[:, part] = centroids[codes[:, part]]
        return decoded.reshape(len(codes), len(self._mean))

    def similarities(self, codes: Codes, query: Vectors) -> Vectors:
        """Return the inner products of what `decode` returns and a question's token vectors.

        Nothing is decoded: a question's products with all centroids are few, and those that a code
        names are added up (Jégou et al. 2011, asymmetric distance). They are held in 16 bits, which
        is far finer than the codes are.

        Returns:
            float32 (n, question tokens).
        """
        found = np.empty((len(codes), len(query)), dtype=np.float32)
        if not found.size:
            return found
        by_part = np.ascontiguousarray(codes.T)
        rows = np.empty(len(codes), dtype=np.intp)
        for start in range(0, len(query), _LOOKED_UP):
            chosen = query[start : start + _LOOKED_UP]
            tables, step = self._product_tables(chosen)
            sums = np.zeros((len(codes), tables.shape[2]), dtype=np.int16)
            products = np.empty_like(sums)
            for table, named in zip(tables, by_part, strict=True):
                rows[:] = named
                # Anything but clipping would copy once more; a byte is never out of range.
                np.take(table, rows, axis=0, out=products, mode="clip")
                np.add(sums, products, out=sums)
            np.multiply(
                sums[:, : len(chosen)], step, out=found[:, start : start + _LOOKED_UP], dtype="f4"
            )
        return found

    def _product_tables(self, query: Vectors) -> tuple[NDArray[np.int16], np.float32]:
        """Return each part's products, and what their unit stands for.

        int16 (parts, 256, tokens), with tokens of zeros added up to a multiple of eight.
        """
        parts, _, width = self._codebooks.shape
        padded = np.zeros((-(-len(query) // 8) * 8, parts, width), dtype=np.float32)
        padded[: len(query)] = query.reshape(-1, parts, width)
        # No sum of products is larger than that of the lengths (Cauchy and Schwarz).
        largest = (np.linalg.norm(padded, axis=2) @ self._longest).max()
        step = np.float32(max(float(largest), 1e-12) / _LARGEST_SUM)
        padded /= step
        products = self._codebooks @ padded.transpose(1, 2, 0)
        return np.rint(products, out=products).astype(np.int16), step

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Return a question's token vectors without the mean of the corpus's tokens, unit rows.

        `decoded_mean`: (dimension,), the mean of decoded passage tokens.
        """
        return _unit_rows(vectors - self._mean - self._norm * decoded_mean)


class ScalarCodec:
    """One byte per dimension and a scale: for models that no codebooks are known for.

    Nothing is known of such a model's common part either, so it stays in the codes; `center_query`
    takes it out of the question, which does the same for the order of passages but for lengths.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension

    @property
    def code_size(self) -> int:
        """Bytes of one token's code."""
        return self._dimension + 4

    @property
    def tokens_at_once(self) -> int:
        """How many tokens of a question are compared in the time that one of them takes."""
        return 1

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the codes."""
        return f"int8-{self._dimension}"

    def encode(self, vectors: Vectors, passage: Vectors) -> Codes:  # noqa: ARG002
        """Return one code per token vector of a passage, all as the encoder gives them."""
        unit = _unit_rows(vectors)
        scales = np.maximum(np.abs(unit).max(axis=1, initial=0.0), 1e-12) / 127
        rounded = np.rint(unit / scales[:, None]).astype(np.int8)
        return np.concatenate(
            [rounded.view(np.uint8), scales.astype("<f4")[:, None].view(np.uint8)], axis=1
        )

    def common(self, passages: Vectors) -> Vectors:
        """Return zeros: a code holds all of its token."""
        return np.zeros((len(passages), self._dimension), dtype=np.float32)

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Return zeros."""
        return np.zeros((len(passages), len(query)), dtype=np.float32)

    def decode(self, codes: Codes) -> Vectors:
        """Return vectors of about unit length, float32 (n, dimension)."""
        codes = np.ascontiguousarray(codes)
        scales = np.ascontiguousarray(codes[:, self._dimension :]).view("<f4")
        values = codes[:, : self._dimension].view(np.int8)
        return np.asarray(values * scales, dtype=np.float32)

    def similarities(self, codes: Codes, query: Vectors) -> Vectors:
        """Return the inner products of what `decode` returns and a question's token vectors."""
        return np.asarray(self.decode(codes) @ query.T, dtype=np.float32)

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Return a question's token vectors without the mean of the corpus's tokens, unit rows."""
        return _unit_rows(_unit_rows(vectors) - decoded_mean)


# Those of `retrieval.centering` differ in the last bit, by which stored codes would differ, too.
def _unit_rows(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
