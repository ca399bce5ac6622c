"""Retrieval over the sample articles: what each stage gives, and how they fit together."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pytest

from qa_service.retrieval.fusion import LEXICAL_KEPT
from qa_service.retrieval.retriever import (
    BACKGROUND_MAX_SIM,
    HIGHEST_BACKGROUND_MAX_SIM,
    estimate_background_max_sim,
)
from qa_service.types import Filters

if TYPE_CHECKING:
    from qa_service.retrieval.retriever import Retrieval
    from qa_service.service import Service

QUESTIONS = (
    "كم نقطة مراقبة أقامت روسيا في قره باغ؟",
    "明长城全长多少公里？",
    "ทางรถไฟที่ยาวที่สุดในโลกยาวเท่าไร",
    "प्रकाश संश्लेषण कहाँ होता है?",
    "When was قناة السويس (苏伊士运河) opened?",
)


@pytest.fixture(params=QUESTIONS)
def retrieval(request: pytest.FixtureRequest, sample_service: Service) -> Retrieval:
    """What is found for each question."""
    return sample_service.retrieve(request.param)


def test_ranking_is_by_score_and_holds_what_was_merged(retrieval: Retrieval) -> None:
    """Best first, equal ones by key, every merged passage once, scores finite."""
    order = [(-item.score, item.key) for item in retrieval.ranked]
    assert order == sorted(order)
    assert sorted(item.key for item in retrieval.ranked) == sorted(retrieval.merged.tolist())
    assert np.isfinite([item.score for item in retrieval.ranked]).all()
    assert all(0 <= item.lexical <= 1 for item in retrieval.ranked)
    assert 0 < retrieval.background_max_sim < retrieval.ranked[0].max_sim


def test_merged_are_those_that_a_search_found(retrieval: Retrieval) -> None:
    """The reranker sees what the searches fetched, and nothing else."""
    found = set(retrieval.dense.keys.tolist()) | set(retrieval.lexical.keys.tolist())
    assert set(retrieval.merged.tolist()) <= found
    for search in (retrieval.dense, retrieval.lexical):
        assert (np.diff(search.scores) <= 0).all()


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_shares_most_terms_is_looked_at_however_much_else_is_near(
    sample_service: Service, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vector search alone does not decide, though it could fill all places."""
    places = 2 * LEXICAL_KEPT
    monkeypatch.setattr("qa_service.retrieval.retriever.TO_RERANK", places)
    found = sample_service.retrieve(question)
    assert len(found.dense.keys) > places == len(found.ranked)
    assert set(found.lexical.keys[:LEXICAL_KEPT].tolist()) <= {item.key for item in found.ranked}


def test_alignments_lie_within_their_passages(
    retrieval: Retrieval, sample_service: Service
) -> None:
    """Each token has its place in its passage's text, and a cosine for each of the question's."""
    passages = sample_service.generation.passages([item.key for item in retrieval.ranked])
    columns = {item.alignment.similarities.shape[1] for item in retrieval.ranked}
    assert len(columns) == 1
    for passage, item in zip(passages, retrieval.ranked, strict=True):
        spans = item.alignment.spans.astype(np.int64)
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert (spans <= len(passage.text)).all()
        assert float(item.alignment.weights.sum()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("question", QUESTIONS)
def test_same_question_finds_the_same(sample_service: Service, question: str) -> None:
    """Nothing is left to chance."""
    one, other = (sample_service.retrieve(question) for _ in range(2))
    assert [item.key for item in one.ranked] == [item.key for item in other.ranked]
    assert [item.score for item in one.ranked] == [item.score for item in other.ranked]


def test_filters_hold_for_both_searches(sample_service: Service) -> None:
    """No search fetches what may not answer."""
    generation = sample_service.generation
    filters = Filters(language="ar", published_from=dt.date(2020, 10, 1))
    found = sample_service.retrieve("روسيا وأرمينيا", filters)
    for keys in (found.dense.keys, found.lexical.keys, found.merged):
        assert len(keys)
        articles = {passage.article_id for passage in generation.passages(keys)}
        for article in map(generation.article, sorted(articles)):
            assert article.language == "ar"
            assert article.published is not None
            assert article.published >= dt.date(2020, 10, 1)
    nothing = sample_service.retrieve("روسيا", Filters(language="ko"))
    assert nothing.ranked == ()


def test_shared_terms_are_worth_something_and_foreign_scripts_nothing(
    sample_service: Service,
) -> None:
    """Within a language the lexical side speaks; across scripts it is silent, not a hindrance."""
    generation = sample_service.generation

    def lexical(question: str, article: str) -> float:
        keys = set(generation.keys_of(article).tolist())
        ranked = sample_service.retrieve(question).ranked
        return max(item.lexical for item in ranked if item.key in keys)

    assert lexical("明长城全长多少公里？", "zh/great-wall.txt") > 0
    assert lexical("متى افتتحت قناة السويس؟", "zh/great-wall.txt") == 0


def test_each_stage_is_timed(retrieval: Retrieval) -> None:
    """Encoding, searching and reranking are each told, in that order."""
    assert list(retrieval.timings_ms) == ["encode", "search", "rerank"]
    assert all(lap >= 0 for lap in retrieval.timings_ms.values())


@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_usual_score_is_that_of_many_and_guessed_for_few(count: int) -> None:
    """With few candidates the one that answers does not set the standard; with many the median."""
    usual = estimate_background_max_sim([0.6] + [0.2] * (count - 1))
    assert BACKGROUND_MAX_SIM < usual < 0.22
    assert estimate_background_max_sim([]) == BACKGROUND_MAX_SIM
    assert estimate_background_max_sim([0.5] * count) <= HIGHEST_BACKGROUND_MAX_SIM
    assert estimate_background_max_sim([0.2] * 1000) == pytest.approx(0.2, abs=0.001)
