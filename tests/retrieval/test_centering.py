"""Centering: what a language's texts have in common must not decide what is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_service.encoder.model_statistics import LanguageMeans, embedded_model_statistics
from qa_service.encoder.protocol import Encoder
from qa_service.retrieval.centering import (
    EXPECTATION_WEIGHT,
    FittedLanguageCentering,
    LanguageCentering,
    unit_rows,
)

Vectors = NDArray[np.float32]
DIMENSION = 64
LANGUAGES = ("ar", "zh", "th", "hi", "en")


def drawn(seed: int, count: int) -> Vectors:
    """Return random unit vectors."""
    return unit_rows(np.random.default_rng(seed).standard_normal((count, DIMENSION)))


def languages_apart(each: int) -> tuple[Vectors, list[str]]:
    """Return topics as five languages write them: the same ones, but far off one another."""
    topics = drawn(1, each)
    shifts = 2 * drawn(2, len(LANGUAGES))
    written = unit_rows(np.concatenate([topics + shift for shift in shifts]))
    return written, [language for language in LANGUAGES for _ in range(each)]


def known_means() -> LanguageMeans:
    """Return what might be known of a model that has seen Arabic and English."""
    arabic, english, asked = drawn(3, 3)
    return LanguageMeans(
        passage_mean=np.asarray((arabic + english) / 2, dtype=np.float32),
        query_mean=asked,
        passages={"ar": arabic, "en": english},
        queries={"ar": asked, "en": english},
    )


def test_unit_rows_have_unit_length_and_zero_stays() -> None:
    """Every row is scaled to one; nothing is divided by nothing."""
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [1e-3, 0.0]]))
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [1.0, 0.0]]))


def test_fingerprint_names_what_is_leant_on() -> None:
    """An index that was fitted with other statistics of the model can be told by it."""
    known = known_means()
    moved = dataclasses.replace(known, passages=known.passages | {"th": drawn(9, 1)[0]})
    prints = [LanguageCentering(means).fingerprint for means in (None, known, moved)]
    assert len(set(prints)) == 3
    assert LanguageCentering(known_means()).fingerprint == prints[1]


def test_same_topic_meets_across_languages() -> None:
    """With language in the vectors each finds its own language; without it, its own topic."""
    each = 40
    written, languages = languages_apart(each)
    fitted = LanguageCentering(None).fit(written, languages)
    centred = fitted.passages(written, languages)
    arabic, chinese = slice(0, each), slice(each, 2 * each)

    def found(vectors: Vectors) -> float:
        nearest = (vectors[arabic] @ vectors[chinese].T).argmax(axis=1)
        return float((nearest == np.arange(each)).mean())

    others = [place for place in range(len(languages)) if place != 0]
    assert languages[others[int((written[others] @ written[0]).argmax())]] == "ar"
    assert languages[others[int((centred[others] @ centred[0]).argmax())]] != "ar"
    assert found(centred) == 1.0


def test_question_in_one_language_finds_the_topic_in_another() -> None:
    """A question is centred by its own language and compared with passages of all."""
    each = 40
    written, languages = languages_apart(each)
    fitted = LanguageCentering(None).fit(written, languages)
    centred = fitted.passages(written, languages)
    thai = 2 * each
    for topic in (0, 7, 39):
        similarities = centred @ fitted.query(written[thai + topic], "th")
        best = np.argsort(-similarities)[: len(LANGUAGES)]
        assert {int(place) % each for place in best} == {topic}


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12), data=st.data())
def test_centred_rows_have_unit_length(seed: int, count: int, data: st.DataObject) -> None:
    """Whatever the corpus: rows of length one, in the order given, of the same shape."""
    vectors = drawn(seed, count)
    languages = data.draw(
        st.lists(st.sampled_from((*LANGUAGES, "und")), min_size=count, max_size=count)
    )
    for expected in (None, known_means()):
        fitted = LanguageCentering(expected).fit(vectors, languages)
        centred = fitted.passages(vectors, languages)
        assert centred.shape == vectors.shape
        assert centred.dtype == np.float32
        assert np.isfinite(centred).all()
        assert np.linalg.norm(centred, axis=1) == pytest.approx(1, abs=1e-4)
        for row, language in enumerate(languages):
            alone = fitted.passages(vectors[row : row + 1], [language])
            assert alone[0] == pytest.approx(centred[row], abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1), shuffled=st.permutations(range(12)))
def test_order_of_the_corpus_does_not_matter(seed: int, shuffled: list[int]) -> None:
    """The same passages in another order teach the same means."""
    vectors = drawn(seed, 12)
    languages = [LANGUAGES[place % len(LANGUAGES)] for place in range(12)]
    one = LanguageCentering(None).fit(vectors, languages)
    other = LanguageCentering(None).fit(vectors[shuffled], [languages[at] for at in shuffled])
    assert one.passages(vectors, languages) == pytest.approx(
        other.passages(vectors, languages), abs=1e-5
    )


@pytest.mark.parametrize("expected", [None, known_means()], ids=["unknown model", "known model"])
def test_stored_means_come_back(expected: LanguageMeans | None) -> None:
    """What is written beside an index and read again centres exactly as before."""
    vectors, languages = drawn(5, 10), ["ar", "zh", "th", "hi", "und"] * 2
    centering = LanguageCentering(expected)
    fitted = centering.fit(vectors, languages)
    arrays = fitted.to_arrays()
    assert all(array.dtype.kind in "fU" for array in arrays.values())
    restored = centering.restore(arrays)
    for language in (*LANGUAGES, "und", "fi"):
        assert np.array_equal(
            restored.query(vectors[0], language), fitted.query(vectors[0], language)
        )
    assert np.array_equal(
        restored.passages(vectors, languages), fitted.passages(vectors, languages)
    )


def test_empty_corpus_is_stored_and_read() -> None:
    """An index of nothing has means, too: those of the model, or none."""
    nothing = np.empty((0, DIMENSION), dtype=np.float32)
    for expected in (None, known_means()):
        centering = LanguageCentering(expected)
        restored = centering.restore(centering.fit(nothing, []).to_arrays())
        assert restored.passages(nothing, []).shape == (0, DIMENSION)
        assert np.isfinite(restored.query(drawn(1, 1)[0], "ar")).all()


def mean_taken_away(fitted: FittedLanguageCentering, language: str) -> Vectors:
    """Return the mean of a language as stored."""
    arrays = fitted.to_arrays()
    names: Sequence[object] = list(arrays["centering_languages"])
    return np.asarray(arrays["centering_means"][names.index(language)], dtype=np.float32)


def test_few_passages_barely_move_what_is_expected() -> None:
    """One Arabic article is topic: the mean stays near the expectation. Many outvote it."""
    expected = known_means()
    topic = drawn(9, 1)
    few = LanguageCentering(expected).fit(topic, ["ar"])
    many = LanguageCentering(expected).fit(np.repeat(topic, 400, axis=0), ["ar"] * 400)
    to_topic = [
        float(np.linalg.norm(mean_taken_away(fitted, "ar") - topic[0])) for fitted in (few, many)
    ]
    to_expected = [
        float(np.linalg.norm(mean_taken_away(fitted, "ar") - expected.passages["ar"]))
        for fitted in (few, many)
    ]
    assert to_expected[0] < to_topic[0]
    assert to_topic[1] < to_expected[1]
    assert EXPECTATION_WEIGHT > 1


def test_one_article_is_not_centred_away() -> None:
    """A corpus of a single passage keeps what it says, though it equals its own mean."""
    topic = drawn(11, 1)
    for expected in (None, known_means()):
        centred = LanguageCentering(expected).fit(topic, ["hi"]).passages(topic, ["hi"])
        assert float(centred[0] @ topic[0]) > 0.5


def test_language_that_is_not_in_the_corpus_uses_its_known_offset() -> None:
    """A question in a language without articles is centred by what the model's statistics say."""
    expected = known_means()
    corpus = drawn(13, 30)
    fitted = LanguageCentering(expected).fit(corpus, ["zh"] * 30)
    vector = drawn(14, 1)[0]
    arabic, english, thai = (fitted.query(vector, language) for language in ("ar", "en", "th"))
    assert not np.allclose(arabic, english)
    # Nothing is known of Thai: it is treated like any unknown language.
    assert np.array_equal(thai, fitted.query(vector, "und"))


