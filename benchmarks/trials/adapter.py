"""What adapters gain and lose, on XQuAD: a quick look before statistics are fitted anew.

    python -m benchmarks.trials.adapter --data FOLDER [--languages ar,en,zh] ADAPTER ...

For the model as it came and with each adapter merged, paragraphs are ranked by centred vectors and
by late interaction in full precision, whose means come from the paragraphs themselves. Prints
recall@1 in one language and across languages, and late interaction's in each language by itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring.token_ranking import (
    FullPrecision,
    embed,
    nearest_passages,
    recall,
    statistics_of,
)
from benchmarks.measuring.xquad import Language, read_data
from qa_service.config import load_settings
from qa_service.encoder.adapter import Adapter, read_adapter
from qa_service.encoder.embedded import embedded_model_folder
from qa_service.encoder.loading import load_encoder


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=200, help="per language; 0 for all")
    parser.add_argument("--languages", default="ar,en,zh")
    parser.add_argument("adapters", nargs="*", type=Path)
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    for path in (None, *arguments.adapters):
        adapter = None if path is None else read_adapter(path)
        found = measure(languages, adapter)
        shown = (f"{name} {100 * value:.2f}" for name, value in found.items())
        print(path or "as it came", ", ".join(shown), flush=True)
    return 0


def measure(languages: Sequence[Language], adapter: Adapter | None) -> dict[str, float]:
    """Return recall@1 with an adapter merged."""
    with tempfile.TemporaryDirectory() as name:
        folder = embedded_model_folder(Path(name) / "unpacked", adapter=adapter)
        encoder = load_encoder(load_settings(model=str(folder), cache=Path(name) / "cache"))
        embedded = [embed(encoder, language) for language in languages]
    dense: dict[str, list[float]] = {}
    for target in embedded:
        for source in embedded:
            part = "one language" if source is target else "across languages"
            first = nearest_passages(source, target)[:, 0].tolist()
            questions = source.language.questions
            hits = [a == b.paragraph for a, b in zip(first, questions, strict=True)]
            dense.setdefault(f"vectors, {part}", []).append(statistics.fmean(hits))
    codec = FullPrecision(statistics_of(embedded))
    late = recall(codec, embedded)
    return (
        {name: statistics.fmean(values) for name, values in dense.items()}
        | {f"late interaction, {part}": value for part, value in late.items()}
        | {each.language.code: recall(codec, [each])["one language"] for each in embedded}
    )


if __name__ == "__main__":
    sys.exit(main())
