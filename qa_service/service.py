"""The product behind every door: CLI and web call this and nothing deeper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from qa_service.answer.evaluation import KnownQuestion, evaluate
from qa_service.answer.example_questions import example_questions
from qa_service.answer.question_check import check_question
from qa_service.assembly import Assembly
from qa_service.config import Settings
from qa_service.encoder.cached_folder import problems_below
from qa_service.encoder.native_memory import return_free_memory, return_mapped_memory
from qa_service.errors import ArticleNotFoundError
from qa_service.retrieval.retriever import CANDIDATES, Retrieval
from qa_service.store import Generation, LiveIndex
from qa_service.text.encoding import has_utf8_form
from qa_service.text.language import detect_language
from qa_service.types import (
    MAX_QUESTION_CHARACTERS,
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
from qa_service.upkeep import Upkeep

T = TypeVar("T")

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
        self._assembly = Assembly(settings, on_preparation)
        self._store = self._assembly.store
        self._live = LiveIndex(self._store)
        self._upkeep = Upkeep(self._assembly, self._live, settings.articles, self.return_memory)
        self._has_answered = False

    def warm_up(self) -> None:
        """Load the index and the model, so that the first question is as fast as the next."""
        encoder = self._assembly.model().encoder
        # The largest batch first: what it needs is kept, and memory does not grow later.
        for text in ("? " * (MAX_QUESTION_CHARACTERS // 2), "?"):
            encoder.encode_query([text])
        self.return_memory()
        self._live.current(self._assembly.recipe)
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
        return self._has_answered and self._live.is_open

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises:
            InvalidQuestionError: the question or one of its fields cannot be used.
            NoIndexError: nothing has been indexed yet.
            IndexMismatchError: the index was built by another model than is set.
            ModelUnavailableError: the model cannot be loaded.
        """
        check_question(question)
        answerer = self._assembly.model().answerer
        answer = self._search(lambda generation: answerer.ask(generation, question))
        self._has_answered = True
        return answer

    def retrieve(
        self, text: str, filters: Filters = Filters(), candidates: int = CANDIDATES
    ) -> Retrieval:
        """Return what each stage finds for a question, before anything is chosen or cited."""
        check_question(Question(text, filters=filters))
        retriever = self._assembly.model().retriever
        return self._search(
            lambda generation: retriever.retrieve(
                generation, text, detect_language(text), filters, candidates
            )
        )

    @property
    def generation(self) -> Generation:
        """The generation in service, for whoever studies what `retrieve` found. NoIndexError."""
        return self._live.current(self._assembly.model().recipe)

    def explain(self, text: str, article_id: str, filters: Filters = Filters()) -> Explanation:
        """Tell how an article fared for a question. ArticleNotFoundError, InvalidQuestionError."""
        check_question(Question(text, filters=filters))
        if not has_utf8_form(article_id):
            raise ArticleNotFoundError(
                f"No article has the id {article_id!r}: it holds bytes that are no UTF-8. "
                "See the list of articles for those that are indexed."
            )
        answerer = self._assembly.model().answerer
        return self._search(
            lambda generation: answerer.explain(generation, text, article_id, filters)
        )

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
        return (*self._upkeep.watched_folders(), settings.articles, settings.index, settings.cache)

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
        return self._upkeep.add(name, content)

    def remove_article(self, article_id: str) -> IndexJob:
        """Move an article's file out of the articles folder and re-index in the background.

        A file that could not be read, or holds no article, goes by its own id.

        Raises:
            ArticleNotFoundError: no such article, and no such file without articles.
            ArticleConflictError: its file holds other articles too, or lies elsewhere.
            IndexBusyError: another process is writing the index; nothing was moved.
            IndexWriteError: the file cannot be moved.
        """
        return self._upkeep.remove(article_id)

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
        return self._upkeep.run(paths, rebuild=rebuild, on_progress=on_progress)

    def start_index(self, *, rebuild: bool = False) -> IndexJob:
        """Start an index run in the background; one that runs already is followed by another.

        Raises:
            IndexBusyError: another process is writing the index.
        """
        return self._upkeep.start(rebuild=rebuild)

    def watch(self) -> None:
        """Start an index run whenever articles change, until `close`."""
        self._upkeep.watch()

    def job(self) -> IndexJob | None:
        """Return the running or last index job of this process."""
        return self._upkeep.jobs.job()

    def wait_for_job_change(self, version: int, timeout_s: float) -> IndexJob | None:
        """Return the job once its version exceeds `version`, or as it is when time runs out."""
        return self._upkeep.jobs.wait_for_change(version, timeout_s)

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
            damage=self._live.damage,
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
        self._upkeep.close()
        self._live.close()

    def _search(self, use: Callable[[Generation], T]) -> T:
        """Return what `use`, which runs the model, makes of the generation in service."""

        def used(generation: Generation) -> T:
            with self._assembly.turn.take():
                return use(generation)

        return self._live.read(used, self._assembly.model().recipe)

    def _read(self, use: Callable[[Generation], T]) -> T:
        """Return what `use` reads of the generation in service; the model need not be loaded."""
        return self._live.read(use, self._assembly.recipe)
