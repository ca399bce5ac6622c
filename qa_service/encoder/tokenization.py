"""Texts → token ids ready for the model, with the place of each content token in its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_TITLE_MAX_TOKENS = 32
# No tokenizer makes a token of more code points than this on average, so what lies beyond can be
# dropped before tokenising: a text of a megabyte costs no more than one that fits.
_MAX_CHARACTERS_PER_TOKEN = 128
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# What models take for a space, joiners, direction marks and replacement characters among them.
_SPACES = (
    *range(0x09, 0x21),
    *(0x7F, 0x85, 0xA0, 0x1680),
    *range(0x2000, 0x2010),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF, 0xFFFD),
)
_IS_SPACE = np.zeros(max(_SPACES) + 2, dtype=np.bool_)
_IS_SPACE[list(_SPACES)] = True


@dataclass(frozen=True, slots=True)
class Pieces:
    """One text cut into tokens, special tokens left out.

    `ids`: int64 (tokens,). `offsets`: int32 (tokens, 2), half-open code-point offsets.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int32]


class Splitter(Protocol):
    """A tokenizer, whoever makes it. Safe to use from several threads."""

    @property
    def prefix(self) -> Sequence[int]:
        """Special tokens that start every input."""
        ...

    @property
    def suffix(self) -> Sequence[int]:
        """Special tokens that end every input."""
        ...

    @property
    def boundary(self) -> int | None:
        """The token that marks where a word starts and stands for no text, if there is one."""
        ...

    def split(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut each text, which has a UTF-8 form, into tokens."""
        ...


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """One input of the model.

    `ids`: int64 (length,), special tokens included.
    `positions`: int32 (tokens,), which of them are content tokens: not prompt, title or special.
    `spans`, `weights`: of the content tokens, as in `TokenVectors`.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int32]
    spans: NDArray[np.int32]
    weights: NDArray[np.float32]


class TextTokenizer:
    """Tokenises for one model. Safe to use from several threads."""

    def __init__(
        self, splitter: Splitter, token_weights: NDArray[np.float32], max_tokens: int
    ) -> None:
        """`token_weights` gives each token id's information in nats."""
        self._splitter = splitter
        self._token_weights = token_weights
        self._room = max_tokens - len(splitter.prefix) - len(splitter.suffix)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, however long, without prompt and special tokens."""
        return [len(pieces.ids) for pieces in self._splitter.split([*map(_encodable, texts)])]

    def tokenize(
        self, prompt: str, texts: Sequence[str], titles: Sequence[str] | None = None
    ) -> list[TokenizedText]:
        """Tokenise prompt, title and text as one input each, cut to the model's length."""
        if titles is None:
            leads: Sequence[str] = [prompt] * len(texts)
        else:
            leads = [prompt + title for title in self._short_titles(titles)]
        limit = self._room * _MAX_CHARACTERS_PER_TOKEN
        inputs = [_encodable(lead + text[:limit]) for lead, text in zip(leads, texts, strict=True)]
        return [
            self._place(pieces, text, len(lead))
            for pieces, text, lead in zip(self._splitter.split(inputs), inputs, leads, strict=True)
        ]

    def _short_titles(self, titles: Sequence[str]) -> list[str]:
        """Cut each title to a number of tokens that leaves the text its room."""
        cut: dict[str, str] = {}
        distinct = list(dict.fromkeys(titles))
        split = self._splitter.split([*map(_encodable, distinct)])
        for title, pieces in zip(distinct, split, strict=True):
            end = len(title)
            if len(pieces.ids) > _TITLE_MAX_TOKENS:
                end = int(pieces.offsets[_TITLE_MAX_TOKENS - 1, 1])
            cut[title] = f"{title[:end]}\n" if title.strip() else ""
        return [cut[title] for title in titles]

    def _place(self, pieces: Pieces, text: str, content_start: int) -> TokenizedText:
        body, offsets = pieces.ids[: self._room], pieces.offsets[: self._room]
        # Tokens carry the white space that led to them; a highlight must not.
        starts = _next_text(text)[np.maximum(offsets[:, 0], content_start)]
        ends = offsets[:, 1]
        is_content = starts < ends
        if self._splitter.boundary is not None:
            is_content &= body != self._splitter.boundary
        chosen = np.flatnonzero(is_content).astype(np.int32)
        prefix, suffix = self._splitter.prefix, self._splitter.suffix
        return TokenizedText(
            ids=np.concatenate((prefix, body, suffix)).astype(np.int64, copy=False),
            positions=chosen + np.int32(len(prefix)),
            spans=np.stack((starts, ends), axis=1)[chosen] - np.int32(content_start),
            weights=self._token_weights[body[chosen]],
        )


def _encodable(text: str) -> str:
    """Return a text that has a UTF-8 form: half a surrogate pair has none. Offsets stay."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def _next_text(text: str) -> NDArray[np.int32]:
    """Return, for each offset of `text` and its end, the first offset from there of no space."""
    end = len(text)
    offsets = np.arange(end + 1, dtype=np.int32)
    code_points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    # The table ends with False, for all code points from there on.
    is_space = _IS_SPACE[np.minimum(code_points, len(_IS_SPACE) - 1)]
    offsets[:end][is_space] = end
    return np.minimum.accumulate(offsets[::-1])[::-1]
