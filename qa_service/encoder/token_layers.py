"""Which layers of a model make up a token's vector, beside the folder's other files.

The last layer knows most of what a token means where it stands; earlier ones keep more of the word
itself, and late interaction finds more with a little of them added. How much suits a model has to
be measured, so a folder says it in a file of its own, and a token's vector is the last layer's
where there is no such file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from qa_service.errors import ModelUnavailableError

LAYERS_FILE = "token_layers.json"

TokenLayers = tuple[tuple[int, float], ...]
"""Layers, counted from 1 for the first above the embeddings, with the weights of their sum."""


def write_token_layers(folder: Path, layers: TokenLayers) -> None:
    """Write the layers of a model beside its files."""
    content = {str(layer): weight for layer, weight in layers}
    (folder / LAYERS_FILE).write_text(json.dumps(content), "utf-8")


def read_token_layers(folder: Path) -> TokenLayers:
    """Return the layers of a model; none when its folder does not say.

    Raises:
        ModelUnavailableError: the file holds something else than numbers of layers and weights.
    """
    path = folder / LAYERS_FILE
    if not path.is_file():
        return ()
    try:
        content = json.loads(path.read_text("utf-8"))
        layers = tuple(sorted((int(layer), float(weight)) for layer, weight in content.items()))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelUnavailableError(
            f"{path} does not hold numbers of layers with their weights, such as "
            f'{{"6": 0.2, "12": 1.0}} ({error}). Mend it, or delete it to use the last layer.'
        ) from error
    if not layers or layers[0][0] < 1 or not all(math.isfinite(weight) for _, weight in layers):
        raise ModelUnavailableError(
            f"{path} names no layer, one below 1, or a weight that is no number: {content}. "
            "Mend it, or delete it to use the last layer."
        )
    return layers
