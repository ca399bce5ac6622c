"""The product behind every door: CLI and web call this and nothing deeper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qa_service.config import Settings
from qa_service.types import (
    Answer,
    Article,
    ArticlePage,
    Explanation,
    Filters,
    IndexJob,
    IndexReport,
    IndexStatus,
    Passage,
    Progress,
    Question,
)


class Service:
    """Answers questions from the index and keeps the index in step with the articles.

    Safe to use from several threads; questions go on while an index run is under way.
    """

    def __init__(self, settings: Settings) -> None:
        raise NotImplementedError

    def warm_up(self) -> None:
        """Load the index and the model, so that the first question is as fast as the next."""
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        """True once index and model are loaded."""
        raise NotImplementedError

    def ask(self, question: Question) -> Answer:
        """Answer a question. NoIndexError, InvalidQuestionError, ModelUnavailableError."""
        raise NotImplementedError

    def explain(self, text: str, article_id: str, filters: Filters = Filters()) -> Explanation:
        """Tell how an article fared for a question. ArticleNotFoundError."""
        raise NotImplementedError

    def article(self, article_id: str) -> Article:
        """Return a stored article. ArticleNotFoundError."""
        raise NotImplementedError

    def articles(self, offset: int = 0, limit: int = 50, query: str | None = None) -> ArticlePage:
        """List articles by title; `query` keeps those whose title, id or source contains it."""
        raise NotImplementedError

    def passage(self, article_id: str, passage_id: str) -> Passage | None:
        """Return a passage by its citation id; None when the article no longer holds it."""
        raise NotImplementedError

    def example_questions(self, language: str, limit: int = 4) -> tuple[str, ...]:
        """Suggest questions that the user's own articles answer."""
        raise NotImplementedError

    def add_article(self, name: str, content: bytes) -> IndexJob:
        """Store a file in the articles folder and index it. ArticleConflictError, UnreadableFileError."""
        raise NotImplementedError

    def remove_article(self, article_id: str) -> IndexJob:
        """Move an article's file out of the articles folder and re-index.

        ArticleNotFoundError; ArticleConflictError when its file holds other articles too.
        """
        raise NotImplementedError

    def index(
        self,
        paths: Sequence[Path] = (),
        *,
        rebuild: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Make the index mirror these files and folders (default: those of the last run)."""
        raise NotImplementedError

    def start_index(self, *, rebuild: bool = False) -> IndexJob:
        """Start an index run in the background; returns the running one if there is one already."""
        raise NotImplementedError

    def job(self) -> IndexJob | None:
        """Return the running or last index job of this process."""
        raise NotImplementedError

    def wait_for_job_change(self, version: int, timeout_s: float) -> IndexJob | None:
        """Return the job once its version exceeds `version`, or as it is when time runs out."""
        raise NotImplementedError

    def status(self) -> IndexStatus:
        """Describe the index in service. NoIndexError, IndexCorruptError."""
        raise NotImplementedError

    def verify(self) -> tuple[str, ...]:
        """Check every checksum and every offset; returns the problems found."""
        raise NotImplementedError

    def rollback(self) -> IndexStatus:
        """Put the previous generation back in service. NoPreviousGenerationError."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of files and threads."""
        raise NotImplementedError
