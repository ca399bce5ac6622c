"""Makes the parts of the service as the settings say, each once; the model when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_service.answer.answerer import Answerer
from qa_service.chunker import CHUNKER_VERSION, stream_passages
from qa_service.config import Settings
from qa_service.corpus import READING_VERSION
from qa_service.encoder.micro_batches import EncodesOutOfTurn, Turn
from qa_service.encoder.model_statistics import ModelStatistics, embedded_model_statistics
from qa_service.encoder.native_memory import share_memory_between_threads
from qa_service.encoder.native_threads import keep_products_in_their_thread
from qa_service.encoder.protocol import Encoder
from qa_service.indexes.codec import ProductCodec, ScalarCodec
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.indexes.protocols import TokenCodec
from qa_service.retrieval.centering import LanguageCentering
from qa_service.retrieval.late_interaction import MaxSimScorer
from qa_service.retrieval.retriever import Retriever
from qa_service.store import Recipe, Store
from qa_service.text.language import detect_language, load_language_model
from qa_service.text.terms import ANALYZER_VERSION, Analyzer

if TYPE_CHECKING:
    from qa_service.corpus.reading import ArticleLoader
    from qa_service.indexer import Indexer

EMBEDDED_MODEL = "embedded"
# What an index learns from its passages: the means of `centering` and of `token_statistics`.
# Raise it when their rules change, and the next index run learns anew.
STATISTICS_VERSION = "3"


@dataclass(frozen=True, slots=True)
class Model:
    """What is loaded together with the model; `recipe` is that of the indexes it can search."""

    encoder: Encoder
    codec: TokenCodec
    retriever: Retriever
    answerer: Answerer
    recipe: Recipe


class Assembly:
    """The parts of one service. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, on_preparation: Callable[[str], None] | None = None
    ) -> None:
        """Take the settings; `on_preparation` is told, in a line, of set-up that takes seconds."""
        self._settings = settings
        self._on_preparation = on_preparation
        self._statistics: ModelStatistics | None = (
            embedded_model_statistics(is_adapted=settings.adapter)
            if settings.model == EMBEDDED_MODEL
            else None
        )
        self._centering = LanguageCentering(
            self._statistics.languages if self._statistics else None
        )
        self._analyzer = Analyzer()
        # The one place that names an engine: another is given here.
        self.store = Store(
            settings.index, engine=EmbeddedEngine(settings.threads), centering=self._centering
        )
        # Questions and index runs meet at the model.
        self.turn = Turn()
        self._lock = threading.Lock()
        self._model: Model | None = None

    def model(self) -> Model:
        """Return the model; the first call loads it. ModelUnavailableError."""
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the model, None as long as it is not loaded."""
        return None if self._model is None else self._model.recipe

    def indexer(self, loader: ArticleLoader) -> Indexer:
        """Return what makes indexes of the articles that `loader` reads."""
        from qa_service.indexer import Components, Indexer

        model = self.model()
        encoder = model.encoder
        parts = Components(
            loader=loader,
            chunker=lambda article: stream_passages(article, encoder.count_tokens, detect_language),
            encoder=encoder,
            codec=model.codec,
            analyzer=self._analyzer,
            recipe=model.recipe,
        )
        return Indexer(self.store, parts)

    def _load(self) -> Model:
        keep_products_in_their_thread()
        share_memory_between_threads()
        encoder = self._load_encoder()
        statistics = self._statistics
        codec: TokenCodec = (
            ScalarCodec(encoder.dimension)
            if statistics is None
            else ProductCodec(statistics.tokens)
        )
        retriever = Retriever(
            EncodesOutOfTurn(encoder, self.turn),
            self._analyzer,
            MaxSimScorer(codec),
            {} if statistics is None else statistics.tokens.offsets,
        )
        recipe = Recipe(
            model=encoder.fingerprint,
            dimension=encoder.dimension,
            codec=codec.fingerprint,
            code_size=codec.code_size,
            analyzer=ANALYZER_VERSION,
            chunker=CHUNKER_VERSION,
            reading=READING_VERSION,
            statistics=f"{STATISTICS_VERSION}+{self._centering.fingerprint}",
        )
        return Model(
            encoder, codec, retriever, Answerer(retriever, encoder, detect_language), recipe
        )

    def _load_encoder(self) -> Encoder:
        # `status` starts sooner without OpenVINO.
        from qa_service.encoder.loading import load_encoder

        with ThreadPoolExecutor(1) as pool:
            # Each takes a good part of the start-up time, and neither needs the other.
            loading = pool.submit(load_language_model)
            encoder = load_encoder(self._settings, self._on_preparation)
            loading.result()
        return encoder
