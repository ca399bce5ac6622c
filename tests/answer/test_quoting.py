"""From ranked passages to an answer whose every quote can be checked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_service.answer import answerability
from qa_service.answer.quoting import Evidence, best_sentence, cite, matching_words
from qa_service.retrieval.late_interaction import Alignment
from qa_service.types import Article, Passage, Span

ARTICLES = {
    "ar": (
        "وقّعت أرمينيا وأذربيجان اتفاقًا. ",
        "أقامت روسيا خمسًا وعشرين نقطةَ مراقبة. ",
        "واستقال وزير الخارجية.",
    ),
    "zh": ("长城是军事工程。", "明长城全长8851.8公里。", "八达岭最有名。"),
    "th": ("ปลาทูเป็นอาหารทะเล ", "เรือที่อยู่ในท่าน้ำนั้นใหญ่มาก ", "คนไทยชอบกินข้าว"),
    "hi": ("पौधे भोजन बनाते हैं। ", "पत्तियों में क्लोरोफ़िल रहता है। ", "ऑक्सीजन बाहर निकलती है।"),
    "mixed": ("The canal قناة السويس opened. ", "苏伊士运河 is 193 km. ", "Ships कतार में wait."),
}  # fmt: skip
LEAD = "مقدمة 前言\n\n"


def article_of(sentences: Sequence[str], language: str = "und") -> tuple[Article, Passage]:
    """Return an article whose one passage follows a heading."""
    text = "".join(sentences)
    spans, start = [], len(LEAD)
    for sentence in sentences:
        spans.append(Span(start, start + len(sentence)))
        start += len(sentence)
    article = Article(id=f"a/{language}.txt", title="عنوان", text=LEAD + text, language=language)
    passage = Passage(
        id="p1",
        article_id=article.id,
        start=len(LEAD),
        end=len(LEAD) + len(text),
        text=text,
        language=language,
        sentences=tuple(spans),
    )
    return article, passage


def alignment_of(
    passage: Passage, matches: Sequence[tuple[str, int, float]], question_tokens: int
) -> Alignment:
    """Return how words of a passage match a question's tokens: word, token number, cosine."""
    spans, rows = [], []
    for word, token, cosine in matches:
        start = passage.text.index(word)
        spans.append((start, start + len(word)))
        row = [0.0] * question_tokens
        row[token] = cosine
        rows.append(row)
    return Alignment(
        similarities=np.array(rows, dtype=np.float32).reshape(len(spans), question_tokens),
        spans=np.array(spans, dtype=np.uint16).reshape(-1, 2),
        weights=np.full(question_tokens, 1 / max(question_tokens, 1), dtype=np.float32),
    )


def evidence_of(
    article: Article,
    passage: Passage,
    alignment: Alignment,
    score: float = 0.5,
    also_in: tuple[str, ...] = (),
    probability: float = 0.8,
) -> Evidence:
    """Return evidence that is likely enough to answer."""
    return Evidence(passage, article, alignment, score, probability, also_in)


def marked(passage: Passage, alignment: Alignment) -> list[str]:
    """Return the texts that are highlighted."""
    return [passage.text[span.start : span.end] for span in matching_words(passage, alignment)]


def splits_a_letter(text: str, place: int) -> bool:
    """Tell whether a cut would part a letter from its marks."""
    return 0 < place < len(text) and unicodedata.category(text[place])[0] == "M"


@pytest.mark.parametrize("language", ARTICLES)
def test_quotes_are_exact_slices_of_the_article(language: str) -> None:
    """Passage and answer stand in the stored text where the citation says."""
    article, passage = article_of(ARTICLES[language], language)
    word = ARTICLES[language][1].split(" ")[0][:3]
    alignment = alignment_of(passage, [(word, 0, 0.9)], 1)
    cited, answer = cite([evidence_of(article, passage, alignment, also_in=("b.txt",))])
    quote = cited[0]
    assert article.text[quote.citation.start : quote.citation.end] == quote.text == passage.text
    assert (quote.rank, quote.citation.article_id, quote.also_in) == (1, article.id, ("b.txt",))
    assert (quote.citation.id, quote.citation.title) == ("p1", "عنوان")
    assert quote.score == 0.8
    assert answer is not None
    assert answer.text == ARTICLES[language][1]
    assert quote.text[answer.span.start : answer.span.end] == answer.text
    assert (answer.citation, answer.language) == (1, language)


