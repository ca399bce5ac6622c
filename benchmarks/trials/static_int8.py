"""What int8 for activations, too, would give and cost the encoder.

    pip install nncf==3.4.0
    python -m benchmarks.trials.static_int8 --data FOLDER [--calibrate-on TEXTS] [--questions N]

NNCF, the quantizer of OpenVINO's makers, which qa-service does not need, quantises the float32
graph: weights and activations of the matrix products in int8, scales of activations chosen on
passages of TEXTS, the sample articles by default, and on questions of their first words. Outliers
are smoothed over to the weights (SmoothQuant, Xiao et al. 2023) to each of several degrees, and as
NNCF would have it. Then speed, as `encoder.py` measures it, in turns with what is shipped, on
XQuAD's paragraphs; and recall, as `precisions.py` measures it.
Writes `results/static_int8.json` and `.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import nncf
import numpy as np

from benchmarks import encoder as speed
from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import embed, recall
from benchmarks.measuring.xquad import Language, read_data
from benchmarks.trials.precisions import dense_recall
from qa_service.config import load_settings
from qa_service.encoder.batching import TokenBatch, pad
from qa_service.encoder.description import read_description
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_folder import find_model
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.encoder.openvino_files import DESCRIPTION, GRAPH, converted_model_folder
from qa_service.encoder.openvino_runtime import Graph, OpenVinoRuntime
from qa_service.encoder.processor import Precision, best_precision
from qa_service.encoder.protocol import Encoder
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.splitters import TOKEN_WEIGHTS, load_splitter
from qa_service.encoder.text_encoder import TextEncoder
from qa_service.encoder.tokenization import TextTokenizer
from qa_service.indexes.codec import ProductCodec

ROOT = Path(__file__).parents[2]
MEASURED = ("encoder", "indexes.codec", "retrieval.late_interaction")
CALIBRATION_PASSAGES = 150
WORDS_OF_A_QUESTION = 8
SMOOTHING = (0.5, 0.95)
"""Degrees of SmoothQuant: how much of an outlier goes over to the weights. NNCF takes .95."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """A quantised graph, and the precision of what is not quantised in it."""

    path: Path
    rest: Precision

    def encoder(self) -> Encoder:
        """Load it."""
        folder = float_folder()
        description = read_description(folder / DESCRIPTION)
        graph = Graph(self.path, self.rest)
        runtime = OpenVinoRuntime(openvino.Core(), graph, graph, description.max_tokens)
        return TextEncoder(description, tokenizer(), runtime)


def main() -> int:
    """Quantise, measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calibrate-on", type=Path, nargs="+", default=[ROOT / "seeds"])
    parser.add_argument("--questions", type=int, default=100, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    passages = speed.read_passages(arguments.calibrate_on, CALIBRATION_PASSAGES)
    batches = calibration_batches(passages)
    shipped = best_precision(openvino.Core())
    with tempfile.TemporaryDirectory() as folder:
        graphs = [quantize(batches, alpha, Path(folder)) for alpha in SMOOTHING]
        encoders = {
            one.value: load_encoder(load_settings(precision=one.value))
            for one in (Precision.FP32, Precision.INT8, shipped)
        }
        for alpha, path in zip(SMOOTHING, graphs, strict=True):
            for rest in dict.fromkeys([Precision.INT8, shipped]):
                hint = "f32" if rest is Precision.INT8 else rest.value
                name = f"static int8, smoothed by {alpha}, the rest in {hint}"
                encoders[name] = Quantized(path, rest).encoder()
        rows = measure_speed(encoders, languages, arguments.rounds)
        found = {name: measure_recall(one, languages) for name, one in encoders.items()}
    results = {
        "shipped": shipped.value,
        "questions_per_language": len(languages[0].questions),
        "languages": [language.code for language in languages],
        "speed": [asdict(row) for row in rows],
        "recall": found,
    }
    page = to_markdown(rows, found, results)
    write_results(RESULTS, "static_int8", results, page, origin)
    print(page)
    return 0


def float_folder() -> Path:
    """Return the folder of the graph in float32."""
    settings = load_settings()
    return converted_model_folder(settings.cache, find_model(settings), Precision.FP32)


def tokenizer() -> TextTokenizer:
    """Load the model's tokenizer."""
    folder = float_folder()
    description = read_description(folder / DESCRIPTION)
    weights = np.load(folder / TOKEN_WEIGHTS)
    return TextTokenizer(load_splitter(folder), weights, description.max_tokens)


def calibration_batches(passages: Sequence[str]) -> list[TokenBatch]:
    """Return passages, and questions of their first words, as the model gets them, one by one."""
    description = read_description(float_folder() / DESCRIPTION)
    questions = [" ".join(passage.split()[:WORDS_OF_A_QUESTION]) for passage in passages]
    cut = tokenizer()
    inputs = [
        *cut.tokenize(description.passage_prompt, list(passages), None),
        *cut.tokenize(description.query_prompt, questions, None),
    ]
    return [pad([one.ids], description.pad_id) for one in inputs]


def quantize(batches: Sequence[TokenBatch], alpha: float, folder: Path) -> Path:
    """Write the graph with weights and activations in int8; return its file."""
    model = openvino.Core().read_model(float_folder() / GRAPH)
    dataset = nncf.Dataset(
        batches, lambda batch: {"input_ids": batch.ids, "attention_mask": batch.mask}
    )
    smoothing = nncf.AdvancedSmoothQuantParameters(matmul=alpha)
    quantized = nncf.quantize(
        model,
        dataset,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(batches),
        advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alphas=smoothing),
    )
    path = folder / f"{alpha}.xml"
    openvino.save_model(quantized, path, compress_to_fp16=False)
    return path


