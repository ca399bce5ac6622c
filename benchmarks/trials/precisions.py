"""What the encoder's precision does to retrieval, on XQuAD.

    python -m benchmarks.trials.precisions --data FOLDER [--questions N]

Every paragraph is a passage. In each precision, questions and passages are embedded anew and ranked
by their vectors alone, and by late interaction with the codes that an index stores, as
`token_codes.py` does: in one language, and across languages. Writes `results/precisions.json` and
`.md`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import Embedded, embed, nearest_passages, recall
from benchmarks.measuring.xquad import read_data
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.indexes.codec import ProductCodec

MEASURED = ("encoder", "indexes.codec", "retrieval.late_interaction")
PRECISIONS = ("fp32", "bf16", "int8")


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    codec = ProductCodec(embedded_model_statistics().tokens)
    rows = {}
    for precision in arguments.precisions:
        encoder = load_encoder(load_settings(precision=precision))
        embedded = [embed(encoder, language) for language in languages]
        late = {
            f"late interaction, {part}": value for part, value in recall(codec, embedded).items()
        }
        rows[precision] = dense_recall(embedded) | late
        print(precision, rows[precision], flush=True)
    asked = len(languages[0].questions)
    results = {
        "questions_per_language": asked,
        "languages": [language.code for language in languages],
        "precisions": rows,
    }
    parts = list(rows[arguments.precisions[0]])
    lines = [
        "# Precisions of the encoder",
        "",
        "Made by `benchmarks/trials/precisions.py`; XQuAD, CC BY-SA 4.0. "
        f"{asked} questions a language, {len(languages)} languages; R@1.",
        "",
        f"| | {' | '.join(parts)} |",
        "|---" * (len(parts) + 1) + "|",
        *(
            f"| {precision} | {' | '.join(f'{100 * row[part]:.2f}' for part in parts)} |"
            for precision, row in rows.items()
        ),
    ]
    write_results(RESULTS, "precisions", results, "\n".join([*lines, ""]), origin)
    return 0


def dense_recall(embedded: Sequence[Embedded]) -> dict[str, float]:
    """Return recall@1 of the vectors alone, in one language and across, means over the pairs."""
    found: dict[str, list[float]] = {"vectors, one language": [], "vectors, across languages": []}
    for target in embedded:
        for source in embedded:
            part = "one language" if source is target else "across languages"
            first = nearest_passages(source, target)[:, 0].tolist()
            hits = [
                place == question.paragraph
                for place, question in zip(first, source.language.questions, strict=True)
            ]
            found[f"vectors, {part}"].append(statistics.fmean(hits))
    return {part: statistics.fmean(values) for part, values in found.items() if values}


if __name__ == "__main__":
    sys.exit(main())
