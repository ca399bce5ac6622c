"""The precision that suits this processor, and how OpenVINO is told of it."""

from __future__ import annotations

from enum import StrEnum

from qa_service.encoder.quiet_openvino import openvino


class Precision(StrEnum):
    """How weights are kept and sums are done."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"


_ACTIVATIONS_PER_SCALE = 64


def best_precision(core: openvino.Core) -> Precision:
    """Return the fastest precision whose vectors stay within .999 of float32.

    Measured in docs/decisions/0001-encoder-runtime.md.
    """
    offered = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" in offered:
        return Precision.BF16
    if "arm" in core.get_property("CPU", "DEVICE_ARCHITECTURE").lower():
        return Precision.FP16 if "FP16" in offered else Precision.FP32
    return Precision.INT8


def question_precision(passages: Precision) -> Precision:
    """Return the precision that questions run in where passages run in this one.

    A question alone waits for the weights to be read, and in int8 they are half as many bytes.
    """
    return Precision.INT8 if passages is Precision.BF16 else passages


def compile_options(precision: Precision) -> dict[str, str]:
    """Return OpenVINO's options for running at a precision.

    A processor without instructions for it runs the same graph with those it has.
    """
    options = {
        # Left free to move, the threads make room for one another and for the rest of the machine.
        "ENABLE_CPU_PINNING": "NO",
    }
    match precision:
        case Precision.FP32:
            options["INFERENCE_PRECISION_HINT"] = "f32"
        case Precision.FP16:
            options["INFERENCE_PRECISION_HINT"] = "f16"
        case Precision.BF16:
            options["INFERENCE_PRECISION_HINT"] = "bf16"
        case Precision.INT8:
            options["INFERENCE_PRECISION_HINT"] = "f32"
            options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(_ACTIVATIONS_PER_SCALE)
    return options
