"""All that is trained on and judged by, as arrays in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CORPUS = "corpus.npz"
NEGATIVES = ("neighbour", "lexical", "alike")
"""Kinds of passages that do not answer, in the order of `Corpus.negatives`."""


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different lengths: `values[starts[i]:starts[i + 1]]`."""

    values: NDArray[Any]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        found: NDArray[Any] = self.values[self.starts[row] : self.starts[row + 1]]
        return found

    def lengths(self) -> NDArray[np.int64]:
        """Return how long each row is."""
        return np.diff(self.starts)

    def chosen(self, rows: NDArray[np.int64]) -> Ragged:
        """Return some of the rows, in the order of their numbers."""
        return ragged([self[int(row)] for row in rows], self.values)


def ragged(rows: Sequence[NDArray[Any]], like: NDArray[Any]) -> Ragged:
    """Put rows together; `like` has their type and shape even where there are none."""
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    values = np.concatenate([like[:0], *rows]).astype(like.dtype, copy=False)
    return Ragged(values, starts)


def texts(found: Iterable[str]) -> Ragged:
    """Put texts together as UTF-8."""
    rows = [np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8) for text in found]
    return ragged(rows, np.zeros(0, dtype=np.uint8))


def text_of(rows: Ragged, row: int) -> str:
    """Return one of the texts that `texts` put together."""
    return bytes(rows[row]).decode("utf-8")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Passages, and questions that name them by number.

    Passages: `tokens`, ids of the cut vocabulary; `sentences`, numbers of the tokens at which
    sentences start, the first always 0; `languages`; `headings`, what the article is called or
    nothing. Only for passages to judge by: `passage_texts`, and `offsets`, (tokens, 2) code points.

    Questions: `questions`, their texts; `exchanged`, the text with a name or number that the
    passage does not have, or nothing; `askers`; `sources`; `parts`, see `Part`; `passages`;
    `spans`, (answers, 2) half-open tokens of the passage, none where it does not answer;
    `negatives`, (questions, kinds, …), passages that do not answer by kind, −1 for none.

    `vocabulary`: (ids,), the model's number of each cut id. `is_word_start`: (ids,), whether a
    token starts a word. `names`: lists that numbers of languages and sources refer to.
    """

    tokens: Ragged
    sentences: Ragged
    languages: NDArray[np.int16]
    headings: Ragged
    passage_texts: Ragged
    offsets: Ragged
    questions: Ragged
    exchanged: Ragged
    askers: NDArray[np.int16]
    sources: NDArray[np.int16]
    parts: NDArray[np.int8]
    passages: NDArray[np.int32]
    spans: Ragged
    negatives: NDArray[np.int32]
    vocabulary: NDArray[np.int32]
    is_word_start: NDArray[np.bool_]
    names: dict[str, list[str]]

    def pair(self, question: int) -> str:
        """Return the languages of a question and its passage: "en", or "ar-de"."""
        names = self.names["languages"]
        asker = names[int(self.askers[question])]
        language = names[int(self.languages[self.passages[question]])]
        return asker if asker == language else f"{asker}-{language}"

    def source(self, question: int) -> str:
        """Return the name of a question's source."""
        return self.names["sources"][int(self.sources[question])]


def write_corpus(path: Path, corpus: Corpus, *, is_compressed: bool = False) -> None:
    """Write a corpus beside its place and put it there by one rename."""
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(corpus):
        value = getattr(corpus, field.name)
        if isinstance(value, Ragged):
            arrays[field.name] = value.values
            arrays[f"{field.name}.lengths"] = value.lengths().astype(np.int32)
        elif isinstance(value, dict):
            arrays[field.name] = np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
        else:
            arrays[field.name] = value
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        # mypy takes the names for numpy's own arguments.
        write: Any = np.savez_compressed if is_compressed else np.savez
        write(file, **arrays)
    partial.replace(path)


def read_corpus(path: Path) -> Corpus:
    """Read back what `write_corpus` wrote.

    Raises:
        FileNotFoundError: there is no such file; says what makes one.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; make it: python -m training.reader.prepare")
    values: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as found:
        for field in fields(Corpus):
            value = found[field.name]
            if f"{field.name}.lengths" in found:
                lengths = found[f"{field.name}.lengths"]
                starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
                values[field.name] = Ragged(value, starts)
            elif field.name == "names":
                values[field.name] = json.loads(value.tobytes())
            else:
                values[field.name] = value
    return Corpus(**values)
