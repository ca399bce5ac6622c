"""Short codes for token vectors: what comes back, how much room it takes, what changes the name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_service.encoder.model_statistics import TokenStatistics, embedded_model_statistics
from qa_service.encoder.protocol import Encoded, Encoder
from qa_service.indexes.codec import COMMON_SHARE, ProductCodec, ScalarCodec

Codec = ProductCodec | ScalarCodec
DIMENSION = 384
NO_MEAN = np.zeros(DIMENSION, dtype=np.float32)
PASSAGE = np.random.default_rng(0).standard_normal(DIMENSION).astype(np.float32)

TEXTS = (
    "أقامت روسيا خمسًا وعشرين نقطة مراقبة في قره باغ.",
    "明长城东起辽宁虎山，西至甘肃嘉峪关。",
    "ปลาทูเป็นอาหารที่คนไทยนิยมกินกันทั่วประเทศ",
    "पत्तियों की कोशिकाओं में हरितलवक होते हैं।",
    "The canal قناة السويس was opened in 1869 (苏伊士运河).",
)


def codecs() -> tuple[Codec, ...]:
    """Return both codecs, for vectors as long as the embedded model's."""
    return (ProductCodec(embedded_model_statistics().tokens), ScalarCodec(DIMENSION))


@pytest.fixture(params=codecs(), ids=lambda codec: type(codec).__name__)
def codec(request: pytest.FixtureRequest) -> Codec:
    """Each codec in turn."""
    found: Codec = request.param
    return found


@pytest.fixture(scope="module")
def encoded(encoder: Encoder) -> Encoded:
    """Real texts in many scripts."""
    return encoder.encode_document(TEXTS)


@pytest.fixture(scope="module")
def tokens(encoded: Encoded) -> NDArray[np.float32]:
    """The token vectors of real texts in many scripts."""
    return np.concatenate([each.vectors for each in encoded.tokens])


def there_and_back(codec: Codec, encoded: Encoded) -> NDArray[np.float32]:
    """Return what is left of the tokens of all texts."""
    return np.concatenate(
        [
            codec.decode(codec.encode(each.vectors, vector)) + codec.common(vector[None])
            for each, vector in zip(encoded.tokens, encoded.vectors, strict=True)
        ]
    )


def drawn(seed: int, count: int, scale: float = 3.0) -> NDArray[np.float32]:
    """Return random vectors of any length."""
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)) * scale
    return vectors.astype(np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows scaled to length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 9))
def test_shapes_and_types_whatever_the_count(seed: int, count: int) -> None:
    """One code of fixed size per row and one vector per code; none for none."""
    for codec in codecs():
        codes = codec.encode(drawn(seed, count), PASSAGE)
        assert codes.dtype == np.uint8
        assert codes.shape == (count, codec.code_size)
        decoded = codec.decode(codes)
        assert decoded.dtype == np.float32
        assert decoded.shape == (count, DIMENSION)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-3, 1e3))
def test_scalar_codes_give_back_the_direction(seed: int, scale: float) -> None:
    """Whatever the length of a vector, its unit vector returns within a rounding step."""
    codec = ScalarCodec(DIMENSION)
    vectors = drawn(seed, 4, scale)
    decoded = codec.decode(codec.encode(vectors, PASSAGE))
    steps = np.abs(unit(vectors)).max(axis=1, keepdims=True) / 127
    assert (np.abs(decoded - unit(vectors)) <= 0.51 * steps).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_encoding_rows_together_or_alone_is_the_same(seed: int) -> None:
    """A code depends on its own row only, and twice the same rows give the same codes."""
    vectors = drawn(seed, 5)
    for codec in codecs():
        together = codec.encode(vectors, PASSAGE)
        alone = np.concatenate([codec.encode(vectors[row : row + 1], PASSAGE) for row in range(5)])
        assert np.array_equal(together, alone)
        assert np.array_equal(together, codec.encode(vectors, PASSAGE))
        assert np.array_equal(codec.decode(together)[2:3], codec.decode(together[2:3]))


def test_product_codes_are_the_nearest_centroids() -> None:
    """Every part of a vector is told by the centroid that is nearest to it."""
    statistics = embedded_model_statistics().tokens
    codec = ProductCodec(statistics)
    vectors = drawn(7, 6)
    centred = unit(vectors - statistics.mean)
    parts, _, width = statistics.codebooks.shape
    added = centred - codec.common(PASSAGE[None]) / COMMON_SHARE
    pieces = added.reshape(len(vectors), parts, width)
    distances = np.square(pieces[:, :, None, :] - statistics.codebooks[None]).sum(axis=3)
    chosen = np.take_along_axis(
        distances, codec.encode(vectors, PASSAGE).astype(np.intp)[:, :, None], axis=2
    )[:, :, 0]
    assert chosen == pytest.approx(distances.min(axis=2), abs=1e-6)


def test_real_tokens_keep_their_direction(
    codec: Codec, encoded: Encoded, tokens: NDArray[np.float32]
) -> None:
    """Tokens of real texts in five scripts come back pointing where they pointed."""
    decoded = there_and_back(codec, encoded)
    wanted = codec.center_query(tokens, NO_MEAN)
    cosines = (unit(decoded) * wanted).sum(axis=1)
    assert np.median(cosines) > 0.75
    assert np.linalg.norm(decoded, axis=1) == pytest.approx(1, abs=0.35)