@pytest.mark.parametrize("shift", [-1, 1, 10_000])
def test_quote_that_is_not_in_its_article_is_left_out(shift: int) -> None:
    """A passage that the article does not hold at its place is not shown, and ranks close up."""
    article, passage = article_of(ARTICLES["ar"], "ar")
    alignment = alignment_of(passage, [("روسيا", 0, 0.9)], 1)
    moved = replace(passage, start=passage.start + shift, end=passage.end + shift)
    sound = evidence_of(article, passage, alignment)
    cited, answer = cite([evidence_of(article, moved, alignment, score=0.9), sound])
    assert [(quote.rank, quote.citation.start) for quote in cited] == [(1, passage.start)]
    assert answer is not None
    assert answer.citation == 1


@pytest.mark.parametrize(
    "broken",
    [{"text": "كلام لم يقله أحد"}, {"start": -3, "end": 0, "text": ""}, {"end": len(LEAD)}],
    ids=["other text", "negative", "empty"],
)
def test_without_sound_evidence_there_is_no_answer(broken: dict[str, object]) -> None:
    """Nothing that can be checked, nothing answered."""
    article, passage = article_of(ARTICLES["ar"], "ar")
    alignment = alignment_of(passage, [("روسيا", 0, 0.9)], 1)
    unsound = replace(passage, **broken)  # type: ignore[arg-type]
    assert cite([evidence_of(article, unsound, alignment)]) == ((), None)
    assert cite([]) == ((), None)


def test_clearly_better_sentence_of_a_later_passage_answers() -> None:
    """The answer cites the passage that holds it, which need not be the first."""
    first, passage = article_of(ARTICLES["mixed"], "en")
    second, other = article_of(ARTICLES["hi"], "hi")
    weak = alignment_of(passage, [("canal", 0, 0.4)], 1)
    strong = alignment_of(other, [("क्लोरोफ़िल", 0, 0.95)], 1)
    _, answer = cite([evidence_of(first, passage, weak), evidence_of(second, other, strong)])
    assert answer is not None
    assert (answer.citation, answer.language) == (2, "hi")
    assert answer.text == ARTICLES["hi"][1]
    same = alignment_of(other, [("क्लोरोफ़िल", 0, 0.4)], 1)
    _, answer = cite([evidence_of(first, passage, weak), evidence_of(second, other, same)])
    assert answer is not None
    assert answer.citation == 1


def test_passage_that_hardly_answers_does_not_speak_for_one_that_does() -> None:
    """An unlikely first passage is shown, but the answer comes from the likely one below it."""
    first, passage = article_of(ARTICLES["mixed"], "en")
    second, other = article_of(ARTICLES["hi"], "hi")
    strong = alignment_of(passage, [("canal", 0, 0.9)], 1)
    weak = alignment_of(other, [("क्लोरोफ़िल", 0, 0.4)], 1)
    unlikely = evidence_of(first, passage, strong, probability=0.2)
    for probability, cited in ((0.8, 2), (0.3, 2), (0.1, 1)):
        likely = evidence_of(second, other, weak, probability=probability)
        _, answer = cite([unlikely, likely])
        assert answer is not None
        assert answer.citation == cited
    both = [evidence_of(first, passage, strong), evidence_of(second, other, weak)]
    _, answer = cite(both)
    assert answer is not None
    assert answer.citation == 1


def test_who_answers_is_decided_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold is that of answerability, wherever that is set."""
    first, passage = article_of(ARTICLES["ar"], "ar")
    second, other = article_of(ARTICLES["th"], "th")
    both = [
        evidence_of(
            first, passage, alignment_of(passage, [("أرمينيا", 0, 0.9)], 1), probability=0.8
        ),
        evidence_of(second, other, alignment_of(other, [("ปลา", 0, 0.4)], 1), probability=0.9),
    ]
    for threshold, cited in ((0.5, 1), (0.85, 2)):
        monkeypatch.setattr(answerability, "ANSWERED_FROM", threshold)
        _, answer = cite(both)
        assert answer is not None
        assert answer.citation == cited


@pytest.mark.parametrize("language", ARTICLES)
def test_two_sentences_that_answer_together_are_contiguous(language: str) -> None:
    """When the question's words are spread over two sentences in a row, both are quoted."""
    sentences = ARTICLES[language]
    _, passage = article_of(sentences, language)
    one, two = (sentence.strip()[:4] for sentence in sentences[1:3])
    alignment = alignment_of(passage, [(one, 0, 0.95), (two, 1, 0.9)], 2)
    found = best_sentence(passage, alignment)
    assert passage.text[found.span.start : found.span.end] == sentences[1] + sentences[2]


