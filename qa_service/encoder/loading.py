"""The encoder that the settings ask for."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from qa_service.config import Settings
from qa_service.encoder.description import read_description
from qa_service.encoder.embedded import OnProgress
from qa_service.encoder.model_folder import ModelSource, find_model
from qa_service.encoder.openvino_files import (
    DESCRIPTION,
    GRAPH,
    converted_model,
    converted_model_folder,
    question_graph,
)
from qa_service.encoder.openvino_runtime import Graph, OpenVinoRuntime
from qa_service.encoder.processor import Precision, best_precision, question_precision
from qa_service.encoder.protocol import Encoder
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.splitters import (
    TOKEN_WEIGHTS,
    JsonSplitter,
    SentencePieceSplitter,
    load_splitter,
)
from qa_service.encoder.text_encoder import TextEncoder
from qa_service.encoder.tokenization import TextTokenizer
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from qa_service.errors import ModelUnavailableError, QaServiceError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_log = logging.getLogger(__name__)


def load_encoder(settings: Settings, on_progress: OnProgress | None = None) -> Encoder:
    """Return the encoder, ready to use; the first time ever, its files are prepared.

    Args:
        settings: which model, runtime, precision and prompts.
        on_progress: told, in one line, of work that takes seconds.

    Raises:
        ModelUnavailableError: the model is not on this machine, or cannot be loaded.
    """
    source = find_model(settings, on_progress)
    if settings.runtime == "torch":
        return _load_torch(settings, source)
    try:
        return _load_openvino(settings, source, on_progress)
    except ModelUnavailableError as error:
        if settings.runtime == "openvino":
            raise
        _log.warning("Running %s on torch, which is slower: %s", source.name, error)
        return _load_torch(settings, source)


def load_reference_model(settings: Settings) -> SentenceTransformer:
    """Return the same model as a plain `SentenceTransformer`, for use with that library.

    Raises:
        ModelUnavailableError: the model is not on this machine, or cannot be loaded.
    """
    from qa_service.encoder.torch_runtime import load_sentence_transformer

    return load_sentence_transformer(find_model(settings))


def _load_openvino(
    settings: Settings, source: ModelSource, on_progress: OnProgress | None
) -> Encoder:
    core = openvino.Core()
    precision = (
        best_precision(core) if settings.precision == "auto" else Precision(settings.precision)
    )
    folder = converted_model_folder(settings.cache, source, precision, on_progress)
    try:
        return _load_converted(settings, core, folder, precision)
    except Exception as error:
        # Libraries tell in ways of their own of files that they cannot use.
        converted = converted_model(settings.cache, source, precision)
        problems = converted.problems()
        if not problems:
            if isinstance(error, QaServiceError):
                raise
            raise ModelUnavailableError(
                f"{source.name} cannot be loaded by OpenVINO: {error}. Set QA_RUNTIME=torch, or "
                f"delete {folder} to have it made anew."
            ) from error
        folder = converted_model_folder(settings.cache, source, precision, on_progress)
        return _load_converted(settings, core, folder, precision)


def _load_converted(
    settings: Settings, core: openvino.Core, folder: Path, precision: Precision
) -> Encoder:
    description = read_description(folder / DESCRIPTION).with_prompts_of(settings)
    with ThreadPoolExecutor(1) as pool:
        # Each takes a good part of the start-up time, and neither needs the other.
        compiling = pool.submit(
            OpenVinoRuntime,
            core,
            Graph(folder / GRAPH, precision),
            Graph(folder / question_graph(precision), question_precision(precision)),
            description.max_tokens,
            settings.threads,
        )
        tokenizer = TextTokenizer(
            load_splitter(folder),
            np.load(folder / TOKEN_WEIGHTS),
            description.max_tokens,
        )
        return TextEncoder(description, tokenizer, compiling.result())


def _load_torch(settings: Settings, source: ModelSource) -> Encoder:
    from qa_service.encoder.torch_runtime import (
        TorchRuntime,
        describe,
        fast_tokenizer_of,
        load_sentence_transformer,
    )

    model = load_sentence_transformer(source)
    description = describe(model, source, Precision.FP32.value).with_prompts_of(settings)
    unigram = source.folder / UNIGRAM_MODEL
    splitter: SentencePieceSplitter | JsonSplitter
    if unigram.is_file():
        splitter = SentencePieceSplitter(unigram)
    else:
        # A copy, for the library changes the settings of its own as it goes.
        splitter = JsonSplitter(Tokenizer.from_str(fast_tokenizer_of(model, source).to_str()))
    tokenizer = TextTokenizer(splitter, splitter.token_weights(), description.max_tokens)
    runtime = TorchRuntime(model, description.token_layers, settings.threads)
    return TextEncoder(description, tokenizer, runtime)
