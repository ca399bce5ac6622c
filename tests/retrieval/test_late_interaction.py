"""Late interaction, against the same thing written out plainly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.encoder.protocol import Encoder, TokenVectors
from qa_service.indexes.codec import ProductCodec
from qa_service.indexes.protocols import TokenBatch
from qa_service.retrieval.late_interaction import (
    BLOCK_TOKENS,
    Alignment,
    MaxSimScorer,
    MaxSimScores,
    QueryTokens,
)

Vectors = NDArray[np.float32]
DIMENSION = 8


class TableCodec:
    """Codes are rows of a table of vectors: nothing is rounded."""

    tokens_at_once = 1

    def __init__(self, table: Vectors) -> None:
        self.table = table

    def similarities(self, codes: NDArray[np.uint8], query: Vectors) -> Vectors:
        """Compare the rows that the codes name."""
        return self.table[codes[:, 0]] @ query.T

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Compare the vectors of the passages themselves."""
        return np.asarray(passages @ query.T, dtype=np.float32)

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Return unit rows without the mean."""
        centred = vectors - decoded_mean
        norms = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.asarray(centred / np.maximum(norms, 1e-9), dtype=np.float32)


def unit(seed: int, count: int) -> Vectors:
    """Return random unit vectors."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


TABLE = unit(0, 256)


def batch_of(passages: Sequence[Sequence[int]]) -> TokenBatch:
    """Return passages whose tokens are these rows of the table, each token two characters long."""
    codes = np.array([code for passage in passages for code in passage], dtype=np.uint8)
    spans = [(2 * place, 2 * place + 2) for passage in passages for place in range(len(passage))]
    return TokenBatch(
        codes=codes.reshape(-1, 1),
        spans=np.array(spans, dtype=np.uint16).reshape(-1, 2),
        offsets=np.cumsum([0, *map(len, passages)]).astype(np.int64),
    )


def nothing_shared(batch: TokenBatch) -> Vectors:
    """Return passage vectors that add nothing to their tokens."""
    return np.zeros((len(batch.offsets) - 1, DIMENSION), dtype=np.float32)


def scores_of(query: QueryTokens, *passages: Sequence[int]) -> MaxSimScores:
    """Score passages whose tokens share nothing."""
    batch = batch_of(passages)
    return MaxSimScorer(TableCodec(TABLE)).score(query, batch, nothing_shared(batch))


def query_of(seed: int, tokens: int) -> QueryTokens:
    """Return a question of random tokens and weights."""
    weights = np.random.default_rng(seed + 1).random(tokens) + 0.05
    return QueryTokens(unit(seed, tokens), (weights / weights.sum()).astype(np.float32))


def plain_score(query: QueryTokens, codes: Sequence[int]) -> float:
    """Half the MaxSim of all tokens and half the best one of two blocks in a row."""

    def max_sim(tokens: Sequence[int]) -> float:
        return sum(
            float(weight) * max(float(TABLE[code] @ vector) for code in tokens)
            for weight, vector in zip(query.weights, query.vectors, strict=True)
        )

    if not codes or not len(query.weights):
        return 0.0
    stretches = [
        codes[start : start + 2 * BLOCK_TOKENS] for start in range(0, len(codes), BLOCK_TOKENS)
    ]
    return (max_sim(codes) + max(map(max_sim, stretches))) / 2


passages_of_tokens = st.lists(
    st.one_of(
        st.lists(st.integers(0, 255), max_size=10),
        st.lists(st.integers(0, 255), min_size=20, max_size=80),
    ),
    max_size=5,
)


@settings(max_examples=40)
@given(passages=passages_of_tokens, seed=st.integers(0, 10_000), tokens=st.integers(0, 6))
def test_scores_are_those_of_the_plain_formula(
    passages: list[list[int]], seed: int, tokens: int
) -> None:
    """Any number of passages, of any length, none or many tokens: the formula holds."""
    query = query_of(seed, tokens)
    late = scores_of(query, *passages)
    assert late.scores.dtype == np.float32
    assert late.scores == pytest.approx([plain_score(query, codes) for codes in passages], abs=1e-5)
    assert [len(each.similarities) for each in late.alignments] == list(map(len, passages))


@settings(max_examples=30)
@given(
    passage=st.lists(st.integers(0, 255), min_size=1, max_size=90),
    more=st.lists(st.integers(0, 255), min_size=1, max_size=60),
    seed=st.integers(0, 10_000),
)
def test_text_added_at_the_end_never_lowers_a_score(
    passage: list[int], more: list[int], seed: int
) -> None:
    """What matched still matches when a passage goes on."""
    late = scores_of(query_of(seed, 4), passage, passage + more)
    assert late.scores[1] >= late.scores[0] - 1e-6


