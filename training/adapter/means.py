"""Running means by language: what the product takes away before it compares vectors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# How much the newest batch counts.
MOMENTUM = 0.2


class RunningMeans:
    """Means under names, each moved toward what was last seen; they carry no gradient."""

    def __init__(self, values: Mapping[str, Tensor] | None = None) -> None:
        """Start from nothing, or go on with what `to_tensors` gave."""
        self._values: dict[str, Tensor] = dict(values or {})

    def update(self, name: str, vectors: Tensor) -> Tensor:
        """Take in vectors, (n, dimension), and return the mean, (dimension,)."""
        seen = vectors.detach().float().mean(dim=0)
        known = self._values.get(name)
        self._values[name] = seen if known is None else torch.lerp(known.to(seen), seen, MOMENTUM)
        return self._values[name]

    def average(self, prefix: str) -> Tensor:
        """Return the mean of all means whose names start so; no language outweighs another."""
        rows = [value for name, value in sorted(self._values.items()) if name.startswith(prefix)]
        return torch.stack(rows).mean(dim=0)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all means by name."""
        return dict(self._values)
