"""OpenVINO's runtime: close to float32, and questions do not wait behind passages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from encoder_texts import TEXTS

from qa_service.config import Settings, load_settings
from qa_service.encoder.batching import TokenBatch, pad
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_folder import find_model
from qa_service.encoder.openvino_files import GRAPH, converted_model_folder, question_graph
from qa_service.encoder.openvino_runtime import Graph, OpenVinoRuntime
from qa_service.encoder.processor import best_precision, question_precision
from qa_service.encoder.protocol import Encoded
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.text_encoder import Runtime
from qa_service.encoder.torch_runtime import TorchRuntime, load_sentence_transformer


@pytest.mark.parametrize(("precision", "least"), [("auto", 0.999), ("int8", 0.999)])
def test_reduced_precision_stays_close(reference: Encoded, precision: str, least: float) -> None:
    """Vectors of every text, and their tokens' on average, stay close to those of float32."""
    encoder = load_encoder(load_settings(runtime="openvino", precision=precision))
    found = encoder.encode_document(TEXTS)
    assert (found.vectors * reference.vectors).sum(axis=1).min() >= least
    for one, other in zip(found.tokens, reference.tokens, strict=True):
        assert np.array_equal(one.spans, other.spans)
        norms = np.linalg.norm(one.vectors, axis=1) * np.linalg.norm(other.vectors, axis=1)
        assert ((one.vectors * other.vectors).sum(axis=1) / norms).mean() >= 0.998


def token_batches() -> Iterator[TokenBatch]:
    """Yield small batches without end."""
    while True:
        yield pad([np.array([0, 100, 200, 2]), np.array([0, 300, 2])], pad_id=1)


def openvino_runtime() -> OpenVinoRuntime:
    """Load the runtime that the default encoder uses."""
    core = openvino.Core()
    precision = best_precision(core)
    settings = Settings()
    folder = converted_model_folder(settings.cache, find_model(settings), precision)
    return OpenVinoRuntime(
        core,
        passages=Graph(folder / GRAPH, precision),
        questions=Graph(folder / question_graph(precision), question_precision(precision)),
        max_tokens=512,
    )


def torch_runtime() -> TorchRuntime:
    """Load the runtime that the torch encoder uses."""
    source = find_model(Settings())
    return TorchRuntime(load_sentence_transformer(source), source.token_layers())


@pytest.mark.parametrize("make", [openvino_runtime, torch_runtime])
def test_a_question_does_not_wait_for_an_index_run(make: Callable[[], Runtime]) -> None:
    """Questions are done while a run without end is under way, which then goes on."""
    runtime = make()
    run = runtime.run_passages(token_batches())
    before = next(run).texts.copy()
    for _ in range(3):
        (asked,) = runtime.run_questions([next(token_batches())])
        assert np.allclose(asked.texts, before, atol=0.02)
    assert np.allclose(next(run).texts, before, atol=1e-5)


def test_a_run_given_up_leaves_the_runtime_usable() -> None:
    """A caller that stops in the middle does not spoil the results of the next."""
    runtime = openvino_runtime()
    run = runtime.run_passages(token_batches())
    before = next(run).texts.copy()
    del run
    short = (pad([np.array([0, 5, 2])], pad_id=1) for _ in range(8))
    assert [one.tokens.shape for one in runtime.run_passages(short)] == [(1, 3, 384)] * 8
    again = runtime.run_passages(token_batches())
    assert np.allclose(next(again).texts, before, atol=1e-5)
