"""What every encoder promises, held against every runtime."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import pytest
from encoder_texts import BY_SCRIPT, TEXTS

from qa_service.encoder.protocol import Encoded, Encoder

QUESTIONS = tuple(texts[1] for texts in BY_SCRIPT.values())


def cosines(one: Encoded, other: Encoded) -> np.ndarray:
    """Return the cosine of each row with its counterpart."""
    return np.asarray((one.vectors * other.vectors).sum(axis=1))


@cache
def all_texts_on(encoder: Encoder) -> Encoded:
    """Embed every text, once for each encoder."""
    return encoder.encode_document(TEXTS)


def test_shapes_and_types(any_encoder: Encoder) -> None:
    """Vectors, token vectors, spans and weights have the shapes and types that are promised."""
    found = all_texts_on(any_encoder)
    assert found.vectors.shape == (len(TEXTS), any_encoder.dimension)
    assert found.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert len(found.tokens) == len(TEXTS)
    for tokens in found.tokens:
        count = len(tokens.vectors)
        assert tokens.vectors.shape == (count, any_encoder.dimension)
        assert tokens.spans.shape == (count, 2)
        assert tokens.weights.shape == (count,)
        assert tokens.vectors.dtype == tokens.weights.dtype == np.float32
        assert tokens.spans.dtype == np.int32
        assert (tokens.weights >= 0).all()
        assert np.isfinite(tokens.vectors).all()


def test_no_texts(any_encoder: Encoder) -> None:
    """No texts give no rows, and the dimension is still right."""
    for found in (any_encoder.encode_query([]), any_encoder.encode_document([], titles=[])):
        assert found.vectors.shape == (0, any_encoder.dimension)
        assert found.tokens == ()
    assert any_encoder.count_tokens([]) == []


@pytest.mark.parametrize("text", ["", "   ", "\n\r\n", "\u200b", "\x00", "\ufeff"])
def test_texts_without_content(any_encoder: Encoder, text: str) -> None:
    """A text with nothing to read has a unit vector all the same, and no tokens worth a span."""
    found = any_encoder.encode_document([text, "قلم"])
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert all(text[start:end].strip() == text[start:end] for start, end in found.tokens[0].spans)
    assert len(found.tokens[1].spans) > 0


@pytest.mark.parametrize("script", BY_SCRIPT)
def test_spans_cover_the_words(any_encoder: Encoder, script: str) -> None:
    """In every script the spans are in order, hold no space at their ends and miss no letter."""
    texts = BY_SCRIPT[script]
    for text, tokens in zip(texts, any_encoder.encode_document(texts).tokens, strict=True):
        seen: set[int] = set()
        last_start = 0
        for start, end in tokens.spans.tolist():
            assert 0 <= last_start <= start < end <= len(text)
            assert text[start:end] == text[start:end].strip()
            last_start = start
            seen.update(range(start, end))
        assert all(at in seen for at, character in enumerate(text) if character.isalnum())


def test_spans_ignore_prompt_and_title(any_encoder: Encoder) -> None:
    """A text has the same tokens at the same places whatever leads it."""
    texts = [texts[0] for texts in BY_SCRIPT.values()]
    titles = [texts[2] for texts in BY_SCRIPT.values()]
    bare = any_encoder.encode_document(texts)
    titled = any_encoder.encode_document(texts, titles=titles)
    asked = any_encoder.encode_query(texts)
    for one, two, three in zip(bare.tokens, titled.tokens, asked.tokens, strict=True):
        assert one.spans.tolist() == two.spans.tolist() == three.spans.tolist()
        assert one.weights.tolist() == two.weights.tolist() == three.weights.tolist()


def test_titles_shape_the_vectors(any_encoder: Encoder) -> None:
    """A title changes the vector; an empty or blank one does not."""
    text = "It opened in 2018 and is 55 kilometres long."
    bare = any_encoder.encode_document([text])
    titled = any_encoder.encode_document([text], titles=["جسر هونغ كونغ"])
    blank = any_encoder.encode_document([text, text], titles=["", " \n"])
    assert cosines(bare, titled)[0] < 0.999
    assert (blank.vectors @ bare.vectors[0] > 0.9999).all()


def test_as_many_titles_as_texts(any_encoder: Encoder) -> None:
    """Titles that do not match the texts one to one are a programming error."""
    with pytest.raises(ValueError, match="1 titles were given for 2 texts"):
        any_encoder.encode_document(["a", "b"], titles=["c"])


def test_order_is_kept(any_encoder: Encoder) -> None:
    """Rows come in the order given, though batches are sorted by length."""
    forward = all_texts_on(any_encoder)
    backward = any_encoder.encode_document(TEXTS[::-1])
    assert (cosines(forward, Encoded(backward.vectors[::-1], backward.tokens[::-1])) > 0.999).all()
    assert (forward.vectors @ forward.vectors.T).argmax(axis=1).tolist() == list(range(len(TEXTS)))


def test_repeated_texts(any_encoder: Encoder) -> None:
    """A text given twice has the same vectors twice, each in its place."""
    texts = ["مرحبا", "hello", "مرحبا", "你好", "hello"]
    found = any_encoder.encode_document(texts)
    once = any_encoder.encode_document(["مرحبا", "hello", "你好"])
    assert (np.sum(found.vectors * once.vectors[[0, 1, 0, 2, 1]], axis=1) > 0.9999).all()
    assert [len(one.spans) for one in found.tokens] == [
        len(once.tokens[row].spans) for row in (0, 1, 0, 2, 1)
    ]
    same_text = any_encoder.encode_document(["x", "x"], titles=["الاقتصاد", "football"])
    assert same_text.vectors[0] @ same_text.vectors[1] < 0.999


def test_batch_mates_do_not_matter(any_encoder: Encoder) -> None:
    """A text has the same vectors alone as among longer ones."""
    together = all_texts_on(any_encoder)
    for row in range(0, len(TEXTS), 9):
        alone = any_encoder.encode_document([TEXTS[row]])
        assert alone.vectors[0] @ together.vectors[row] > 0.9995
        assert np.array_equal(alone.tokens[0].spans, together.tokens[row].spans)
        one, other = alone.tokens[0].vectors, together.tokens[row].vectors
        norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        assert ((one * other).sum(axis=1) / norms).mean() > 0.999


def test_questions_and_passages_differ(any_encoder: Encoder) -> None:
    """The same text as a question and as a passage has different vectors."""
    asked, stored = any_encoder.encode_query(QUESTIONS), any_encoder.encode_document(QUESTIONS)
    assert (cosines(asked, stored) < 0.999).all()
    assert (asked.vectors @ stored.vectors.T).argmax(axis=1).tolist() == list(range(len(QUESTIONS)))


def test_translations_meet(any_encoder: Encoder) -> None:
    """A question finds the passage that answers it, in another language and script."""
    passages = ["富士山高3776米。", "Hungary's capital is Budapest.", "البحر الميت مالح جدًا."]
    questions = ["How high is Mount Fuji?", "ما هي عاصمة المجر؟", "समुद्र का पानी कितना खारा है?"]
    asked = any_encoder.encode_query(questions).vectors
    stored = any_encoder.encode_document(passages).vectors
    assert (asked @ stored.T).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "word", ["كتاب ", "मौसम ", "图书馆", "ห้องสมุด", "word ", "🙂", "e\u0301 "], ids=ascii
)
def test_long_texts_are_cut(any_encoder: Encoder, word: str) -> None:
    """Of a text beyond the model's length, the start is embedded, and its spans still fit."""
    text = word * 3000
    found = any_encoder.encode_document([text], titles=["عنوان " * 200])
    tokens = found.tokens[0]
    assert 0 < len(tokens.spans) <= any_encoder.max_tokens - 2
    # A title of any length leaves the text most of the room.
    assert len(tokens.spans) > any_encoder.max_tokens // 2 or len(set(tokens.weights)) == 1
    assert tokens.spans[0, 0] == 0
    assert tokens.spans[-1, 1] < len(text)
    assert any_encoder.count_tokens([text])[0] > 500


