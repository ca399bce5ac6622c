"""Low-rank changes to the linear layers of an encoder (Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """A frozen linear layer plus B A · alpha / rank; the same as the layer alone while B is 0."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float, dtype: torch.dtype) -> None:
        """Take over a layer's weights, kept in `dtype`; what is trained stays float32."""
        super().__init__()
        self.register_buffer("weight", base.weight.detach().to(dtype), persistent=False)
        self.register_buffer("bias", base.bias.detach().to(dtype), persistent=False)
        self.a = nn.Parameter(torch.empty(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self.scale = alpha / rank
        self.is_on = True

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's outputs, (…, rows)."""
        if not self.is_on:
            return nn.functional.linear(x, self.weight, self.bias)
        rows = x.flatten(0, -2)
        y = nn.functional.linear(rows, self.weight, self.bias)
        low = nn.functional.linear(rows, self.a.to(x.dtype))
        # In place: the layer's own gradient needs its inputs alone.
        y.addmm_(low, self.b.to(x.dtype).T, alpha=self.scale)
        return y.view(*x.shape[:-1], y.shape[-1])

    def merged(self) -> Tensor:
        """Return W + B A · alpha / rank as float32."""
        return self.weight.float() + (self.b @ self.a).detach() * self.scale


class Adapter:
    """All the low-rank changes of one encoder."""

    def __init__(self, model: nn.Module, rank: int, alpha: float, dtype: torch.dtype) -> None:
        """Put a `LoraLinear` in the place of every linear layer and freeze all else."""
        model.requires_grad_(False)
        self.rank, self.alpha = rank, alpha
        self.layers: dict[str, LoraLinear] = {}
        linear = [
            (name, module)
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear)
        ]
        for name, module in linear:
            parent, _, attribute = name.rpartition(".")
            layer = LoraLinear(module, rank, alpha, dtype)
            setattr(model.get_submodule(parent), attribute, layer)
            self.layers[name] = layer

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained by name: the layer's, followed by `.a` or `.b`."""
        found: dict[str, nn.Parameter] = {}
        for name, layer in self.layers.items():
            found[f"{name}.a"] = layer.a
            found[f"{name}.b"] = layer.b
        return found

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take the values of all parameters from `tensors`, which has them by name."""
        with torch.no_grad():
            for name, parameter in self.parameters().items():
                parameter.copy_(tensors[name])

    @contextmanager
    def off(self) -> Iterator[None]:
        """Run the encoder as it came."""
        for layer in self.layers.values():
            layer.is_on = False
        try:
            yield
        finally:
            for layer in self.layers.values():
                layer.is_on = True
