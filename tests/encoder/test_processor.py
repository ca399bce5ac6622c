"""The precision that suits a processor."""

from __future__ import annotations

import pytest

from qa_service.encoder.openvino_files import GRAPH, question_graph
from qa_service.encoder.processor import (
    Precision,
    best_precision,
    compile_options,
    question_precision,
)


class Processor:
    """An OpenVINO core on a processor of our choice."""

    def __init__(self, architecture: str, capabilities: list[str]) -> None:
        self._answers = {
            "DEVICE_ARCHITECTURE": architecture,
            "OPTIMIZATION_CAPABILITIES": capabilities,
        }

    def get_property(self, device: str, name: str) -> object:
        """Answer as the core would."""
        assert device == "CPU"
        return self._answers[name]


@pytest.mark.parametrize(
    ("architecture", "capabilities", "expected"),
    [
        ("intel64", ["BF16", "FP32", "FP16", "INT8", "BIN"], Precision.BF16),
        ("intel64", ["FP32", "INT8", "BIN"], Precision.INT8),
        ("arm64", ["FP32", "FP16", "INT8"], Precision.FP16),
        ("arm64", ["FP32"], Precision.FP32),
    ],
)
def test_precision_suits_the_processor(
    architecture: str, capabilities: list[str], expected: Precision
) -> None:
    """Each processor gets the fastest arithmetic that it offers and that keeps the vectors."""
    assert best_precision(Processor(architecture, capabilities)) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("passages", "questions"),
    [
        (Precision.BF16, Precision.INT8),
        (Precision.INT8, Precision.INT8),
        (Precision.FP16, Precision.FP16),
        (Precision.FP32, Precision.FP32),
    ],
)
def test_precision_of_questions(passages: Precision, questions: Precision) -> None:
    """Questions have half as many bytes to read where int8 is at hand, and a graph for that."""
    assert question_precision(passages) is questions
    assert (question_graph(passages) == GRAPH) == (passages is questions)


@pytest.mark.parametrize("precision", list(Precision))
def test_options_let_threads_move(precision: Precision) -> None:
    """Whatever the arithmetic, other processes on the machine get their turn."""
    options = compile_options(precision)
    assert options["ENABLE_CPU_PINNING"] == "NO"
    hint = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}[precision]
    assert options["INFERENCE_PRECISION_HINT"] == hint
    assert ("DYNAMIC_QUANTIZATION_GROUP_SIZE" in options) is (precision is Precision.INT8)
