"""The embedded model on every runtime, prepared once in the user's own cache."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from qa_service.config import Settings, load_settings
from qa_service.encoder.embedded import embedded_model_folder
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder

RUNTIMES: dict[str, dict[str, object]] = {
    "openvino-auto": {"runtime": "openvino"},
    "openvino-int8": {"runtime": "openvino", "precision": "int8"},
    "torch": {"runtime": "torch"},
}


@cache
def encoder_on(runtime: str) -> Encoder:
    """Load the embedded model on a runtime, once for all tests."""
    return load_encoder(load_settings(**RUNTIMES[runtime]))


@pytest.fixture(params=RUNTIMES)
def any_encoder(request: pytest.FixtureRequest) -> Encoder:
    """Give each runtime in turn."""
    return encoder_on(request.param)


@pytest.fixture(scope="session")
def torch_encoder() -> Encoder:
    """Give the float32 reference."""
    return encoder_on("torch")


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Give the folder of the unpacked embedded model."""
    return embedded_model_folder(Settings().cache)


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[[str], list[str]]:
    """Give the command that runs a piece of Python in a process of its own."""

    def command(code: str) -> list[str]:
        script = tmp_path / "script.py"
        script.write_text(code, "utf-8")
        return [sys.executable, "-c", f"exec(open({str(script)!r}, encoding='utf-8').read())"]

    return command
