"""How texts are cut into tokens, whoever runs the model afterwards."""

from __future__ import annotations

import unicodedata

import pytest
from encoder_texts import DECOMPOSED

from qa_service.encoder.splitters import JsonSplitter, SentencePieceSplitter
from qa_service.encoder.tokenization import TextTokenizer


@pytest.mark.parametrize(("decomposed", "composed"), DECOMPOSED, ids=ascii)
def test_decomposed_text(
    sentencepiece: SentencePieceSplitter, decomposed: str, composed: str
) -> None:
    """Both ways to write an accented letter, a voiced kana or a Korean syllable are one."""
    assert unicodedata.normalize("NFC", decomposed) == composed != decomposed
    one, other = sentencepiece.split([decomposed, composed])
    assert one.ids.tolist() == other.ids.tolist()
    assert one.offsets[-1, 1] == len(decomposed)


def test_marks_keep_their_order(sentencepiece: SentencePieceSplitter) -> None:
    """Arabic and Hebrew vowel signs are read as typed, as the model was taught, not reordered."""
    for typed in ("شدَّة", "مُحَمَّدٌ", "שָׁלוֹם"):
        reordered = unicodedata.normalize("NFC", typed)
        one, other = sentencepiece.split([typed, reordered])
        assert (one.ids.tolist() == other.ids.tolist()) == (typed == reordered)


@pytest.mark.parametrize("kind", ["sentencepiece", "library"])
def test_inputs_are_framed_and_cut(kind: str, request: pytest.FixtureRequest) -> None:
    """An input starts and ends with the special tokens and is never longer than the model takes."""
    splitter: SentencePieceSplitter | JsonSplitter = request.getfixturevalue(kind)
    tokenizer = TextTokenizer(splitter, splitter.token_weights(), max_tokens=16)
    for one in tokenizer.tokenize("query: ", ["", "كلمة", "word " * 100, "字" * 100]):
        assert one.ids[0] == splitter.prefix[0]
        assert one.ids[-1] == splitter.suffix[0]
        assert len(one.ids) <= 16
        assert len(one.positions) == len(one.spans) == len(one.weights)
        assert (one.positions > 0).all()
        assert (one.positions < len(one.ids) - 1).all()


def test_titles_are_short(sentencepiece: SentencePieceSplitter) -> None:
    """A title of any length takes at most 32 tokens of the model's room."""
    tokenizer = TextTokenizer(sentencepiece, sentencepiece.token_weights(), max_tokens=100)
    text = "کتاب " * 200
    (bare,) = tokenizer.tokenize("passage: ", [text])
    (titled,) = tokenizer.tokenize("passage: ", [text], ["عنوان طويل " * 50])
    assert len(bare.ids) == len(titled.ids) == 100
    assert len(bare.positions) - len(titled.positions) == 32
