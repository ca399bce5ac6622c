"""The trained adapter: low-rank changes to the embedded model's matrices, a few megabytes.

`training/README.md` tells how one is made. Each adapted matrix W becomes W + B A · alpha / rank
(Hu et al. 2021, LoRA, arXiv:2106.09685) when the model is unpacked, so that running it costs what
it did before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from qa_service.errors import ModelUnavailableError

FORMAT = "qa-service adapter 1"
ADAPTER_FILE = Path(__file__).with_name("adapter.safetensors")

DOWN, UP = ".a", ".b"
"""What follows a matrix's name: A, (rank, columns), and B, (rows, rank)."""

# Products of float16 numbers are whole multiples of 2**-48. Below this bound their sums fit a
# float64 exactly, in whatever order a machine adds them: all machines unpack the same bytes.
_EXACT_BELOW = 32.0

_HOW_TO_MEND = "Reinstall qa-service, or set QA_ADAPTER=false to do without"


@dataclass(frozen=True, slots=True)
class Adapter:
    """`sha256` names the file. `downs`, `ups`: float16 by name of the matrix, without `.weight`."""

    sha256: str
    base_sha256: str
    alpha: float
    downs: Mapping[str, NDArray[np.float16]]
    ups: Mapping[str, NDArray[np.float16]]

    def change_of(self, name: str) -> NDArray[np.float64] | None:
        """Return what is added to a matrix, (rows, columns); None when it stays as it is.

        Raises:
            ModelUnavailableError: it is too large to be the same on all machines, or no number.
        """
        if name not in self.downs:
            return None
        down, up = self.downs[name].astype(np.float64), self.ups[name].astype(np.float64)
        # Written so that what is not a number is refused, too.
        if not np.all(np.abs(up) @ np.abs(down) < _EXACT_BELOW):
            raise ModelUnavailableError(
                f"The adapter {self.sha256[:16]} changes a weight of {name} by more than "
                f"{_EXACT_BELOW:g}. {_HOW_TO_MEND}."
            )
        change: NDArray[np.float64] = (up @ down) * (self.alpha / len(down))
        return change

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of each matrix that is changed."""
        return {name: (len(self.ups[name]), down.shape[1]) for name, down in self.downs.items()}


def read_adapter(path: Path) -> Adapter:
    """Return the adapter in a file.

    Raises:
        ModelUnavailableError: the file is missing, cannot be read, or holds something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnavailableError(
            f"The adapter {path} cannot be read ({error.strerror}). {_HOW_TO_MEND}."
        ) from error
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']!r}, expected {FORMAT!r}")
        adapter = Adapter(
            sha256=hashlib.sha256(content).hexdigest(),
            base_sha256=about["base_sha256"],
            alpha=float(about["alpha"]),
            downs=_ending(tensors, DOWN),
            ups=_ending(tensors, UP),
        )
        _check(adapter)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelUnavailableError(f"{path} is no adapter: {error}. {_HOW_TO_MEND}.") from error
    return adapter


def _ending(
    tensors: Mapping[str, NDArray[np.float16]], suffix: str
) -> dict[str, NDArray[np.float16]]:
    return {
        name.removesuffix(suffix): tensor
        for name, tensor in tensors.items()
        if name.endswith(suffix)
    }


def _check(adapter: Adapter) -> None:
    if not adapter.downs or adapter.downs.keys() != adapter.ups.keys():
        raise ValueError(f"{len(adapter.downs)} matrices A and {len(adapter.ups)} matrices B")
    for name, down in adapter.downs.items():
        up = adapter.ups[name]
        if down.dtype != np.float16 or up.dtype != np.float16:
            raise ValueError(f"{name} is {down.dtype} and {up.dtype}, expected float16")
        if down.ndim != 2 or up.ndim != 2 or len(down) != up.shape[1] or not len(down):
            raise ValueError(f"{name} has shapes {up.shape} and {down.shape}")
