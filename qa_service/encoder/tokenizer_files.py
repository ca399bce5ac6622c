"""The embedded model's tokenizer, as other libraries read it and as SentencePiece does.

Both forms hold the same pieces, probabilities and normalisation. qa-service runs SentencePiece's,
which takes a fifth of the memory and half the time; `tokenizer.json` is for sentence-transformers.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors
from tokenizers.pre_tokenizers import Metaspace

from qa_service.encoder.charsmap import build_charsmap
from qa_service.encoder.wheel import Vocabulary

UNIGRAM_MODEL = "unigram.model"

_MASK = "<mask>"
# Field numbers and values of sentencepiece_model.proto.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE_TEXT, _PIECE_SCORE, _PIECE_KIND = 1, 2, 3
_KIND_UNKNOWN, _KIND_CONTROL = 2, 3
_TRAINER_KIND, _TRAINER_SIZE = 3, 4
_TRAINER_UNK, _TRAINER_BOS, _TRAINER_EOS, _TRAINER_PAD = 40, 41, 42, 43
_UNIGRAM = 1
_NORMALIZER_NAME, _NORMALIZER_CHARSMAP = 1, 2
_NORMALIZER_LEADING_SPACE, _NORMALIZER_TRIM, _NORMALIZER_ESCAPE = 3, 4, 5


def write_tokenizer(
    folder: Path, vocabulary: Vocabulary, normalisations: Mapping[str, str], max_tokens: int
) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and SentencePiece's `unigram.model`."""
    charsmap = build_charsmap(normalisations)
    _build_tokenizer(vocabulary, charsmap).save(str(folder / "tokenizer.json"), pretty=False)
    (folder / UNIGRAM_MODEL).write_bytes(_sentencepiece_model(vocabulary, charsmap))
    names = vocabulary.pieces
    config = {
        # The class that takes tokenizer.json as it stands.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_tokens,
        "padding_side": "right",
        "bos_token": names[vocabulary.bos],
        "cls_token": names[vocabulary.bos],
        "eos_token": names[vocabulary.eos],
        "sep_token": names[vocabulary.eos],
        "pad_token": names[vocabulary.pad],
        "unk_token": names[vocabulary.unk],
        "mask_token": _MASK,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), "utf-8")


def _build_tokenizer(vocabulary: Vocabulary, charsmap: bytes) -> Tokenizer:
    """Return the XLM-R tokenizer: normalise, split at spaces, most probable unigram pieces."""
    names = vocabulary.pieces
    scored = list(zip(names, vocabulary.scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, vocabulary.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = names[vocabulary.bos], names[vocabulary.eos]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, vocabulary.bos), (eos, vocabulary.eos)],
    )
    special = (vocabulary.bos, vocabulary.pad, vocabulary.eos, vocabulary.unk)
    tokenizer.add_special_tokens([AddedToken(names[token], normalized=False) for token in special])
    # The mask takes the space before it along, as in the original.
    tokenizer.add_special_tokens([AddedToken(_MASK, lstrip=True, normalized=False)])
    return tokenizer


def _sentencepiece_model(vocabulary: Vocabulary, charsmap: bytes) -> bytes:
    """Return the tokenizer as a SentencePiece model, its pieces numbered as the model's tokens."""
    kinds = {vocabulary.unk: _KIND_UNKNOWN}
    # Control pieces are never found in a text: an article about HTML may well hold "<s>".
    for token in (vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.pieces.index(_MASK)):
        kinds[token] = _KIND_CONTROL
    model = bytearray()
    for token, piece in enumerate(vocabulary.pieces):
        message = _bytes_field(_PIECE_TEXT, piece.encode())
        message += _float_field(_PIECE_SCORE, float(vocabulary.scores[token]))
        if token in kinds:
            message += _int_field(_PIECE_KIND, kinds[token])
        model += _bytes_field(_PIECES, message)
    model += _bytes_field(
        _TRAINER,
        _int_field(_TRAINER_KIND, _UNIGRAM)
        + _int_field(_TRAINER_SIZE, len(vocabulary.pieces))
        + _int_field(_TRAINER_UNK, vocabulary.unk)
        + _int_field(_TRAINER_BOS, vocabulary.bos)
        + _int_field(_TRAINER_EOS, vocabulary.eos)
        + _int_field(_TRAINER_PAD, vocabulary.pad),
    )
    model += _bytes_field(
        _NORMALIZER,
        _bytes_field(_NORMALIZER_NAME, b"nmt_nfkc")
        + _bytes_field(_NORMALIZER_CHARSMAP, charsmap)
        + _int_field(_NORMALIZER_LEADING_SPACE, 1)
        + _int_field(_NORMALIZER_TRIM, 1)
        + _int_field(_NORMALIZER_ESCAPE, 1),
    )
    return bytes(model)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _int_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _float_field(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)