def test_each_token_is_nearest_to_its_own_code(
    codec: Codec, encoded: Encoded, tokens: NDArray[np.float32]
) -> None:
    """Rounding does not confuse the tokens of a text with one another."""
    decoded = unit(there_and_back(codec, encoded))
    similarities = codec.center_query(tokens, NO_MEAN) @ decoded.T
    own = np.diag(similarities)
    # Repeated words and punctuation have twins that are as near.
    assert (own >= similarities.max(axis=1) - 0.05).mean() > 0.95


def test_question_tokens_have_unit_length(codec: Codec, tokens: NDArray[np.float32]) -> None:
    """Whatever mean is taken away, rows of length one are compared."""
    mean = drawn(3, 1, 0.02)[0]
    for decoded_mean in (NO_MEAN, mean):
        centred = codec.center_query(tokens, decoded_mean)
        assert centred.dtype == np.float32
        assert np.linalg.norm(centred, axis=1) == pytest.approx(1, abs=1e-5)


def test_vector_without_direction_stays_finite() -> None:
    """A token that equals the mean, or zero, leads to no division by nothing."""
    mean = embedded_model_statistics().tokens.mean
    for codec in codecs():
        for vectors in (np.zeros((1, DIMENSION), dtype=np.float32), mean[None]):
            assert np.isfinite(codec.decode(codec.encode(vectors, PASSAGE))).all()
            assert np.isfinite(codec.center_query(vectors, NO_MEAN)).all()


def test_name_tells_what_changes_the_codes() -> None:
    """The same statistics give the same name; another mean or codebook gives another."""
    statistics = embedded_model_statistics().tokens
    name = ProductCodec(statistics).fingerprint
    assert ProductCodec(statistics).fingerprint == name
    changed = (
        replace(statistics, mean=statistics.mean + np.float32(0.5)),
        replace(statistics, codebooks=statistics.codebooks * np.float32(2)),
        replace(statistics, common_map=statistics.common_map * np.float32(2)),
    )
    names = {ProductCodec(other).fingerprint for other in changed}
    names |= {ScalarCodec(DIMENSION).fingerprint, ScalarCodec(768).fingerprint, name}
    assert len(names) == 6


def test_codebooks_that_a_byte_cannot_name_are_refused() -> None:
    """Anything but 256 centroids a part is a mistake in the statistics."""
    statistics = TokenStatistics(
        mean=np.zeros(8, dtype=np.float32),
        norm=1.0,
        passage_mean=np.zeros(8, dtype=np.float32),
        common_map=np.zeros((8, 8), dtype=np.float32),
        common_bias=np.zeros(8, dtype=np.float32),
        codebooks=np.zeros((2, 16, 4), dtype=np.float32),
        offsets={},
    )
    with pytest.raises(ValueError, match="16 centroids"):
        ProductCodec(statistics)


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.sampled_from([0, 1, 7, 300]),
    asked=st.sampled_from([0, 1, 15, 16, 17, 40]),
)
def test_similarities_are_those_of_what_is_decoded(seed: int, count: int, asked: int) -> None:
    """However many tokens a question has, looked-up products are those with decoded vectors."""
    for codec in codecs():
        codes = codec.encode(drawn(seed, count), PASSAGE)
        query = unit(drawn(seed + 1, asked))
        found = codec.similarities(codes, query)
        assert found.dtype == np.float32
        assert found == pytest.approx(codec.decode(codes) @ query.T, abs=1e-3)


def test_similarities_of_real_questions_are_finer_than_codes(
    codec: Codec, encoded: Encoded, encoder: Encoder
) -> None:
    """In any script, what rounding products takes away is a hundredth of what codes do."""
    for text, passage, vector in zip(TEXTS, encoded.tokens, encoded.vectors, strict=True):
        asked = encoder.encode_query([text]).tokens[0].vectors
        query = codec.center_query(asked, NO_MEAN)
        codes = codec.encode(passage.vectors, vector)
        error = codec.similarities(codes, query) - codec.decode(codes) @ query.T
        assert float(np.abs(error).mean()) < 3e-4


def test_largest_products_do_not_run_over() -> None:
    """A token that every part of the question points at is found, however long the question."""
    codec = ProductCodec(embedded_model_statistics().tokens)
    codes = np.arange(256, dtype=np.uint8)[:, None].repeat(codec.code_size, axis=1)
    decoded = codec.decode(codes)
    longest = lengths_of_parts(decoded, codec.code_size).max(axis=0)
    for query in (unit(decoded), -unit(decoded), 50 * decoded[:20], np.zeros_like(decoded[:3])):
        attainable = float((lengths_of_parts(query, codec.code_size) @ longest).max())
        # Each part is rounded by half a unit at most, and 16 bits hold the largest sum there is.
        rounded = attainable * codec.code_size / 2 / 32_600
        wanted = decoded @ query.T
        assert codec.similarities(codes, query) == pytest.approx(wanted, abs=1.01 * rounded + 1e-5)


def lengths_of_parts(vectors: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Return the length of each part that has a code of its own, (n, parts)."""
    return np.asarray(np.linalg.norm(vectors.reshape(len(vectors), parts, -1), axis=2))
