"""What qa-service has to know of a model besides its weights and tokenizer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from qa_service.config import Settings
from qa_service.encoder.token_layers import TokenLayers


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One model as it runs.

    `pooling` names every module after the transformer itself, `token_layers` the layers that make
    up a token's vector, none for the last alone.
    """

    name: str
    weights_sha256: str
    pooling: str
    precision: str
    dimension: int
    max_tokens: int
    pad_id: int
    query_prompt: str
    passage_prompt: str
    token_layers: TokenLayers = ()

    @property
    def fingerprint(self) -> str:
        """Name whatever changes the vectors, readable first, exact in its last part.

        The precision is no part of it: vectors of one model agree to a cosine of .999 in all of
        them, so an index goes from one kind of processor to another.
        """
        exact = hashlib.sha256(
            json.dumps(
                [
                    self.weights_sha256,
                    self.pooling,
                    self.max_tokens,
                    self.query_prompt,
                    self.passage_prompt,
                    self.token_layers,
                ]
            ).encode()
        )
        return f"{self.name}:{exact.hexdigest()[:16]}"

    def with_prompts_of(self, settings: Settings) -> ModelDescription:
        """Return the description with the prompts that the settings override."""
        changed = self
        if settings.query_prompt is not None:
            changed = replace(changed, query_prompt=settings.query_prompt)
        if settings.passage_prompt is not None:
            changed = replace(changed, passage_prompt=settings.passage_prompt)
        return changed


def write_description(path: Path, description: ModelDescription) -> None:
    """Write a description as JSON."""
    path.write_text(json.dumps(asdict(description), indent=1, ensure_ascii=False), "utf-8")


def read_description(path: Path) -> ModelDescription:
    """Read back what `write_description` wrote."""
    stored = json.loads(path.read_text("utf-8"))
    layers = tuple((layer, weight) for layer, weight in stored.pop("token_layers"))
    return ModelDescription(**stored, token_layers=layers)
