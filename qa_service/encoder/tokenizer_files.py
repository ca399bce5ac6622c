"""The embedded model's tokenizer, as other libraries read it and as SentencePiece does.

Both forms hold the same pieces, probabilities and normalisation. qa-service runs SentencePiece's,
which takes a fifth of the memory and half the time; `tokenizer.json` is for sentence-transformers.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unicodedata import ucd_3_2_0 as unicode_3_2

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors
from tokenizers.pre_tokenizers import Metaspace

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
_NORMALIZER_CHARSMAP = 2
# Log levels of SentencePiece.
_WARNING = 1


def write_tokenizer(
    folder: Path, vocabulary: Vocabulary, normalisations: Mapping[str, str], max_tokens: int
) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and SentencePiece's `unigram.model`."""
    normalizer = normalizer_spec(normalisations)
    tokenizer = _build_tokenizer(vocabulary, charsmap_of(normalizer))
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / UNIGRAM_MODEL).write_bytes(_sentencepiece_model(vocabulary, normalizer))
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


def normalizer_spec(normalisations: Mapping[str, str]) -> bytes:
    """Return SentencePiece's NormalizerSpec that replaces each key, longest first, by its value.

    To the single characters given are added the sequences that stand for one character, such as a
    letter and its accent, so that both ways to write it come out alike.
    """
    replacements = dict(_sequences(normalisations)) | dict(normalisations)
    sentencepiece.set_min_log_level(_WARNING)
    normalizer = sentencepiece.SentencePieceNormalizer(
        norm_map=list(replacements.items()),
        add_dummy_prefix=True,
        escape_whitespaces=True,
        remove_extra_whitespaces=True,
    )
    return bytes(normalizer.serialized_normalizer_spec())


def charsmap_of(spec: bytes) -> bytes:
    """Return the compiled replacements of a NormalizerSpec, which `tokenizers` reads, too."""
    tag = bytes([_NORMALIZER_CHARSMAP << 3 | 2])
    size, position, shift = 0, spec.index(tag) + 1, 0
    while True:
        byte = spec[position]
        position += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return spec[position : position + size]


def _sequences(normalisations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what fully decomposed characters become: the same as the composed ones.

    By a fixed version of Unicode, so that every Python writes the same tokenizer.
    """
    for code_point in range(0xA0, sys.maxunicode + 1):
        character = chr(code_point)
        decomposed = unicode_3_2.normalize("NFD", character)
        # Some characters are never composed again, so they have no second way to be written.
        if len(decomposed) > 1 and unicode_3_2.normalize("NFC", decomposed) == character:
            yield decomposed, normalisations.get(character, character)


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


def _sentencepiece_model(vocabulary: Vocabulary, normalizer: bytes) -> bytes:
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
    model += _bytes_field(_NORMALIZER, normalizer)
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
