"""Keeps the index in step with the articles: runs, uploads, removals, watching."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qa_service.articles.background_runs import BackgroundRuns
from qa_service.articles.folder import UPLOADS, ArticleFolder
from qa_service.articles.watcher import Watcher
from qa_service.assembly import Assembly
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.discovery import SourceFile, discover
from qa_service.errors import (
    ArticleConflictError,
    ArticleNotFoundError,
    NoIndexError,
    StoredIndexError,
)
from qa_service.store import IndexFolders, LiveIndex
from qa_service.types import AddedFile, IndexJob, IndexReport, Progress


class Upkeep:
    """Makes the index mirror the articles. Safe to use from several threads."""

    def __init__(
        self,
        assembly: Assembly,
        live: LiveIndex,
        articles: Path,
        on_run_end: Callable[[], None],
    ) -> None:
        """Take the folder of articles, and what to do after each run."""
        self._assembly = assembly
        self._store = assembly.store
        self._live = live
        self._articles = articles
        self._on_run_end = on_run_end
        self._indexes = IndexFolders(self._store.path)
        self._folder = ArticleFolder(articles, self._store.removed, MAX_FILE_BYTES)
        self._watcher: Watcher | None = None
        self.jobs = BackgroundRuns()

    def run(
        self,
        paths: Sequence[Path] = (),
        *,
        rebuild: bool = False,
        allow_empty: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Make the index mirror these files and folders; see `Indexer.run`."""
        # Questions and `status` start sooner without the readers of all formats.
        from qa_service.corpus.reading import ArticleLoader

        with ArticleLoader() as loader:
            report = self._assembly.indexer(loader).run(
                paths,
                default_paths=(self._articles,),
                rebuild=rebuild,
                allow_empty=allow_empty,
                on_progress=on_progress,
            )
        self._on_run_end()
        return report

    def start(self, *, rebuild: bool = False) -> IndexJob:
        """Start a run in the background. IndexBusyError when another process writes the index."""
        self._refuse_while_busy()
        return self._start(rebuild=rebuild)

    def add(self, name: str, content: bytes) -> AddedFile:
        """Store a file in the articles folder and index it; see `Service.add_article`."""
        self._refuse_while_busy()
        added = self._folder.add(name, content)
        job = self.jobs.start(
            lambda on_progress: self.run(self._sources_with(added.parent), on_progress=on_progress),
            kind="add",
        )
        return AddedFile(added.name, job)

    def remove(self, article_id: str) -> IndexJob:
        """Move an article's file out of the folder and re-index; see `Service.remove_article`."""
        self._refuse_while_busy()
        paths = {found.id: found.path for found in self._discover()}
        file = self._file_of(article_id, paths)
        if file not in paths:
            raise ArticleConflictError(
                f"The file of {article_id!r}, {file}, is no longer there. Index again."
            )
        self._folder.remove(paths[file])
        # It may have been the last one.
        return self.jobs.start(
            lambda on_progress: self.run((), on_progress=on_progress, allow_empty=True),
            kind="remove",
        )

    def watch(self) -> None:
        """Start an index run whenever articles change, until `close`."""
        if self._watcher is None:
            self._watcher = Watcher(
                self.watched_folders, self._start, is_left_out=self._indexes.is_written_by_index
            )
            self._watcher.start()

    def watched_folders(self) -> list[Path]:
        """Return what the index mirrors; the articles folder when that cannot be told."""
        try:
            return self._sources()
        except StoredIndexError:
            return [self._articles]

    def close(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _start(self, *, rebuild: bool = False) -> IndexJob:
        return self.jobs.start(
            lambda on_progress: self.run(rebuild=rebuild, on_progress=on_progress),
            kind="rebuild" if rebuild else "update",
        )

    def _refuse_while_busy(self) -> None:
        """Raise IndexBusyError while another process writes the index; our own run is no reason."""
        if not self.jobs.is_running:
            self._store.refuse_while_busy()

    def _file_of(self, article_id: str, paths: dict[str, Path]) -> str:
        """Return the id of the file that an article alone stands in, or of one without articles."""
        try:
            file = self._live.read(lambda generation: generation.file_of(article_id), None)
        except (ArticleNotFoundError, NoIndexError):
            if article_id not in paths or not self._is_unread(article_id):
                raise
            file = article_id
        if file is None:
            raise ArticleConflictError(
                f"{article_id!r} is one of several articles in a file. Take it out of that file by "
                "hand, then index again."
            )
        return file

    def _is_unread(self, file_id: str) -> bool:
        """Tell whether a file holds no article, as far as is known."""
        try:
            known = self._live.read(lambda generation: generation.files(), None).get(file_id)
        except NoIndexError:
            # Before the first run, only what was uploaded.
            return file_id.startswith(f"{UPLOADS}/")
        return known is None or known.articles == 0

    def _discover(self) -> tuple[SourceFile, ...]:
        roots = [source for source in self._sources() if source.exists()]
        return discover(roots, allow_empty=True, indexes=self._indexes).files if roots else ()

    def _sources_with(self, folder: Path) -> list[Path]:
        """Return what the index mirrors, and the folder too unless it is part of that."""
        sources = self._sources()
        if any(folder.resolve().is_relative_to(source.resolve()) for source in sources):
            return sources
        return [*sources, folder]

    def _sources(self) -> list[Path]:
        """Return what the index mirrors; the articles folder before the first run."""
        if self._store.current_id() is None:
            return [self._articles]
        return [Path(source) for source in self._live.current(None).manifest.sources]