def measure_speed(
    encoders: dict[str, Encoder], languages: Sequence[Language], rounds: int
) -> list[speed.Row]:
    """Let all take turns, beside sentence-transformers, on some of XQuAD's paragraphs."""
    passages = [text for language in languages for text in language.paragraphs[:15]]
    loaded = [*speed.systems([]), *(speed.ours(name, one) for name, one in encoders.items())]
    tokens = sum(load_encoder(load_settings()).count_tokens(passages))
    return speed.measure(loaded, passages, tokens, rounds)


def measure_recall(encoder: Encoder, languages: Sequence[Language]) -> dict[str, float]:
    """Return recall@1 of vectors alone and of late interaction, in one language and across."""
    embedded = [embed(encoder, language) for language in languages]
    late = recall(ProductCodec(embedded_model_statistics().tokens), embedded)
    return dense_recall(embedded) | {
        f"late interaction, {part}": value for part, value in late.items()
    }


def to_markdown(
    rows: Sequence[speed.Row],
    found: dict[str, dict[str, float]],
    results: dict[str, object],
) -> str:
    """Return the results as a page."""
    parts = list(next(iter(found.values())))
    lines = [
        "# Int8 for activations, too",
        "",
        "Made by `benchmarks/trials/static_int8.py`, which says at its top what is measured; "
        f"XQuAD, CC BY-SA 4.0. {results['questions_per_language']} questions a language, "
        f"{len(found)} encoders; shipped there: {results['shipped']}. Recall is R@1.",
        "",
        f"| | tokens/s | ratio | one question, ms | worst cosine | {' | '.join(parts)} |",
        "|---|" + "---:|" * (4 + len(parts)),
    ]
    for row in rows:
        shares = found.get(row.system, {})
        cells = [f"{100 * shares[part]:.2f}" if part in shares else "" for part in parts]
        lines.append(
            f"| {row.system} | {row.tokens_per_s:,.0f} | {row.ratio:.2f} | {row.question_ms:.1f} "
            f"| {row.worst_cosine:.5f} | {' | '.join(cells)} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
