"""What late interaction finds with other layers of the model in a token's vector, on XQuAD.

    python -m benchmarks.fitting.token_layers --data FOLDER [--questions N]

For each choice the embedded model is converted anew, into a temporary folder, and ranks paragraphs
with token vectors in full precision as `token_codes.py` does. Writes `results/token_layers.json`
and `.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import FullPrecision, embed, recall, statistics_of
from benchmarks.measuring.xquad import Language, read_data
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_folder import find_model
from qa_service.encoder.token_layers import (
    LAYERS_FILE,
    TokenLayers,
    read_token_layers,
    write_token_layers,
)

MEASURED = ("encoder.token_layers", "encoder.conversion", "retrieval.late_interaction")
JUDGES = "de,es,tr"
# Earlier layers have vectors two to three times as long as the last one's.
CHOICES: Sequence[TokenLayers] = (
    ((12, 1.0),),
    ((6, 1.0),),
    ((11, 0.5), (12, 1.0)),
    ((6, 0.2), (12, 1.0)),
    ((6, 0.32), (11, 0.6), (12, 1.0)),
)


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=0, help="per language; 0 for all")
    parser.add_argument(
        "--languages", default=JUDGES, help="by default some that had no part in the choice"
    )
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    settings = load_settings()
    model = find_model(settings).folder
    used = read_token_layers(model)
    rows = {}
    for layers in (*CHOICES, used):
        found = measure(model, layers, languages)
        rows[named(layers)] = found
        print(named(layers), found, flush=True)
    asked = len(languages[0].questions)
    results = {
        "questions_per_language": asked,
        "languages": [language.code for language in languages],
        "used": named(used),
        "layers": rows,
    }
    lines = [
        "# Layers of token vectors",
        "",
        "Made by `benchmarks/fitting/token_layers.py`; XQuAD, CC BY-SA 4.0. "
        f"{asked} questions a language, {len(languages)} languages, vectors in full precision.",
        "",
        "| weights of layers | one language, R@1 | across languages, R@1 |",
        "|---|---|---|",
        *(
            f"| {name}{' (used)' if name == named(used) else ''} | "
            f"{' | '.join(f'{100 * value:.2f}' for value in row.values())} |"
            for name, row in rows.items()
        ),
    ]
    write_results(RESULTS, "token_layers", results, "\n".join([*lines, ""]), origin)
    return 0


def measure(model: Path, layers: TokenLayers, languages: Sequence[Language]) -> dict[str, float]:
    """Return recall@1 in one language and across languages with these layers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        folder.mkdir()
        for path in model.iterdir():
            if path.name != LAYERS_FILE:
                (folder / path.name).symlink_to(path)
        write_token_layers(folder, layers)
        encoder = load_encoder(load_settings(model=str(folder), cache=Path(name) / "cache"))
        embedded = [embed(encoder, language) for language in languages]
    return recall(FullPrecision(statistics_of(embedded)), embedded)


def named(layers: TokenLayers) -> str:
    """Return layers with their weights, such as `6 × 0.2 + 12 × 1`."""
    return " + ".join(f"{layer} × {weight:g}" for layer, weight in layers)


if __name__ == "__main__":
    sys.exit(main())