def test_a_megabyte_of_text(any_encoder: Encoder) -> None:
    """A very long text neither fails nor takes more than its first part."""
    text = "مدينة " * 170_000
    found = any_encoder.encode_document([text])
    same = any_encoder.encode_document(["مدينة " * 1000])
    assert cosines(found, same)[0] > 0.9999


def test_special_tokens_in_text_are_text(any_encoder: Encoder) -> None:
    """Markup that looks like the model's own special tokens is read as what it says."""
    text = "Use <s> and </s> to strike out; <mask>, <pad> and <unk> are no tags."
    tokens = any_encoder.encode_document([text]).tokens[0]
    covered = {at for start, end in tokens.spans.tolist() for at in range(start, end)}
    assert all(at in covered for at, character in enumerate(text) if character != " ")
    assert (tokens.weights > 0).all()


def test_lone_surrogates(any_encoder: Encoder) -> None:
    """Half a surrogate pair, which JSON can carry, neither fails nor shifts the offsets."""
    text = "a \ud83d نص"
    tokens = any_encoder.encode_query([text]).tokens[0]
    assert text[slice(*tokens.spans[-1])] in {"نص", "ص"}


def test_spans_leave_invisible_signs_out(any_encoder: Encoder) -> None:
    """A span starts at a letter, not at the joiner or direction mark before it."""
    text = "می\u200cخواهم \u200fשלום\ufeff नमस्ते"
    for start, _ in any_encoder.encode_document([text]).tokens[0].spans.tolist():
        assert text[start] not in "\u200c\u200f\ufeff "


def test_counts(any_encoder: Encoder) -> None:
    """Tokens are counted without prompt and special tokens, in texts of any length."""
    counts = any_encoder.count_tokens(["", "hello world", "مرحبا بالعالم", "hello " * 5000])
    assert counts == [0, 3, 5, 10_000]


def test_rare_words_weigh_more(any_encoder: Encoder) -> None:
    """A rare word carries more information than a common one, in any language."""
    for text in ("of photosynthesis", "في الكهرومغناطيسية", "的 蜘"):
        tokens = any_encoder.encode_query([text]).tokens[0]
        of_second = [
            weight
            for (start, _), weight in zip(tokens.spans, tokens.weights, strict=True)
            if start >= text.index(" ")
        ]
        assert max(of_second) > tokens.weights[0]


def test_threads(any_encoder: Encoder) -> None:
    """Several threads get what one alone gets."""
    alone = any_encoder.encode_document(TEXTS[:60])
    results: dict[int, Encoded] = {}

    def work(number: int) -> None:
        results[number] = any_encoder.encode_document(TEXTS[:60][:: 1 if number % 2 else -1])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        found = results[number].vectors[:: 1 if number % 2 else -1]
        assert ((found * alone.vectors).sum(axis=1) > 0.9995).all()