@pytest.mark.parametrize(
    ("sentences", "quoted"),
    [
        (["长城东起虎山。\n\n", "长度\n\n", "全长8851公里。"], "长城东起虎山。"),
        (["قناة طويلة.\n", "الطول\n", "يبلغ طولها ١٩٣ كيلومترًا."], "قناة طويلة."),
        # What only looks a little like a heading: lines without stops, and sentences of their own.
        (["It was built.\n\n", "Length: 8851 km."], "It was built.\n\nLength: 8851 km."),
        (["Its length.\n", "8851 km\n", "without moats"], "Its length.\n8851 km"),
        (["The wall:\n", "8851 km\n", "It stands."], "The wall:\n8851 km"),
        (["แม่น้ำเจ้าพระยา\n", "ยาว ๓๗๒ กิโลเมตร"], "แม่น้ำเจ้าพระยา\nยาว ๓๗๒ กิโลเมตร"),
    ],
)
def test_heading_is_not_quoted_with_the_sentence_before(
    sentences: Sequence[str], quoted: str
) -> None:
    """However well both match, a sentence and the heading of what follows do not answer together.

    Nor does the heading alone.
    """
    _, passage = article_of(sentences)
    spans = tuple(
        Span(span.start, span.start + len(text.rstrip()))
        for span, text in zip(passage.sentences, sentences, strict=True)
    )
    passage = replace(passage, sentences=spans)
    first, second = (text[:3] for text in sentences[:2])
    found = best_sentence(passage, alignment_of(passage, [(first, 0, 0.95), (second, 1, 0.9)], 2))
    assert passage.text[found.span.start : found.span.end] == quoted


def test_heading_is_quoted_with_what_follows() -> None:
    """Where a heading names what its first sentence tells, both are quoted."""
    sentences = ["长城东起虎山。\n\n", "长度\n\n", "全长8851公里。"]
    _, passage = article_of(sentences)
    alignment = alignment_of(passage, [("长度", 0, 0.95), ("8851", 1, 0.9)], 2)
    found = best_sentence(passage, alignment)
    assert passage.text[found.span.start : found.span.end] == "长度\n\n全长8851公里。"


@pytest.mark.parametrize(("cosine", "answering"), [(0.1, 0), (0.6, 2)])
def test_subject_named_first_counts_for_the_sentence_that_answers(
    cosine: float, answering: int
) -> None:
    """The last of three sentences answers if it tells enough of what the first one names.

    Words in the first and the last do not make an answer of all three.
    """
    _, passage = article_of(ARTICLES["ar"], "ar")
    alignment = alignment_of(passage, [("أرمينيا", 0, 0.95), ("الخارجية", 1, cosine)], 2)
    found = best_sentence(passage, alignment)
    assert passage.text[found.span.start : found.span.end] == ARTICLES["ar"][answering]
    # How well it matches is told by its own words.
    assert found.score == pytest.approx((0.95 if answering == 0 else cosine) / 2)


def test_passage_without_sentences_answers_as_a_whole() -> None:
    """A table cell or a fragment is its own sentence."""
    article, passage = article_of(ARTICLES["zh"], "zh")
    whole = replace(passage, sentences=())
    cited, answer = cite([evidence_of(article, whole, alignment_of(whole, [], 0))])
    assert answer is not None
    assert answer.text == cited[0].text
    assert cited[0].highlights == ()


