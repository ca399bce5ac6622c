"""A sentence-transformers folder → an OpenVINO graph, weights compressed.

Imports torch, so `openvino_files` runs it as a process of its own.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from qa_service.encoder.description import write_description
from qa_service.encoder.model_folder import ModelSource
from qa_service.encoder.openvino_files import DESCRIPTION, GRAPH, UNCONVERTIBLE, question_graph
from qa_service.encoder.processor import Precision, question_precision
from qa_service.encoder.quiet_openvino import openvino, opset13
from qa_service.encoder.splitters import write_splitter
from qa_service.encoder.torch_runtime import (
    TokenAndTextVectors,
    describe,
    fast_tokenizer_of,
    load_sentence_transformer,
)
from qa_service.errors import ModelUnavailableError

# Below this a matrix is not worth compressing.
_MIN_COMPRESSED_VALUES = 1 << 16


def convert(source: ModelSource, output: Path, precision: Precision) -> None:
    """Write graphs, tokenizer, token weights and description to `output`.

    Raises:
        ModelUnavailableError: the model cannot be loaded, or has parts OpenVINO cannot express.
    """
    model = load_sentence_transformer(source)
    tokenizer = fast_tokenizer_of(model, source)
    example = torch.ones((2, 7), dtype=torch.int64)
    dynamic = openvino.PartialShape([-1, -1])
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # The tracer warns of every Python condition that it follows.
            warnings.simplefilter("ignore")
            graph = openvino.convert_model(
                TokenAndTextVectors(model, source.token_layers()),
                example_input={"input_ids": example, "attention_mask": example},
                input=[
                    (name, dynamic, openvino.Type.i64) for name in ("input_ids", "attention_mask")
                ],
            )
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise ModelUnavailableError(
            f"{source.name} cannot be converted for OpenVINO: {error}. Set QA_RUNTIME=torch."
        ) from error
    graph.output(0).set_names({"token_embeddings"})
    graph.output(1).set_names({"sentence_embedding"})
    _save(graph, output / GRAPH, precision)
    if question_graph(precision) != GRAPH:
        _save(graph, output / question_graph(precision), question_precision(precision))
    write_splitter(output, source.folder, tokenizer)
    write_description(output / DESCRIPTION, describe(model, source, precision.value))


def _save(graph: openvino.Model, path: Path, precision: Precision) -> None:
    """Compress the weights of a graph as its precision wants them, and write it.

    They stay compressed: what is written next of the same graph can only have more of them so.
    """
    if precision is not Precision.FP32:
        _compress(graph, with_layers=precision is Precision.INT8)
    openvino.save_model(graph, path, compress_to_fp16=precision is not Precision.FP32)


def _compress(graph: openvino.Model, *, with_layers: bool) -> None:
    """Keep embedding tables, and the layers' matrices if asked, as int8 with a scale per row."""
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Gather":
            matrix, rows_are_outputs = node.input(0), True
        elif kind == "MatMul" and with_layers:
            matrix, rows_are_outputs = node.input(1), node.get_attributes()["transpose_b"]
        else:
            continue
        constant = matrix.get_source_output().get_node()
        if constant.get_type_name() != "Constant" or len(constant.shape) != 2:
            continue
        values = constant.data
        if values.dtype != np.float32 or values.size < _MIN_COMPRESSED_VALUES:
            continue
        largest = np.abs(values).max(axis=1 if rows_are_outputs else 0, keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        restored = opset13.multiply(
            opset13.convert(opset13.constant(np.rint(values / scale).astype(np.int8)), "f32"),
            opset13.constant(scale),
        )
        matrix.replace_source_output(restored.output(0))


def main(arguments: list[str]) -> int:
    """Convert as the arguments say: name, folder, output folder, precision.

    Returns the exit status; the last line on stderr says why it is not 0.
    """
    name, folder, output, precision = arguments
    try:
        convert(ModelSource(name, Path(folder)), Path(output), Precision(precision))
    except ModelUnavailableError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return UNCONVERTIBLE
    return 0
