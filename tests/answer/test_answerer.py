"""Answering: what is made of a ranking, with the probability of an answer set by the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_service.answer import answerability
from qa_service.answer.answerer import BRIEF_TOKENS, Answerer
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.encoder.protocol import Encoder
from qa_service.errors import ArticleNotFoundError
from qa_service.indexes.codec import ProductCodec
from qa_service.retrieval.late_interaction import MaxSimScorer
from qa_service.retrieval.retriever import Retriever
from qa_service.store import Generation
from qa_service.text.language import detect_language
from qa_service.text.terms import Analyzer
from qa_service.types import Filters, Question

if TYPE_CHECKING:
    from qa_service.service import Service

SUEZ = "When was the Suez Canal opened to ships for the very first time?"
LONG = "How deep do the emperor penguins of Antarctica dive, and how long do they stay under water?"
SetProbability = Callable[[Callable[[], float]], None]


@pytest.fixture(scope="module")
def answerer(encoder: Encoder) -> Answerer:
    """Real parts, put together as the service does."""
    statistics = embedded_model_statistics().tokens
    scorer = MaxSimScorer(ProductCodec(statistics))
    retriever = Retriever(encoder, Analyzer(), scorer, statistics.offsets)
    return Answerer(retriever, encoder, detect_language)


@pytest.fixture
def set_probability(monkeypatch: pytest.MonkeyPatch) -> SetProbability:
    """Let the test say how likely each passage is to answer."""

    def put(judge: Callable[[], float]) -> None:
        def probability(*_: object, **__: object) -> float:
            return judge()

        monkeypatch.setattr(answerability, "probability", probability)

    return put


@pytest.mark.parametrize(
    ("question", "language", "article"),
    [
        ("متى افتتحت قناة السويس؟", "ar", "en/suez-canal.md"),
        ("明长城全长多少公里？", "zh", "zh/great-wall.txt"),
        ("प्रकाश संश्लेषण कहाँ होता है?", "hi", "hi/photosynthesis.txt"),
        ("ทางรถไฟสายทรานส์ไซบีเรียยาวเท่าไร", "th", "ru/transsib.md"),
        ("When was قناة السويس opened?", "en", "en/suez-canal.md"),
    ],
)
def test_likely_answer_is_given_with_its_place(
    answerer: Answerer,
    sample_service: Service,
    set_probability: SetProbability,
    question: str,
    language: str,
    article: str,
) -> None:
    """When a passage is likely to answer, its sentence is the answer, cited and exact."""
    set_probability(lambda: 0.9)
    answer = answerer.ask(sample_service.generation, Question(question))
    assert (answer.is_answered, answer.confidence, answer.language) == (True, 0.9, language)
    assert answer.answer is not None
    cited = answer.passages[answer.answer.citation - 1]
    assert cited.citation.article_id == article
    span = answer.answer.span
    assert cited.text[span.start : span.end] == answer.answer.text
    assert answer.index.generation == sample_service.generation.id
    assert {"encode", "search", "rerank", "total"} <= set(answer.timings_ms)


def test_unlikely_answer_is_withheld_but_passages_stay(
    answerer: Answerer, sample_service: Service, set_probability: SetProbability
) -> None:
    """Below the threshold there is no answer; what is nearest is shown with its probability."""
    set_probability(lambda: answerability.ANSWERED_FROM - 0.01)
    answer = answerer.ask(sample_service.generation, Question(SUEZ, top_k=3))
    assert (answer.is_answered, answer.answer) == (False, None)
    assert [one.score for one in answer.passages] == [answerability.ANSWERED_FROM - 0.01] * 3
    set_probability(lambda: answerability.ANSWERED_FROM)
    assert answerer.ask(sample_service.generation, Question(SUEZ)).is_answered


def test_nothing_to_search_is_a_refusal(answerer: Answerer, sample_service: Service) -> None:
    """Filters that nothing fits give no passage, no answer and no confidence."""
    asked = Question(SUEZ, filters=Filters(source="لا أحد"))
    answer = answerer.ask(sample_service.generation, asked)
    assert (answer.is_answered, answer.confidence, answer.passages) == (False, 0.0, ())


def test_long_question_is_taken_alone_when_it_can_be_answered(
    answerer: Answerer, sample_service: Service, set_probability: SetProbability
) -> None:
    """What stands by itself and is answered needs nothing of what was asked before."""
    set_probability(lambda: 0.9)
    answer = answerer.ask(sample_service.generation, Question(LONG, history=(SUEZ,)))
    assert answer.searched_for == LONG


def test_long_question_leans_on_the_last_only_if_that_answers_it(
    answerer: Answerer,
    sample_service: Service,
    encoder: Encoder,
    set_probability: SetProbability,
) -> None:
    """Refused alone and answered together: then the two are searched as one."""
    alone = encoder.count_tokens([LONG])[0]
    assert alone > BRIEF_TOKENS
    calls = iter(range(1_000))

    def second_search_only() -> float:
        # A question is judged by itself first, passage for passage.
        return 0.1 if next(calls) < first_search else 0.9

    first_search = min(50, sample_service.generation.manifest.passages)
    set_probability(second_search_only)
    answer = answerer.ask(sample_service.generation, Question(LONG, history=(SUEZ,)))
    assert answer.searched_for == f"{SUEZ} {LONG}"
    set_probability(lambda: 0.1)
    answer = answerer.ask(sample_service.generation, Question(LONG, history=(SUEZ,)))
    assert answer.searched_for == LONG


@pytest.mark.parametrize(
    "follow_up", ["ومن بناها؟", "谁修的？", "ใครสร้าง", "किसने?", "And مَن built it?"]
)
def test_brief_follow_up_goes_with_the_last_question_that_stands_alone(
    answerer: Answerer, sample_service: Service, set_probability: SetProbability, follow_up: str
) -> None:
    """Brief questions in between are skipped; the one that says what it is about is the base."""
    set_probability(lambda: 0.9)
    history = ("ما أعلى جبل في العالم كله وأين يقع بالضبط يا ترى؟", SUEZ, "Why?", "متى؟")
    answer = answerer.ask(sample_service.generation, Question(follow_up, history=history))
    assert answer.question == follow_up
    assert answer.searched_for == f"{SUEZ} {follow_up}"
    assert answer.passages[0].citation.article_id == "en/suez-canal.md"


def test_empty_history_adds_nothing(
    answerer: Answerer, sample_service: Service, set_probability: SetProbability
) -> None:
    """A brief question without a past is searched as it is."""
    set_probability(lambda: 0.9)
    asked = Question("谁修的？", history=())
    assert answerer.ask(sample_service.generation, asked).searched_for == "谁修的？"


def test_explanation_knows_only_articles_that_are_there(
    answerer: Answerer, sample_service: Service
) -> None:
    """An article's way is told from its first stage to its last; an unknown one is an error."""
    generation = sample_service.generation
    told = answerer.explain(generation, SUEZ, "en/suez-canal.md", Filters())
    assert told.lost_at is None
    assert "rank 1" in told.summary
    lost = answerer.explain(generation, SUEZ, "en/suez-canal.md", Filters(language="ar"))
    assert lost.lost_at == "merge"
    assert "not fetched" in lost.summary
    with pytest.raises(ArticleNotFoundError):
        answerer.explain(generation, SUEZ, "غير موجود", Filters())


@pytest.mark.parametrize("question", ["متى افتتحت قناة السويس؟", "明长城全长多少公里？", SUEZ])
def test_languages_are_looked_up_once_a_question(
    answerer: Answerer,
    sample_service: Service,
    question: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That of the question, and those of the passages that were found."""
    asked: list[str] = []
    looked_up: list[int] = []
    languages_of = Generation.languages_of

    def detect(text: str) -> str:
        asked.append(text)
        return detect_language(text)

    def counted(generation: Generation, keys: NDArray[np.int64]) -> list[str]:
        looked_up.append(len(keys))
        return languages_of(generation, keys)

    monkeypatch.setattr(answerer, "_detect_language", detect)
    monkeypatch.setattr(Generation, "languages_of", counted)
    answer = answerer.ask(sample_service.generation, Question(question))
    assert asked == [question]
    assert len(looked_up) == 1
    assert looked_up[0] >= len(answer.passages) > 0
