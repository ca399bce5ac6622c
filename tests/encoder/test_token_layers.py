"""Which layers make up a token's vector: said by a file of the model, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.token_layers import (
    LAYERS_FILE,
    TokenLayers,
    read_token_layers,
    write_token_layers,
)
from qa_service.errors import ModelUnavailableError


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_sum_of_layers(small_model: Path, tmp_path: Path, runtime: str) -> None:
    """A folder that names layers gives their sum as token vectors, and the same text vectors."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    settings = load_settings(
        model=str(copy), runtime=runtime, precision="fp32", cache=tmp_path / "cache"
    )
    without = load_encoder(settings)
    last = without.encode_query(["Der Turm ist hoch"])
    found = {}
    for layers in (((1, 1.0),), ((2, 1.0),), ((1, 0.5), (2, 2.0))):
        write_token_layers(copy, layers)
        encoder = load_encoder(settings)
        assert encoder.fingerprint != without.fingerprint
        encoded = encoder.encode_query(["Der Turm ist hoch"])
        assert np.abs(encoded.vectors - last.vectors).max() < 1e-5
        found[layers] = encoded.tokens[0].vectors
    first, second, both = found.values()
    assert np.abs(second - last.tokens[0].vectors).max() < 1e-5
    assert np.abs(first - second).max() > 0.01
    assert np.abs(both - (0.5 * first + 2.0 * second)).max() < 1e-4


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"last": 1}', '{"1": "much"}', '{"1": NaN}', '{"0": 1}']
)
def test_layers_that_make_no_sense(tmp_path: Path, content: str) -> None:
    """A file of layers that cannot be understood is named."""
    (tmp_path / LAYERS_FILE).write_text(content)
    with pytest.raises(ModelUnavailableError, match=LAYERS_FILE):
        read_token_layers(tmp_path)


@pytest.mark.parametrize("runtime", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("content", ["{", '{"3": 1}'])
def test_layers_that_a_model_lacks(
    small_model: Path, tmp_path: Path, runtime: str, content: str
) -> None:
    """No runtime takes layers that it cannot read, or that are above the model's last one."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    (copy / LAYERS_FILE).write_text(content)
    settings = load_settings(model=str(copy), runtime=runtime, cache=tmp_path / "cache")
    with pytest.raises(ModelUnavailableError, match=LAYERS_FILE):
        load_encoder(settings)


@pytest.mark.parametrize("layers", [((1, 1.0),), ((6, 0.2), (12, 1.0)), ((2, -0.5), (10, 1e-3))])
def test_layers_come_back_in_order(tmp_path: Path, layers: TokenLayers) -> None:
    """By their number, which text would sort otherwise."""
    write_token_layers(tmp_path, layers[::-1])
    assert read_token_layers(tmp_path) == layers


def test_without_a_file_it_is_the_last_layer(tmp_path: Path) -> None:
    """None is named."""
    assert read_token_layers(tmp_path) == ()
