"""The product behind every door: CLI and web call this and nothing deeper."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from qa_service.answer.answerer import Answerer
from qa_service.answer.evaluation import KnownQuestion, evaluate
from qa_service.answer.example_questions import example_questions
from qa_service.articles.background_runs import BackgroundRuns
from qa_service.articles.folder import UPLOADS, Library
from qa_service.articles.watcher import Watcher
from qa_service.chunker import CHUNKER_VERSION, stream_passages
from qa_service.config import Settings
from qa_service.corpus import READER_VERSION
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.discovery import SourceFile, discover
from qa_service.encoder.cached_folder import problems_below
from qa_service.encoder.micro_batches import EncodesOutOfTurn, Turn
from qa_service.encoder.model_statistics import ModelStatistics, embedded_model_statistics
from qa_service.encoder.native_memory import (
    return_free_memory,
    return_mapped_memory,
    share_memory_between_threads,
)
from qa_service.encoder.native_threads import keep_products_in_their_thread
from qa_service.encoder.protocol import Encoder
from qa_service.errors import (
    ArticleConflictError,
    ArticleNotFoundError,
    IndexCorruptError,
    InvalidQuestionError,
    NoIndexError,
    QaServiceError,
    StoredIndexError,
)
from qa_service.indexes.codec import ProductCodec, ScalarCodec
from qa_service.indexes.lexical import TantivyIndex
from qa_service.retrieval.centering import LanguageCentering
from qa_service.retrieval.late_interaction import Reranker
from qa_service.retrieval.retriever import CANDIDATES, Retrieval, Retriever, measure_tokens
from qa_service.store import Generation, IndexFolders, Recipe, Store
from qa_service.text.language import detect_language, load_language_model
from qa_service.text.terms import ANALYZER_VERSION, Analyzer
from qa_service.types import (
    AddedFile,
    Answer,
    Article,
    ArticlePage,
    Evaluation,
    Explanation,
    FilePage,
    Filters,
    IndexJob,
    IndexReport,
    IndexStatus,
    Passage,
    Progress,
    Question,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

EMBEDDED_MODEL = "embedded"
# What an index learns from its passages: the means of `centering` and of the tokens in `retriever`.
# Raise it when their rules change, and the next index run learns anew.
STATISTICS_VERSION = "3"
MAX_QUESTION_LENGTH = 1000
MAX_TOP_K = 50
WARM_UP_QUESTIONS = 4


class Service:
    """Answers questions from the index and keeps the index in step with the articles.

    Safe to use from several threads; questions go on while an index run is under way. The model is
    loaded when it is first needed.
    """

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
        self._store = Store(settings.index, lexical=TantivyIndex, centering=self._centering)
        self._indexes = IndexFolders(settings.index)
        self._analyzer = Analyzer()
        self._library = Library(settings.articles, self._store.removed, MAX_FILE_BYTES)
        self._jobs = BackgroundRuns()
        self._turn = Turn()
        self._watcher: Watcher | None = None
        self._model_lock = threading.Lock()
        self._model: _Model | None = None
        self._has_answered = False
        self._generation_lock = threading.Lock()
        self._generation: Generation | None = None
        # What is wrong with the index in service, when an older one answers in its stead.
        self._damage: str | None = None

    def warm_up(self) -> None:
        """Load the index and the model, so that the first question is as fast as the next."""
        encoder = self._load_model().encoder
        # The largest batch first: what it needs is kept, and memory does not grow later.
        for text in ("? " * (MAX_QUESTION_LENGTH // 2), "?"):
            encoder.encode_query([text])
        self.return_memory()
        self._open()
        # Of the articles themselves, so that all that a real question touches is touched.
        for text in self.example_questions("und", WARM_UP_QUESTIONS) or ("?",):
            self.ask(Question(text))

    def return_memory(self) -> None:
        """Give memory back that questions and index runs have left free; for now and then."""
        return_free_memory()
        # The model has copied what it needs out of its files, all but the rows of tokens.
        return_mapped_memory(self._settings.cache)

    @property
    def is_ready(self) -> bool:
        """True once index and model are loaded and have answered a question."""
        return self._has_answered and self._generation is not None

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            InvalidQuestionError: the question or one of its fields cannot be used.
            NoIndexError: nothing has been indexed yet.
            IndexMismatchError: the index was built by another model than is set.
            ModelUnavailableError: the model cannot be loaded.
        """
        _check(question)
        answerer = self._load_model().answerer

        def answered(generation: Generation) -> Answer:
            with self._turn.take():
                return _with_names(answerer.ask(generation, question), generation)

        answer = self._read(answered, self._open)
        self._has_answered = True
        return answer

    def retrieve(
        self, text: str, filters: Filters = Filters(), candidates: int = CANDIDATES
    ) -> Retrieval:
        """Return what each stage finds for a question, before anything is chosen or cited."""
        _check(Question(text, filters=filters))
        retriever = self._load_model().retriever

        def retrieved(generation: Generation) -> Retrieval:
            with self._turn.take():
                return retriever.retrieve(
                    generation, text, detect_language(text), filters, candidates
                )

        return self._read(retrieved, self._open)

    @property
    def generation(self) -> Generation:
        """The generation in service, for whoever studies what `retrieve` found. NoIndexError."""
        return self._open()

    def explain(self, text: str, article_id: str, filters: Filters = Filters()) -> Explanation:
        """Tell how an article fared for a question. ArticleNotFoundError, InvalidQuestionError."""
        _check(Question(text, filters=filters))
        if not _is_text(article_id):
            raise ArticleNotFoundError(
                f"No article has the id {article_id!r}: it holds bytes that are no UTF-8. "
                "See the list of articles for those that are indexed."
            )
        answerer = self._load_model().answerer

        def explained(generation: Generation) -> Explanation:
            with self._turn.take():
                return answerer.explain(generation, text, article_id, filters)

        return self._read(explained, self._open)

    def article(self, article_id: str) -> Article:
        """Return a stored article. ArticleNotFoundError."""
        return self._read(lambda generation: generation.article(article_id))

    def articles(self, offset: int = 0, limit: int = 50, query: str | None = None) -> ArticlePage:
        """List articles by title; `query` keeps those whose title, id or source contains it."""
        return self._read(lambda generation: generation.article_page(offset, limit, query))

    def unread_files(self, offset: int = 0, limit: int = 50) -> FilePage:
        """List the files that hold no article, and why; by their ids."""
        return self._read(lambda generation: generation.unread_files(offset, limit))

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that files of articles and of the index lie in."""
        settings = self._settings
        return (*self._watched_folders(), settings.articles, settings.index, settings.cache)

    def passage(self, article_id: str, passage_id: str) -> Passage | None:
        """Return a passage by its citation id; None when the article no longer holds it."""
        return self._read(lambda generation: generation.passage(passage_id, article_id))

    def example_questions(self, language: str, limit: int = 4) -> tuple[str, ...]:
        """Suggest questions that the user's own articles answer."""
        page = self._read(lambda generation: generation.article_page(0, 200))
        return example_questions(page.items, language, limit)

    def add_article(self, name: str, content: bytes) -> AddedFile:
        """Store a file in the articles folder and index it in the background.

        It is stored under another name when its own is taken; the one returned is where it is.

        Raises:
            ArticleConflictError: the name is not one of a file.
            UnsupportedFormatError: no reader takes files with such an ending.
            TooLargeFileError: files of this format are not read when they are as large.
            UnreadableFileError: the file is empty.
            IndexBusyError: another process is writing the index; nothing was stored.
            IndexWriteError: the folder cannot be written to.
        """
        self._refuse_while_busy()
        added = self._library.add(name, content)
        job = self._jobs.start(
            lambda on_progress: self._run_index(
                self._sources_with(added.parent), on_progress=on_progress
            ),
            kind="add",
        )
        return AddedFile(added.name, job)

    def remove_article(self, article_id: str) -> IndexJob:
        """Move an article's file out of the articles folder and re-index in the background.

        A file that could not be read, or holds no article, goes by its own id.

        Raises:
            ArticleNotFoundError: no such article, and no such file without articles.
            ArticleConflictError: its file holds other articles too, or lies elsewhere.
            IndexBusyError: another process is writing the index; nothing was moved.
            IndexWriteError: the file cannot be moved.
        """
        self._refuse_while_busy()
        paths = {found.id: found.path for found in self._discover()}
        try:
            file = self._read(lambda generation: generation.file_of(article_id))
        except (ArticleNotFoundError, NoIndexError):
            if article_id not in paths or not self._is_unread(article_id):
                raise
            file = article_id
        if file is None:
            raise ArticleConflictError(
                f"{article_id!r} is one of several articles in a file. Take it out of that file by "
                "hand, then index again."
            )
        if file not in paths:
            raise ArticleConflictError(
                f"The file of {article_id!r}, {file}, is no longer there. Index again."
            )
        self._library.remove(paths[file])
        # It may have been the last one.
        return self._jobs.start(
            lambda on_progress: self._run_index((), on_progress=on_progress, allow_empty=True),
            kind="remove",
        )

    def _discover(self) -> tuple[SourceFile, ...]:
        roots = [source for source in self._sources() if source.exists()]
        return discover(roots, allow_empty=True, indexes=self._indexes).files if roots else ()

    def _is_unread(self, file_id: str) -> bool:
        """Tell whether a file holds no article, as far as is known."""
        try:
            known = self._read(lambda generation: generation.files()).get(file_id)
        except NoIndexError:
            # Before the first run, only what was uploaded.
            return file_id.startswith(f"{UPLOADS}/")
        return known is None or known.articles == 0

    def _refuse_while_busy(self) -> None:
        """Raise IndexBusyError while another process writes the index; our own run is no reason."""
        if not self._jobs.is_running:
            self._store.refuse_while_busy()

    def index(
        self,
        paths: Sequence[Path] = (),
        *,
        rebuild: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Make the index mirror these files and folders.

        By default those of the last run, or the articles folder when there was none. What cannot
        be read is named in the report and holds up nothing.

        Raises:
            CorpusError: a path does not exist, or there is not one article to index.
            IndexMismatchError: another model built the index, and `rebuild` is not set.
            IndexBusyError: another index run is under way.
            IndexWriteError: the disk is full or the folder cannot be written to.
            ModelUnavailableError: the model cannot be loaded.
        """
        return self._run_index(paths, rebuild=rebuild, on_progress=on_progress)

    def start_index(self, *, rebuild: bool = False) -> IndexJob:
        """Start an index run in the background; one that runs already is followed by another.

        Raises:
            IndexBusyError: another process is writing the index.
        """
        self._refuse_while_busy()
        return self._start(rebuild=rebuild)

    def _start(self, *, rebuild: bool = False) -> IndexJob:
        return self._jobs.start(
            lambda on_progress: self.index(rebuild=rebuild, on_progress=on_progress),
            kind="rebuild" if rebuild else "update",
        )

    def watch(self) -> None:
        """Start an index run whenever articles change, until `close`."""
        if self._watcher is None:
            self._watcher = Watcher(
                self._watched_folders,
                self._start,
                is_left_out=self._indexes.is_written_by_index,
            )
            self._watcher.start()

    def job(self) -> IndexJob | None:
        """Return the running or last index job of this process."""
        return self._jobs.job()

    def wait_for_job_change(self, version: int, timeout_s: float) -> IndexJob | None:
        """Return the job once its version exceeds `version`, or as it is when time runs out."""
        return self._jobs.wait_for_change(version, timeout_s)

    def status(self) -> IndexStatus:
        """Describe the index in service. NoIndexError, IndexCorruptError."""
        return self._read(self._describe)

    def _describe(self, generation: Generation) -> IndexStatus:
        manifest = generation.manifest
        return IndexStatus(
            path=str(self._settings.index),
            generation=generation.id,
            previous_generation=self._store.previous_id(),
            created_at=manifest.created_at,
            model=manifest.recipe.model,
            articles=manifest.articles,
            passages=manifest.passages,
            languages=generation.language_counts(),
            sources=generation.sources(),
            size_bytes=manifest.size_bytes,
            damage=self._damage,
        )

    def verify(self) -> tuple[str, ...]:
        """Check every checksum and every offset, and those of the model; return the problems found.

        Raises:
            NoIndexError: nothing has been indexed yet.
            IndexCorruptError: the index does not even open.
        """
        return (
            *self._store.verify(),
            *(
                f"{problem}; it is made anew at the next start"
                for problem in problems_below(self._settings.cache)
            ),
        )

    def rollback(self) -> IndexStatus:
        """Put the previous generation back in service. NoPreviousGenerationError."""
        self._store.rollback()
        return self.status()

    def evaluate(self, questions: Iterable[KnownQuestion]) -> Evaluation:
        """Ask questions whose answers are known and tell how many were answered right."""
        return evaluate(self.ask, questions)

    def close(self) -> None:
        """Let go of files and stop watching."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        with self._generation_lock:
            if self._generation is not None:
                self._generation.close()
                self._generation = None

    def _run_index(
        self,
        paths: Sequence[Path],
        *,
        rebuild: bool = False,
        allow_empty: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        # Questions and `status` start sooner without the readers of all formats.
        from qa_service.corpus.reading import ArticleLoader
        from qa_service.indexer import Components, Indexer

        model = self._load_model()
        encoder, codec = model.encoder, model.codec
        with ArticleLoader() as reader:
            parts = Components(
                reader=reader,
                reader_version=READER_VERSION,
                chunker=lambda article: stream_passages(
                    article, encoder.count_tokens, detect_language
                ),
                chunker_version=CHUNKER_VERSION,
                encoder=encoder,
                codec=codec,
                analyzer=self._analyzer,
                analyzer_version=ANALYZER_VERSION,
                statistics_version=self._statistics_version,
                calibrate=lambda generation: measure_tokens(generation, codec),
                threads=self._settings.threads,
            )
            report = Indexer(self._store, parts).run(
                paths,
                default_paths=(self._settings.articles,),
                rebuild=rebuild,
                allow_empty=allow_empty,
                on_progress=on_progress,
            )
        self.return_memory()
        return report

    def _sources_with(self, folder: Path) -> list[Path]:
        """Return what the index mirrors, and the folder too unless it is part of that."""
        sources = self._sources()
        if any(folder.resolve().is_relative_to(source.resolve()) for source in sources):
            return sources
        return [*sources, folder]

    def _sources(self) -> list[Path]:
        """Return what the index mirrors; the articles folder before the first run."""
        if self._store.current_id() is None:
            return [self._settings.articles]
        return [Path(source) for source in self._look().manifest.sources]

    def _watched_folders(self) -> list[Path]:
        try:
            return self._sources()
        except StoredIndexError:
            return [self._settings.articles]

    def _load_model(self) -> _Model:
        with self._model_lock:
            if self._model is None:
                keep_products_in_their_thread()
                share_memory_between_threads()
                encoder = self._load_encoder()
                codec = self._codec(encoder)
                retriever = Retriever(
                    EncodesOutOfTurn(encoder, self._turn),
                    self._analyzer,
                    Reranker(codec),
                    {} if self._statistics is None else self._statistics.tokens.offsets,
                )
                self._model = _Model(
                    encoder,
                    codec,
                    retriever,
                    Answerer(retriever, encoder, detect_language),
                    self._recipe(encoder, codec),
                )
            return self._model

    def _load_encoder(self) -> Encoder:
        # `status` starts sooner without OpenVINO.
        from qa_service.encoder.loading import load_encoder

        with ThreadPoolExecutor(1) as pool:
            # Each takes a good part of the start-up time, and neither needs the other.
            loading = pool.submit(load_language_model)
            encoder = load_encoder(self._settings, self._on_preparation)
            loading.result()
        return encoder

    def _codec(self, encoder: Encoder) -> ProductCodec | ScalarCodec:
        if self._statistics is not None:
            return ProductCodec(self._statistics.tokens)
        return ScalarCodec(encoder.dimension)

    def _recipe(self, encoder: Encoder, codec: ProductCodec | ScalarCodec) -> Recipe:
        return Recipe(
            model=encoder.fingerprint,
            dimension=encoder.dimension,
            codec=codec.fingerprint,
            code_size=codec.code_size,
            analyzer=ANALYZER_VERSION,
            chunker=CHUNKER_VERSION,
            reader=READER_VERSION,
            statistics=self._statistics_version,
        )

    @property
    def _statistics_version(self) -> str:
        return f"{STATISTICS_VERSION}+{self._centering.fingerprint}"

    def _read(
        self, use: Callable[[Generation], T], find: Callable[[], Generation] | None = None
    ) -> T:
        """Return what `use` makes of the generation in service, or else of the one before it.

        Damage that shows only now puts a generation out of service, for all that follows.
        """
        while True:
            generation = (find or self._look)()
            try:
                return use(generation)
            except BaseException as error:
                if isinstance(error, QaServiceError) and not isinstance(error, IndexCorruptError):
                    raise
                problem = self._store.set_aside(generation, error)
                if problem is None:
                    raise
                with self._generation_lock:
                    if self._generation is generation:
                        self._generation = None
                log.error("generation %s is out of service: %s", generation.id, problem)

    def _open(self) -> Generation:
        """Return the generation in service, one that this service's parts can search."""
        model = self._load_model()
        return self._current(model)

    def _look(self) -> Generation:
        """Return the generation in service to read from; the model need not be loaded."""
        return self._current(self._model)

    def _current(self, model: _Model | None) -> Generation:
        with self._generation_lock:
            held = self._generation
            recipe = None if model is None else model.recipe
            try:
                if held is not None and held.id == self._store.current_id():
                    self._damage = None
                    return held
                # Requests that hold the old generation keep it until they are done with it.
                self._generation = self._store.open_current(recipe)
                self._damage = None
            except IndexCorruptError as error:
                # What was last good goes on answering, and whoever runs this reads why.
                self._generation = held or self._store.open_last_good(recipe).generation
                if self._generation is None:
                    raise
                damage = f"{error}. Meanwhile generation {self._generation.id} answers."
                if self._damage != damage:
                    self._damage = damage
                    log.error("%s", damage)
            return self._generation


@dataclass(frozen=True, slots=True)
class _Model:
    """What is loaded together with the model."""

    encoder: Encoder
    codec: ProductCodec | ScalarCodec
    retriever: Retriever
    answerer: Answerer
    recipe: Recipe


def _with_names(answer: Answer, generation: Generation) -> Answer:
    """Return the answer with the articles that tell the same called by their titles."""
    ids = [article_id for passage in answer.passages for article_id in passage.also_in]
    if not ids:
        return answer
    names = generation.article_names(ids)
    passages = (
        replace(passage, also_in_articles=tuple(names[other] for other in passage.also_in))
        for passage in answer.passages
    )
    return replace(answer, passages=tuple(passages))


def _check(question: Question) -> None:
    """Refuse what cannot be asked; the web layer has refused most of it before."""
    text = question.text.strip()
    if not 1 <= len(text) <= MAX_QUESTION_LENGTH:
        raise InvalidQuestionError(
            f"The question has {len(text)} characters; expected 1 to {MAX_QUESTION_LENGTH}. "
            + ("Write a question." if not text else "Shorten it.")
        )
    if not 1 <= question.top_k <= MAX_TOP_K:
        raise InvalidQuestionError(
            f"top_k is {question.top_k}; expected 1 to {MAX_TOP_K} passages."
        )
    for name in ("language", "source"):
        value = getattr(question.filters, name)
        if value is not None and not _is_text(value):
            raise InvalidQuestionError(
                f"The {name} to filter by, {value!r}, holds bytes that are no UTF-8, so that no "
                f"article can have it. Give a {name} that articles have."
            )


def _is_text(value: str) -> bool:
    """Tell whether it can be written in UTF-8; an argument of other bytes cannot."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
