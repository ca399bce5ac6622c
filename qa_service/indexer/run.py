"""`Indexer`: one run from files to a generation in service."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qa_service.corpus.boilerplate.repetition import LineCounter, without_repeated_lines
from qa_service.corpus.discovery import Discovery, discover
from qa_service.errors import (
    CorpusError,
    IndexCorruptError,
    IndexMismatchError,
    QaServiceError,
)
from qa_service.indexer.components import Components
from qa_service.indexer.embedding import Embedder
from qa_service.indexer.ingestion import Ingestion
from qa_service.indexer.plan import Plan, make_plan, time_to_store
from qa_service.indexer.progress import PacedProgress
from qa_service.indexer.statistics import learn_statistics
from qa_service.store import (
    Generation,
    GenerationWriter,
    IndexFolders,
    LastGood,
    Manifest,
    RepeatedLines,
    Store,
)
from qa_service.types import FileOutcome, FileState, IndexReport, Progress, Stage

OnProgress = Callable[[Progress], None]

WRITING_STEPS = 4


class Indexer:
    """Makes the index mirror files and folders. One run at a time, in any process."""

    def __init__(self, store: Store, parts: Components) -> None:
        self._store = store
        self._parts = parts

    def run(
        self,
        paths: Sequence[Path] = (),
        *,
        default_paths: Sequence[Path] = (),
        rebuild: bool = False,
        allow_empty: bool = False,
        on_progress: OnProgress | None = None,
    ) -> IndexReport:
        """Index these files and folders, and nothing else; by default those of the last run.

        What is the same as before is neither read nor embedded again. Files that cannot be read are
        named in the report, and hold up nothing; their former articles no longer answer.

        Args:
            paths: what the index is to mirror.
            default_paths: what it is to mirror when neither `paths` nor a last run says.
            rebuild: read every file again and make every part anew; embeddings of texts that are
                indexed already are still taken over. Allows an empty index, too.
            allow_empty: let an index in service become empty when the last file is gone; otherwise
                that is taken for a folder that is not mounted.
            on_progress: told how far the run has come, and how fast it goes.

        Raises:
            CorpusError: a path does not exist, or there is not one article to index.
            IndexMismatchError: the index was built by other parts, and `rebuild` is not set.
            IndexBusyError: another run is under way.
            IndexWriteError: the disk is full or the folder read-only.
        """
        with self._store.write_lock():
            while True:
                run = _Run(self._store, self._parts, PacedProgress(on_progress or _ignore))
                try:
                    return run.run(
                        paths, default_paths=default_paths, rebuild=rebuild, allow_empty=allow_empty
                    )
                except BaseException as error:
                    # What a large index holds is first seen to be torn when it is built upon; the
                    # run is then made without it.
                    if not run.set_damage_aside(error):
                        raise
                finally:
                    run.close()


def _ignore(progress: Progress) -> None:
    """Leave the progress unseen."""


class _Run:
    """The state of one run."""

    def __init__(self, store: Store, parts: Components, on_progress: OnProgress) -> None:
        self._store = store
        self._parts = parts
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._outcomes: dict[str, FileOutcome] = {}
        self._embedded = 0
        self._lines = RepeatedLines(frozenset(), 0)
        self._live: Generation | None = None
        self._base: Generation | None = None
        self._mended: str | None = None

    def set_damage_aside(self, error: BaseException) -> bool:
        """Tell whether a run failed for a damaged base, which is then not used again."""
        if self._base is None:
            return False
        if isinstance(error, QaServiceError) and not isinstance(error, IndexCorruptError):
            return False
        return self._store.set_aside(self._base, error) is not None

    def close(self) -> None:
        """Let go of the generation that the run began with."""
        if self._live is not None:
            self._live.close()

    def run(
        self,
        paths: Sequence[Path],
        *,
        default_paths: Sequence[Path],
        rebuild: bool,
        allow_empty: bool,
    ) -> IndexReport:
        """Do everything; see `Indexer.run`."""
        last = self._last_good(rebuild=rebuild)
        live = self._live = last.generation
        mirrored = () if live is None else live.manifest.sources
        if live is None and last.problem is not None:
            mirrored = self._store.last_sources()
        sources = _sources(paths, mirrored, default_paths)
        discovery = discover(
            [Path(source) for source in sources],
            allow_empty=live is not None,
            indexes=IndexFolders(self._store.path),
        )
        may_be_empty = allow_empty or (rebuild and not discovery.files)
        if not discovery.files and not may_be_empty:
            raise CorpusError(_all_gone(sources))
        base = self._base = None if rebuild else live
        if last.problem is not None:
            instead = "anew" if base is None else f"from generation {base.id}"
            self._mended = f"{last.problem} This run has made the index {instead}."
        plan = self._plan(discovery, base, sources)
        if base is not None and self._is_read_alike(base):
            self._lines = base.manifest.repeated_lines
        if base is not None and last.problem is None and self._is_up_to_date(base, plan, sources):
            self._store.discard_journal()
            return self._report(base.manifest, base.duplicates(), is_new=False)
        with self._store.begin(self._parts.recipe, base, parent=live) as writer:
            with contextlib.closing(
                self._store.reading_log(self._parts.recipe.reading, tries_again=rebuild)
            ) as log:
                ingestion = Ingestion(
                    self._parts, writer, discovery.files, log, self._note, self._on_progress
                )
                self._read(writer, plan, ingestion)
                self._drop_repeated_lines(writer, ingestion)
            change = writer.seal_articles()
            if len(change.keys) == 0 and not may_be_empty:
                raise CorpusError(self._nothing_to_index(sources))
            self._embed(writer, is_thorough=rebuild or last.problem is not None)
            manifest = self._write(writer, sources)
        self._store.discard_journal()
        self._store.clean()
        return self._report(manifest, change.duplicates, is_new=True)

    def _is_read_alike(self, base: Generation) -> bool:
        return base.manifest.recipe.reading == self._parts.recipe.reading

    def _is_up_to_date(self, base: Generation, plan: Plan, sources: Sequence[str]) -> bool:
        """Tell whether a run would change nothing."""
        return (
            plan.is_empty
            and base.manifest.sources == tuple(sources)
            and base.manifest.recipe == self._parts.recipe
        )

    def _last_good(self, *, rebuild: bool) -> LastGood:
        if not rebuild:
            return self._store.open_last_good(self._parts.recipe)
        try:
            return self._store.open_last_good()
        except IndexMismatchError:
            # An index of another format has nothing to give, not even a way back.
            return LastGood(None)

    def _plan(self, discovery: Discovery, base: Generation | None, sources: Sequence[str]) -> Plan:
        for problem in discovery.problems:
            self._note(FileOutcome(problem.path, problem.state, reason=problem.reason))
        if base is None:
            plan = make_plan(discovery.files, {})
        else:
            plan = make_plan(
                discovery.files,
                base.files(),
                # Under other roots the same names may stand for other files.
                trust_times=base.manifest.sources == tuple(sources),
                read_all=not self._is_read_alike(base)
                or base.manifest.recipe.chunker != self._parts.recipe.chunker,
            )
        for path in plan.removed:
            self._note(FileOutcome(path, FileState.REMOVED, reason="no longer there"))
        for outcome in (*plan.unchanged, *plan.failed):
            self._note(outcome)
        return plan

    def _read(self, writer: GenerationWriter, plan: Plan, ingestion: Ingestion) -> None:
        """Store the articles and passages of every file that is new or has changed."""
        for file in plan.touched:
            writer.articles.set_time(file.id, time_to_store(file, time.time_ns()))
        contents = {item.file.id: item.sha256 for item in plan.to_read}
        for path in (*plan.removed, *contents):
            writer.articles.remove_file(path)
        ingestion.read(contents, self._lines.lines)

    def _drop_repeated_lines(self, writer: GenerationWriter, ingestion: Ingestion) -> None:
        """Read files again that hold lines which, as it turns out, most articles repeat.

        Lines are counted for a new index and whenever it has doubled; what was found to be repeated
        stays so until a rebuild, so that files keep their text between runs.
        """
        _, articles = writer.articles.counts()
        if articles < 2 * self._lines.counted_articles:
            return
        counter = LineCounter()
        for text in writer.articles.texts():
            counter.add(text.text)
        new = counter.repeated() - self._lines.lines
        self._lines = RepeatedLines(self._lines.lines | new, articles)
        affected = {
            text.file
            for text in (writer.articles.texts() if new else ())
            if without_repeated_lines(text.text, new).dropped
        }
        if affected:
            contents = {path: writer.articles.remove_file(path) or "" for path in sorted(affected)}
            ingestion.read(contents, self._lines.lines)

    def _embed(self, writer: GenerationWriter, *, is_thorough: bool) -> None:
        recipe = self._parts.recipe
        journal = self._store.journal(recipe)
        sources = self._store.open_all(recipe, self._live, is_thorough=is_thorough)
        embedder = Embedder(self._parts, journal, sources)
        try:
            embedder.fill(writer, self._on_progress)
        finally:
            journal.close()
            for source in sources:
                if source is not self._live:
                    source.close()
        self._embedded = embedder.embedded

    def _write(self, writer: GenerationWriter, sources: Sequence[str]) -> Manifest:
        """Make the indexes and put the generation in service."""
        self._wrote(0)
        writer.finish_rows()
        self._wrote(1)
        statistics = learn_statistics(writer, self._parts.codec)
        self._wrote(2)
        writer.write_vectors(statistics.centering, is_refitted=statistics.is_new)
        self._wrote(3)
        manifest = writer.write_manifest(
            statistics.arrays, statistics.fitted_languages, sources, self._lines
        )
        self._wrote(4)
        self._on_progress(Progress.counted(Stage.VERIFYING, 0, 1))
        writer.commit()
        self._on_progress(Progress.counted(Stage.VERIFYING, 1, 1))
        return manifest

    def _wrote(self, steps: int) -> None:
        self._on_progress(Progress.counted(Stage.WRITING, steps, WRITING_STEPS))

    def _note(self, outcome: FileOutcome) -> None:
        self._outcomes[outcome.path] = outcome

    def _nothing_to_index(self, sources: Sequence[str]) -> str:
        where = ", ".join(sources)
        reasons = [
            f"{outcome.path}: {outcome.reason or 'holds no text'}"
            for outcome in self._outcomes.values()
            if outcome.state in (FileState.FAILED, FileState.SKIPPED, FileState.INDEXED)
        ]
        more = f", and {len(reasons) - 1} more like this" if len(reasons) > 1 else ""
        return (
            f"{where}: no file holds a text to index ({reasons[0]}{more}). Put articles there or "
            "name another folder; an index in service is untouched."
        )

    def _report(
        self, manifest: Manifest, duplicates: Mapping[str, str], *, is_new: bool
    ) -> IndexReport:
        return IndexReport(
            generation=manifest.id,
            is_new=is_new,
            files=tuple(self._outcomes[path] for path in sorted(self._outcomes)),
            duplicates=duplicates,
            articles=manifest.articles,
            passages=manifest.passages,
            embedded=self._embedded,
            reused=manifest.passages - self._embedded,
            elapsed_ms=(time.monotonic() - self._started) * 1000,
            mended=self._mended,
        )


def _sources(
    paths: Sequence[Path], mirrored: tuple[str, ...], default_paths: Sequence[Path]
) -> tuple[str, ...]:
    if not paths and mirrored:
        return mirrored
    if not paths and not default_paths:
        raise CorpusError("No folder was named. Name the files and folders to index.")
    return tuple(str(path.absolute()) for path in paths or default_paths)


def _all_gone(sources: Sequence[str]) -> str:
    return (
        f"{', '.join(sources)}: there is no file of articles any more, as when a disk is not "
        "mounted. The index in service is untouched. To empty it, run: qa-service index --rebuild"
    )