def test_answer_in_one_place_beats_words_scattered() -> None:
    """Of two passages with the same words the one that has them together comes first."""
    query = QueryTokens(TABLE[:3], np.full(3, 1 / 3, dtype=np.float32))
    filler = [200] * 60
    together = [0, 1, 2, *filler, *filler]
    scattered = [0, *filler, 1, *filler, 2]
    scores = scores_of(query, together, scattered).scores
    assert scores[0] > scores[1]


def test_tokens_that_tell_passages_apart_decide_the_ranking() -> None:
    """A word that every candidate holds counts for less than one that a single candidate holds."""
    query = QueryTokens(TABLE[:3], np.array([0.6, 0.2, 0.2], dtype=np.float32))
    everywhere = [[0, number] for number in range(10, 16)]
    rare = [1, 2, 20]
    late = scores_of(query, *everywhere, rare)
    assert late.scores.argmax() < len(everywhere)
    assert late.idf_max_sim.argmax() == len(everywhere)


def test_contrast_of_one_passage_changes_nothing() -> None:
    """A candidate alone is matched by the question's own weights."""
    late = scores_of(query_of(4, 5), [1, 2, 3])
    assert late.idf_max_sim == pytest.approx(late.scores, abs=1e-6)


def test_words_across_a_block_boundary_stand_together() -> None:
    """Where blocks begin does not decide what counts as one place."""
    query = QueryTokens(TABLE[:2], np.full(2, 0.5, dtype=np.float32))
    lead = [200] * (BLOCK_TOKENS - 1)
    rest = [200] * (2 * BLOCK_TOKENS)
    inside = [200, 0, 1, *lead, *rest]
    across = [*lead, 0, 1, 200, *rest]
    scores = scores_of(query, inside, across).scores
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_what_a_passage_shares_counts_for_each_of_its_tokens() -> None:
    """Codes hold what tokens add; scores and alignments are those of the whole vectors."""
    query = query_of(2, 3)
    batch = batch_of([[1, 2, 3], [], [1, 2, 3]])
    shared = unit(9, 3)
    late = MaxSimScorer(TableCodec(TABLE)).score(query, batch, shared)
    for place in (0, 2):
        wanted = (TABLE[[1, 2, 3]] + shared[place]) @ query.vectors.T
        assert late.alignments[place].similarities == pytest.approx(wanted, abs=1e-6)
        assert late.scores[place] == pytest.approx(wanted.max(axis=0) @ query.weights, abs=1e-6)
    assert late.scores[1] == 0


def test_language_in_common_is_taken_off() -> None:
    """What a passage shares with the question as a language is no reason to rank it first."""
    query = query_of(5, 4)
    batch = batch_of([[1, 2, 3], [], [1, 2, 3]])
    common = np.array([0.1, 0.2, 0.0], dtype=np.float32)
    scorer = MaxSimScorer(TableCodec(TABLE))
    shared = nothing_shared(batch)
    plain = scorer.score(query, batch, shared)
    fair = scorer.score(query, batch, shared, common)
    expected = [plain.idf_max_sim[0] - 0.1, 0.0, plain.idf_max_sim[2]]
    assert fair.idf_max_sim == pytest.approx(expected, abs=1e-6)
    assert fair.idf_max_sim.dtype == np.float32
    # How well a passage matches for itself, to be compared between questions, stays.
    assert np.array_equal(fair.scores, plain.scores)


