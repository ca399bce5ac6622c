"""Both libraries cut a text into the same tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from encoder_texts import TEXTS
from tokenizers import Tokenizer

from qa_service.encoder.splitters import (
    TOKEN_WEIGHTS,
    JsonSplitter,
    SentencePieceSplitter,
    load_splitter,
    write_splitter,
)


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


TEXT = "قناة السويس — 运河全长82公里 ตลาดน้ำ नदी Canal"


def test_offsets_are_places_in_the_text(
    sentencepiece: SentencePieceSplitter, library: JsonSplitter
) -> None:
    """In code points, in order, up to the end, whichever library cuts."""
    for splitter in (sentencepiece, library):
        (pieces,) = splitter.split([TEXT])
        assert pieces.offsets[0, 0] == 0
        assert pieces.offsets[-1, 1] == len(TEXT)
        assert (pieces.offsets[:, 0] <= pieces.offsets[:, 1]).all()
        assert (pieces.offsets[1:, 0] >= pieces.offsets[:-1, 0]).all()


def test_markup_in_a_text_is_text(sentencepiece: SentencePieceSplitter) -> None:
    """An article about HTML may well hold the names of special tokens."""
    (pieces,) = sentencepiece.split(["قالت <s> 结束 </s> <pad> नमस्ते"])
    assert not {*sentencepiece.prefix, *sentencepiece.suffix} & {*pieces.ids.tolist()}


def test_no_text_has_no_pieces(sentencepiece: SentencePieceSplitter, library: JsonSplitter) -> None:
    """Arrays are of the shapes promised all the same."""
    for splitter in (sentencepiece, library):
        assert splitter.split([]) == []
        (pieces,) = splitter.split([""])
        assert (pieces.ids.shape, pieces.offsets.shape) == ((0,), (0, 2))


def test_a_tokenizer_comes_back_from_its_folder(tmp_path: Path, model_folder: Path) -> None:
    """The lean form where the model has one, the library's where it has not."""
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    lean, plain = tmp_path / "lean", tmp_path / "plain"
    for folder, model in ((lean, model_folder), (plain, tmp_path / "nowhere")):
        folder.mkdir()
        write_splitter(folder, model, tokenizer)
    found = [load_splitter(folder) for folder in (lean, plain)]
    assert [type(one) for one in found] == [SentencePieceSplitter, JsonSplitter]
    first, second = (one.split([TEXT])[0] for one in found)
    assert np.array_equal(first.ids, second.ids)
    assert (np.load(lean / TOKEN_WEIGHTS) >= 0).all()