def test_language_of_the_corpus_does_not_move_questions_in_another() -> None:
    """Arabic articles say nothing of what English questions have in common but the subject."""
    expected = known_means()
    subject = 0.3 * drawn(15, 1)[0]
    corpus = np.repeat((expected.passages["ar"] + subject)[None], 5_000, axis=0)
    fitted = LanguageCentering(expected).fit(corpus, ["ar"] * len(corpus))
    vector = drawn(16, 1)[0]
    wanted = unit_rows((vector - expected.queries["en"] - subject)[None])[0]
    assert fitted.query(vector, "en") == pytest.approx(wanted, abs=0.02)


def test_real_questions_find_their_translation(encoder: Encoder) -> None:
    """Among passages of five languages, a question's answer in another language comes first."""
    passages = {
        "ar": ("تقع القناة في مصر وتصل بين بحرين.", "يأكل البطريق الأسماك في البحر."),
        "en": ("The wall was built by the Ming dynasty.", "The printing press was made in Mainz."),
        "hi": ("पौधे प्रकाश से अपना भोजन बनाते हैं।", "नौरोज़ वसंत का त्योहार है।"),
        "th": ("รถไฟสายนี้ยาวที่สุดในโลก", "ภูเขาไฟระเบิดเมื่อปีที่แล้ว"),
        "zh": ("自行车比赛每年夏天在法国举行。", "这座城市的人口有一百万。"),
    }
    texts = [text for group in passages.values() for text in group]
    languages = [language for language, group in passages.items() for _ in group]
    vectors = encoder.encode_document(texts).vectors
    fitted = LanguageCentering(embedded_model_statistics().languages).fit(vectors, languages)
    centred = fitted.passages(vectors, languages)
    for question, language, answer in (
        ("Where is the bike race held?", "en", "自行车比赛每年夏天在法国举行。"),
        ("كيف تصنع النباتات غذاءها؟", "ar", "पौधे प्रकाश से अपना भोजन बनाते हैं।"),
        ("长城是谁修的？", "zh", "The wall was built by the Ming dynasty."),
        ("पेंगुइन क्या खाते हैं?", "hi", "يأكل البطريق الأسماك في البحر."),
    ):
        query = fitted.query(encoder.encode_query([question]).vectors[0], language)
        assert texts[int((centred @ query).argmax())] == answer