def test_rare_tokens_weigh_more_and_weights_sum_to_one() -> None:
    """A token's information is its weight; common ones count for little but not for nothing."""
    tokens = TokenVectors(
        vectors=unit(3, 3),
        spans=np.zeros((3, 2), dtype=np.int32),
        weights=np.array([2.0, 9.0, 14.0], dtype=np.float32),
    )
    query = MaxSimScorer(TableCodec(TABLE)).prepare(tokens, np.zeros(DIMENSION, dtype=np.float32))
    assert float(query.weights.sum()) == pytest.approx(1)
    assert 0 < query.weights[0] < query.weights[1] < query.weights[2]
    assert np.linalg.norm(query.vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_question_without_tokens_scores_nothing() -> None:
    """A question of signs alone has no tokens; it matches nothing and breaks nothing."""
    nothing = TokenVectors(
        vectors=np.empty((0, DIMENSION), dtype=np.float32),
        spans=np.empty((0, 2), dtype=np.int32),
        weights=np.empty(0, dtype=np.float32),
    )
    scorer = MaxSimScorer(TableCodec(TABLE))
    query = scorer.prepare(nothing, np.zeros(DIMENSION, dtype=np.float32))
    late = scores_of(query, [1, 2], [])
    assert late.scores.tolist() == [0, 0]
    assert late.alignments[0].max_sim == 0
    assert late.alignments[0].matches(0, 4).shape == (0,)


@given(
    passage=st.lists(st.integers(0, 255), min_size=1, max_size=40),
    seed=st.integers(0, 10_000),
    cut=st.integers(0, 40),
)
def test_spans_are_matched_by_their_own_tokens(passage: list[int], seed: int, cut: int) -> None:
    """The whole passage as a span has its MaxSim; a part never more; an empty one nothing."""
    query = query_of(seed, 3)
    late = scores_of(query, passage)
    alignment = late.alignments[0]
    end = 2 * len(passage)
    whole = alignment.matches(0, end)
    assert whole @ alignment.weights == pytest.approx(alignment.max_sim, abs=1e-6)
    place = min(2 * cut, end)
    for start, stop in ((0, place), (place, end)):
        if start < stop:
            assert (alignment.matches(start, stop) <= whole).all()
    assert not alignment.matches(end, end + 10).any()
    if len(passage) <= BLOCK_TOKENS:
        assert late.scores[0] == pytest.approx(alignment.max_sim, abs=1e-5)


@pytest.mark.parametrize(
    ("tokens", "at_once", "kept"),
    [(0, 4, 0), (3, 4, 3), (4, 4, 4), (5, 4, 4), (6, 4, 4), (7, 4, 7), (10, 4, 8), (9, 1, 9)],
)
def test_few_tokens_left_over_are_not_compared(tokens: int, at_once: int, kept: int) -> None:
    """They are the least telling ones, and the others keep their order and their places."""
    codec = TableCodec(TABLE)
    codec.tokens_at_once = at_once
    weights = np.random.default_rng(tokens).permutation(tokens).astype(np.float32)
    spans = np.arange(2 * tokens, dtype=np.int32).reshape(tokens, 2)
    compared = MaxSimScorer(codec).compared(TokenVectors(unit(1, tokens), spans, weights))
    places = [place for place in range(tokens) if weights[place] >= tokens - kept]
    assert len(places) == kept
    assert compared.weights.tolist() == weights[places].tolist()
    assert np.array_equal(compared.spans, spans[places])
    assert np.array_equal(compared.vectors, unit(1, tokens)[places])


def test_last_tokens_of_a_question_are_judged_alone() -> None:
    """A follow-up's own words are weighed among themselves, without the question before it."""
    query = query_of(9, 5)
    whole = scores_of(query, [4, 5, 6]).alignments[0]
    own = QueryTokens(query.vectors[3:], query.weights[3:] / query.weights[3:].sum())
    alone = scores_of(own, [4, 5, 6]).alignments[0]
    last = whole.last(2)
    assert float(last.weights.sum()) == pytest.approx(1)
    assert last.max_sim == pytest.approx(alone.max_sim, abs=1e-6)
    assert np.array_equal(last.spans, whole.spans)
    assert whole.last(5).max_sim == pytest.approx(whole.max_sim, abs=1e-6)
    assert whole.last(9).max_sim == pytest.approx(whole.max_sim, abs=1e-6)
    assert whole.last(0).max_sim == 0


def test_alignment_of_an_empty_passage_is_empty() -> None:
    """Neither side may lack tokens and still match."""
    empty = Alignment(
        np.empty((0, 2), dtype=np.float32),
        np.empty((0, 2), dtype=np.uint16),
        np.array([0.5, 0.5], dtype=np.float32),
    )
    assert empty.max_sim == 0
    assert empty.matches(0, 10).tolist() == [0, 0]
    assert empty.last(1).max_sim == 0


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("متى افتتحت القناة؟", "فُتحت القناة للملاحة عام 1869.", "القناة ممر مائي صناعي في مصر."),
        ("长城有多长？", "长城总长21196公里。", "长城是明代修建的。"),
        ("รถไฟสายนี้ยาวเท่าไร", "ทางรถไฟมีความยาว 9288 กิโลเมตร", "ทางรถไฟสร้างในสมัยจักรวรรดิ"),
        ("पेंगुइन क्या खाते हैं?", "पेंगुइन मछली और क्रिल खाते हैं।", "पेंगुइन दक्षिणी गोलार्ध में रहते हैं।"),
        ("Who built the قناة السويس?", "De Lesseps built the Suez Canal.", "قناة السويس عميقة."),
    ],
)  # fmt: skip
def test_real_tokens_tell_the_answer_from_the_topic(
    encoder: Encoder, question: str, right: str, wrong: str
) -> None:
    """In any script the sentence that answers is ahead of one on the same subject."""
    codec = ProductCodec(embedded_model_statistics().tokens)
    scorer = MaxSimScorer(codec)
    encoded = encoder.encode_document([wrong, right])
    passages = encoded.tokens
    lengths = [len(passage.vectors) for passage in passages]
    batch = TokenBatch(
        codes=np.concatenate(
            [
                codec.encode(passage.vectors, vector)
                for passage, vector in zip(passages, encoded.vectors, strict=True)
            ]
        ),
        spans=np.concatenate([passage.spans for passage in passages]).astype(np.uint16),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
    )
    none = np.zeros(encoder.dimension, dtype=np.float32)
    query = scorer.prepare(encoder.encode_query([question]).tokens[0], none)
    scores = scorer.score(query, batch, encoded.vectors).scores
    assert scores[1] > scores[0]
