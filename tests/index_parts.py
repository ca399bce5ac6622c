"""Small honest stand-ins for the parts that an index is made of: real answers, no model, no wait.

The encoder hashes words to fixed random directions, so that texts sharing words are near each other
and the same text always gives the same vectors. The store and its indexes are the real ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.corpus.boilerplate.repetition import without_repeated_lines
from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.reading import FileArticles
from qa_service.encoder.protocol import Encoded, TokenVectors
from qa_service.errors import UnreadableFileError
from qa_service.indexer import Components, Indexer
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.store import Generation, Recipe, Store
from qa_service.store.centering import Arrays, Centering
from qa_service.store.disk import FaultPoint, no_fault
from qa_service.store.soundness import changed_files
from qa_service.types import Article, DroppedText, Passage, Span

DIMENSION = 32
CODE_SIZE = 8

# Words where there are spaces, single characters where there are none.
_TOKEN = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u9fff]+")


def split_tokens(text: str) -> list[tuple[str, int, int]]:
    """Return the tokens of a text with their places."""
    return [(match[0].casefold(), *match.span()) for match in _TOKEN.finditer(text)]


@lru_cache(maxsize=65536)
def _direction(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)


class WordHashEncoder:
    """An encoder that knows words only by their spelling; counts the texts it was given."""

    dimension = DIMENSION
    max_tokens = 512

    def __init__(self, fingerprint: str = "word-hash-1") -> None:
        self.fingerprint = fingerprint
        self.encoded: list[str] = []
        self.encoded_titles: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens."""
        return [len(split_tokens(text)) for text in texts]

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Embed questions."""
        return self._encode(texts, [""] * len(texts))

    def encode_document(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> Encoded:
        """Embed passages."""
        titles = titles or [""] * len(texts)
        self.encoded.extend(texts)
        self.encoded_titles.extend(titles)
        return self._encode(texts, titles)

    def _encode(self, texts: Sequence[str], titles: Sequence[str]) -> Encoded:
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        tokens = []
        for row, (text, title) in enumerate(zip(texts, titles, strict=True)):
            found = split_tokens(text)
            each = np.array([_direction(word) for word, _, _ in found], dtype=np.float32)
            tokens.append(
                TokenVectors(
                    vectors=each.reshape(-1, DIMENSION),
                    spans=np.array([place for _, *place in found], dtype=np.int32).reshape(-1, 2),
                    weights=np.ones(len(found), dtype=np.float32),
                )
            )
            for word, _, _ in [*split_tokens(title), *found, ("", 0, 0)]:
                vectors[row] += _direction(word)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return Encoded(vectors=vectors / np.maximum(norms, 1e-9), tokens=tuple(tokens))


class SignCodec:
    """Keeps the sign of every dimension, twice over; enough to tell words apart."""

    code_size = CODE_SIZE
    fingerprint = "sign-1"

    def encode(
        self,
        vectors: NDArray[np.float32],
        passage: NDArray[np.float32],
    ) -> NDArray[np.uint8]:
        """Return uint8 (n, 8)."""
        return np.packbits(vectors > 0, axis=1, bitorder="little").repeat(2, axis=1)

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (n, 32)."""
        bits = np.unpackbits(codes[:, ::2], axis=1, bitorder="little")
        return bits.astype(np.float32) * 2 - 1

    def common(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return zeros: a code holds all of its token."""
        return np.zeros((len(passages), DIMENSION), dtype=np.float32)


class WordAnalyzer:
    """Terms are tokens."""

    def terms(self, text: str, language: str) -> list[str]:
        """Return the terms of a text."""
        return [word for word, _, _ in split_tokens(text)]


class TextLoader:
    """Reads `.txt` as one article and `.jsonl` as one a line; a line `AD` is dropped.

    The first line of a text is its title, and the script of its first letter its language.
    """

    def __init__(self) -> None:
        self.read_files: list[str] = []

    def read(
        self,
        file: SourceFile,
        repeated: Set[str] = frozenset(),
        on_share: Callable[[float], None] | None = None,
    ) -> FileArticles:
        """Return a file's articles."""
        self.read_files.append(file.id)
        try:
            text = file.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableFileError(f"not UTF-8 at byte {error.start}") from error
        except OSError as error:
            raise UnreadableFileError(f"cannot be read: {error.strerror}") from error
        if file.path.suffix == ".jsonl":
            lines = [json.loads(line) for line in text.splitlines()]
            articles = []
            for line in lines:
                articles.append(_article(line["id"], line["text"]))
                if on_share is not None:
                    on_share(len(articles) / len(lines))
            return FileArticles(tuple(articles))
        kept = "\n".join(line for line in text.splitlines() if line != "AD")
        dropped = (DroppedText("AD", "advertisement"),) if kept != text.rstrip("\n") else ()
        body = without_repeated_lines(kept, repeated)
        if not body.text.strip():
            raise UnreadableFileError("it holds no article text")
        return FileArticles((_article(file.id, body.text),), (*dropped, *body.dropped))


def _article(article_id: str, text: str) -> Article:
    return Article(
        id=article_id,
        title=text.splitlines()[0],
        text=text,
        language=_language(text),
        source="agency" if "agency" in text else None,
    )


def _language(text: str) -> str:
    for start, end, language in (
        ("\u0600", "\u06ff", "ar"),
        ("\u0e00", "\u0e7f", "th"),
        ("\u0900", "\u097f", "hi"),
        ("\u4e00", "\u9fff", "zh"),
    ):
        if any(start <= letter <= end for letter in text):
            return language
    return "en"


def split_lines(article: Article) -> tuple[Passage, ...]:
    """Make a passage of every line that holds a word."""
    passages = []
    start = 0
    for number, line in enumerate(article.text.split("\n")):
        end = start + len(line)
        if split_tokens(line):
            digest = hashlib.blake2b(f"{article.id}|{line}|{number}".encode(), digest_size=8)
            passages.append(
                Passage(
                    id=digest.hexdigest(),
                    article_id=article.id,
                    start=start,
                    end=end,
                    text=line,
                    language=article.language,
                    sentences=(Span(start, end),),
                )
            )
        start = end + 1
    return tuple(passages)


class NoCentering:
    """Leaves vectors as they are."""

    def fit(
        self,
        vectors: NDArray[np.float32],
        languages: Sequence[str],
    ) -> NoCentering:
        """Learn nothing."""
        return self

    def restore(self, arrays: Arrays) -> NoCentering:
        """Need nothing."""
        return self

    def passages(
        self,
        vectors: NDArray[np.float32],
        languages: Sequence[str],
    ) -> NDArray[np.float32]:
        """Return the vectors with unit rows."""
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)

    def query(self, vector: NDArray[np.float32], language: str) -> NDArray[np.float32]:
        """Return the vector with unit length."""
        return np.asarray(self.passages(vector[None], [language])[0])

    def to_arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Keep nothing."""
        return {}


RECIPE = Recipe(
    model="word-hash-1",
    dimension=DIMENSION,
    codec=SignCodec.fingerprint,
    code_size=CODE_SIZE,
    analyzer="words-1",
    chunker="1",
    reading="1",
    statistics="1",
)


def make_parts(
    encoder: WordHashEncoder | None = None, loader: TextLoader | None = None
) -> Components:
    """Return a pipeline of these parts."""
    encoder, codec = encoder or WordHashEncoder(), SignCodec()
    return Components(
        loader=loader or TextLoader(),
        chunker=split_lines,
        encoder=encoder,
        codec=codec,
        analyzer=WordAnalyzer(),
        recipe=replace(RECIPE, model=encoder.fingerprint),
    )


def make_store(
    path: Path, fault: FaultPoint = no_fault, centering: Centering | None = None
) -> Store:
    """Return a store that uses these parts."""
    return Store(path, engine=EmbeddedEngine(), centering=centering or NoCentering(), fault=fault)


def make_indexer(
    path: Path, parts: Components | None = None, fault: FaultPoint = no_fault
) -> Indexer:
    """Return an indexer of an index folder."""
    return Indexer(make_store(path, fault), parts or make_parts())


def verify(generation: Generation) -> tuple[str, ...]:
    """Return what is wrong with an opened generation, a line each; none when all is well."""
    return (*changed_files(generation.folder, generation.manifest), *generation.problems())
