"""The embedded model's tokenizer, written as the files that other libraries read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors
from tokenizers.pre_tokenizers import Metaspace

from qa_service.encoder.wheel import Vocabulary

_MASK = "<mask>"


def write_tokenizer(
    folder: Path, vocabulary: Vocabulary, normalisations: Mapping[str, str], max_tokens: int
) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`."""
    tokenizer = build_tokenizer(vocabulary, normalisations)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
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


def build_tokenizer(vocabulary: Vocabulary, normalisations: Mapping[str, str]) -> Tokenizer:
    """Return the XLM-R tokenizer: normalise, split at spaces, most probable unigram pieces."""
    names = vocabulary.pieces
    scored = list(zip(names, vocabulary.scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, vocabulary.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.NFKC(),
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
