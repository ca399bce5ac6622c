"""What the codes of token vectors lose against the vectors themselves, on XQuAD.

    python benchmarks/token_codes.py --data FOLDER [--questions N]

Every paragraph is a passage. Late interaction ranks the passages that the dense search puts first,
the right one always among them, once with the codes that an index stores and once with the token
vectors in full precision: questions and passages in one language, and across languages. Writes
`results/token_codes.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality import RESULTS, Language, read_data

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_statistics import TokenStatistics, embedded_model_statistics
from qa_service.encoder.protocol import Encoded, Encoder
from qa_service.indexer.embedding import LEAST_TELLING
from qa_service.indexes.codec import ProductCodec
from qa_service.indexes.packing import EmbeddingSize
from qa_service.indexes.protocols import TokenBatch
from qa_service.retrieval.late_interaction import MaxSimScorer

Vectors = NDArray[np.float32]

TO_RERANK = 50
# A passage of so many tokens is what the size of the codes is told for.
USUAL_TOKENS = 150


class FullPrecision:
    """Keeps centred unit vectors as they are, four bytes a dimension."""

    def __init__(self, statistics: TokenStatistics) -> None:
        self._product = ProductCodec(statistics)
        self._mean = statistics.mean
        self.code_size = 4 * len(statistics.mean)

    def encode(self, vectors: Vectors, passage: Vectors) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return the bytes of the vectors."""
        centred = vectors - self._mean
        norms = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
        return np.ascontiguousarray(centred / norms, dtype=np.float32).view(np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> Vectors:
        """Return the vectors."""
        return np.ascontiguousarray(codes).view(np.float32)

    def similarities(self, codes: NDArray[np.uint8], query: Vectors) -> Vectors:
        """Return the inner products of the vectors and a question's."""
        return np.asarray(self.decode(codes) @ query.T, dtype=np.float32)

    def common(self, passages: Vectors) -> Vectors:
        """Return zeros."""
        return np.zeros((len(passages), self.code_size // 4), dtype=np.float32)

    def common_similarities(self, passages: Vectors, query: Vectors) -> Vectors:
        """Return zeros."""
        return np.zeros((len(passages), len(query)), dtype=np.float32)

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:
        """Centre a question as the product does."""
        return self._product.center_query(vectors, decoded_mean)


Codec = ProductCodec | FullPrecision


@dataclass(frozen=True, slots=True)
class Embedded:
    """A language's paragraphs and questions."""

    language: Language
    passages: Encoded
    questions: Encoded


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    arguments = parser.parse_args()
    encoder = load_encoder(load_settings())
    embedded = [
        embed(encoder, language)
        for language in read_data(arguments.data, arguments.languages, arguments.questions)
    ]
    known = embedded_model_statistics().tokens
    rows: dict[str, dict[str, float]] = {}
    codecs: Mapping[str, Codec] = {
        "stored codes": ProductCodec(known),
        "in full": FullPrecision(known),
    }
    kept = statistics.fmean(share_kept(each) for each in embedded)
    for name, codec in codecs.items():
        rows[name] = {
            "bytes of a passage of 150 tokens": EmbeddingSize(
                len(known.mean), codec.code_size
            ).token_bytes
            * USUAL_TOKENS
            * kept,
            **recall(codec, embedded),
        }
        print(name, rows[name], flush=True)
    results = {
        "questions_per_language": len(embedded[0].language.questions),
        "languages": [each.language.code for each in embedded],
        "tokens kept": kept,
        "codecs": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "token_codes.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (RESULTS / "token_codes.md").write_text(to_markdown(results, rows), "utf-8")
    return 0


def embed(encoder: Encoder, language: Language) -> Embedded:
    """Embed a language."""
    return Embedded(
        language,
        encoder.encode_document(language.paragraphs),
        encoder.encode_query([question.text for question in language.questions]),
    )


def share_kept(embedded: Embedded) -> float:
    """Return which share of tokens tell enough to be stored."""
    every = sum(len(tokens.vectors) for tokens in embedded.passages.tokens)
    telling = sum(len(tokens.telling(LEAST_TELLING).vectors) for tokens in embedded.passages.tokens)
    return telling / every


def recall(codec: Codec, embedded: Sequence[Embedded]) -> dict[str, float]:
    """Return recall@1 in one language and across languages, means over the pairs."""
    scores: dict[str, list[float]] = {"one language": [], "across languages": []}
    for target in embedded:
        batches = codes_of(codec, target.passages)
        shared = codec.common(target.passages.vectors)
        lengths = np.array([len(codes) for codes in batches])
        total = sum(codec.decode(codes).sum(axis=0) for codes in batches) + lengths @ shared
        mean = np.asarray(total / lengths.sum(), dtype=np.float32)
        for source in embedded:
            part = "one language" if source is target else "across languages"
            scores[part].append(ask(codec, mean, batches, source, target))
    return {part: statistics.fmean(values) for part, values in scores.items() if values}


def codes_of(codec: Codec, passages: Encoded) -> list[NDArray[np.uint8]]:
    """Return the codes of each passage's tokens that an index would store."""
    return [
        codec.encode(tokens.telling(LEAST_TELLING).vectors, vector)
        for tokens, vector in zip(passages.tokens, passages.vectors, strict=True)
    ]


def batch_of(codes: Sequence[NDArray[np.uint8]]) -> TokenBatch:
    """Put the codes of some passages together; where tokens stand in them is left out."""
    offsets = np.cumsum([0, *map(len, codes)]).astype(np.int64)
    return TokenBatch(
        codes=np.concatenate(codes),
        spans=np.zeros((int(offsets[-1]), 2), dtype=np.uint16),
        offsets=offsets,
    )


def ask(
    codec: Codec,
    mean: Vectors,
    codes: Sequence[NDArray[np.uint8]],
    source: Embedded,
    target: Embedded,
) -> float:
    """Return how often the right paragraph comes first."""
    scorer = MaxSimScorer(codec)
    nearest = nearest_passages(source, target)[:, :TO_RERANK]
    hits = 0
    for question, tokens, found in zip(
        source.language.questions, source.questions.tokens, nearest, strict=True
    ):
        places = sorted({*found.tolist(), question.paragraph})
        late = scorer.score(
            scorer.prepare(tokens, mean),
            batch_of([codes[place] for place in places]),
            target.passages.vectors[places],
        )
        hits += places[int(late.idf_max_sim.argmax())] == question.paragraph
    return hits / len(source.language.questions)


def nearest_passages(source: Embedded, target: Embedded) -> NDArray[np.intp]:
    """Return the places of all passages for each question, the nearest centred vectors first."""
    questions = source.questions.vectors - source.questions.vectors.mean(axis=0)
    passages = target.passages.vectors - target.passages.vectors.mean(axis=0)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    return np.argsort(-(questions @ passages.T), axis=1)


def to_markdown(results: Mapping[str, object], rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the results as a table."""
    lines = [
        "# Codes of token vectors",
        "",
        "Made by `benchmarks/token_codes.py`; XQuAD, CC BY-SA 4.0. "
        f"{results['questions_per_language']} questions a language, "
        f"{len(results['languages'])} languages, "  # type: ignore[arg-type]
        f"{100 * results['tokens kept']:.0f} % of tokens stored.",  # type: ignore[operator]
        "",
        "| | KB of a 150-token passage | one language, R@1 | across languages, R@1 |",
        "|---|---|---|---|",
    ]
    for name, row in rows.items():
        size, *recalls = row.values()
        cells = [f"{size / 1024:.1f}", *(f"{100 * value:.2f}" for value in recalls)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
