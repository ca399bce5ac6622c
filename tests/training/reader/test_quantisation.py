"""Few bits keep what they can, and the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest

from training.reader.quantisation import BLOCK, Packed, pack, unpack


@pytest.mark.parametrize(("bits", "most_error"), [(8, 0.008), (4, 0.12)])
def test_relative_error(bits: int, most_error: float) -> None:
    """Eight bits lose less than a hundredth, four about a tenth, whatever the size of values."""
    values = np.random.default_rng(1).normal(size=(37, 50)).astype(np.float32)
    for scale in (1.0, 1e-3):
        found = unpack(pack(values * np.float32(scale), bits))
        assert found.shape == values.shape
        error = np.linalg.norm(found / scale - values) / np.linalg.norm(values)
        assert error < most_error


@pytest.mark.parametrize("bits", [4, 8])
def test_size_and_way_back(bits: int) -> None:
    """Codes take the bits that were asked for, and what is stored is enough to unpack."""
    values = np.linspace(-2, 3, 4 * BLOCK, dtype=np.float32).reshape(4, BLOCK)
    packed = pack(values, bits)
    assert packed.codes.nbytes == values.size * bits // 8
    assert packed.scales.nbytes == 2 * 4
    again = Packed.of(packed.arrays(), bits, values.shape)
    assert np.array_equal(unpack(again), unpack(packed))


def test_zeros_stay_zeros() -> None:
    """A block of zeros comes back as zeros, not as something that is no number."""
    assert not unpack(pack(np.zeros((2, 3), dtype=np.float32), 4)).any()


def test_other_widths_are_refused() -> None:
    """A width that nothing can be packed in is named."""
    with pytest.raises(ValueError, match="5 bits"):
        pack(np.zeros(3, dtype=np.float32), 5)
