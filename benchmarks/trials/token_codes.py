"""What the codes of token vectors lose against the vectors themselves, on XQuAD.

    python -m benchmarks.trials.token_codes --data FOLDER [--questions N]

Every paragraph is a passage. Late interaction ranks the passages that the dense search puts first,
the right one always among them, once with the codes that an index stores and once with the token
vectors in full precision: questions and passages in one language, and across languages. Writes
`results/token_codes.json` and `.md`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import Codec, Embedded, FullPrecision, embed, recall
from benchmarks.measuring.xquad import read_data
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.indexer.embedding import LEAST_TELLING
from qa_service.indexes.codec import ProductCodec
from qa_service.indexes.packing import EmbeddingSize

MEASURED = ("encoder", "indexes.codec", "indexes.packing", "retrieval.late_interaction")
# A passage of so many tokens is what the size of the codes is told for.
USUAL_TOKENS = 150


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
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
    write_results(RESULTS, "token_codes", results, to_markdown(results, rows), origin)
    return 0


def share_kept(embedded: Embedded) -> float:
    """Return which share of tokens tell enough to be stored."""
    every = sum(len(tokens.vectors) for tokens in embedded.passages.tokens)
    telling = sum(len(tokens.telling(LEAST_TELLING).vectors) for tokens in embedded.passages.tokens)
    return telling / every


def to_markdown(results: Mapping[str, object], rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the results as a table."""
    lines = [
        "# Codes of token vectors",
        "",
        "Made by `benchmarks/trials/token_codes.py`; XQuAD, CC BY-SA 4.0. "
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
