"""OpenVINO without its reports: it tells its makers of each import unless this stops it.

Import `openvino` from here and nowhere else.
"""

import sys

# What cannot be imported cannot report; OpenVINO then goes on without.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as openvino  # noqa: E402
from openvino import opset13 as opset13  # noqa: E402