@pytest.mark.parametrize(
    ("language", "piece", "word"),
    [
        ("ar", "راقب", "مراقبة"),
        ("ar", "خمس", "خمسًا"),
        ("hi", "क्लो", "क्लोरोफ़िल"),
        ("hi", "त्ति", "पत्तियों"),
        ("mixed", "سوي", "السويس"),
        ("mixed", "ope", "opened"),
        ("mixed", "कता", "कतार"),
    ],
)
def test_piece_of_a_word_marks_the_whole_word(language: str, piece: str, word: str) -> None:
    """Where spaces part words, a piece is widened to its word, marks and all."""
    _, passage = article_of(ARTICLES[language], language)
    assert marked(passage, alignment_of(passage, [(piece, 0, 0.9)], 1)) == [word]


@pytest.mark.parametrize(
    ("language", "piece", "wanted"),
    [
        ("zh", "全长", "全长"),
        ("mixed", "运河", "运河"),
        ("th", "ท่าน้ำ", "ท่าน้ำ"),
        # Pieces that a tokenizer cut inside a cluster take the marks that belong to them.
        ("th", "ท", "ที่"),
        ("th", "่าน้", "ท่าน้ำ"),
    ],
)
def test_unspaced_scripts_mark_the_piece_with_its_marks(
    language: str, piece: str, wanted: str
) -> None:
    """Where nothing parts words, the piece itself is marked, never half a letter of it."""
    _, passage = article_of(ARTICLES[language], language)
    sentence = ARTICLES[language][1] if language != "mixed" else passage.text
    place = passage.text.index(sentence) + sentence.index(piece)
    alignment = replace(
        alignment_of(passage, [(sentence[:1], 0, 0.9)], 1),
        spans=np.array([[place, place + len(piece)]], dtype=np.uint16),
    )
    found = marked(passage, alignment)
    assert len(found) == 1
    assert found[0].startswith(wanted) or wanted.startswith(found[0])
    span = matching_words(passage, alignment)[0]
    assert not splits_a_letter(passage.text, span.start)
    assert not splits_a_letter(passage.text, span.end)


def test_words_in_a_row_are_marked_as_one() -> None:
    """Neighbours are joined over the space between them; others stay apart."""
    _, passage = article_of(ARTICLES["ar"], "ar")
    alignment = alignment_of(passage, [("خمس", 0, 0.9), ("عشر", 1, 0.9), ("أرمينيا", 2, 0.9)], 3)
    assert marked(passage, alignment) == ["أرمينيا", "خمسًا وعشرين"]


def test_what_does_not_match_or_tells_nothing_is_not_marked() -> None:
    """A weak match, a filler of the question, and punctuation mark nothing."""
    _, passage = article_of(ARTICLES["zh"], "zh")
    assert marked(passage, alignment_of(passage, [("全长", 0, 0.1)], 1)) == []
    assert marked(passage, alignment_of(passage, [("。", 0, 0.95)], 1)) == []
    filler = replace(
        alignment_of(passage, [("全长", 0, 0.9), ("公里", 1, 0.9)], 2),
        weights=np.array([0.999, 0.001], dtype=np.float32),
    )
    assert marked(passage, filler) == ["全长"]


LETTERS = "روسيامًٌَ يكتب 长城公里。ปที่น้ำกินหนู पत्तियोंक्षि।abcéà 12.,\u200c\u200d🐝\n"


@settings(max_examples=150)
@given(
    text=st.text(st.sampled_from(LETTERS), min_size=1, max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
def test_marks_are_in_bounds_in_order_and_cut_no_letter(
    text: str, cuts: list[tuple[int, int]], seed: int
) -> None:
    """Whatever the text and wherever a tokenizer cuts it, marks are whole and do not overlap."""
    _, passage = article_of([text])
    spans = [(min(start, len(text) - 1), min(start + size, len(text))) for start, size in cuts]
    rng = np.random.default_rng(seed)
    alignment = Alignment(
        similarities=rng.random((len(spans), 4), dtype=np.float32),
        spans=np.array(spans, dtype=np.uint16),
        weights=np.full(4, 0.25, dtype=np.float32),
    )
    previous = 0
    for span in matching_words(passage, alignment):
        assert previous <= span.start < span.end <= len(text)
        assert span.start != previous or previous == 0
        assert not splits_a_letter(text, span.start)
        assert not splits_a_letter(text, span.end)
        previous = span.end
