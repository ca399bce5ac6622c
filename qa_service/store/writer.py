"""Writes a generation beside the live one and puts it in service."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.arrays import map_array
from qa_service.indexes.raw_vectors import RawVectors, vector_writer
from qa_service.indexes.tokens import token_writer
from qa_service.indexes.vector import FaissIndexWriter, gather, needs_rebuild, read_info
from qa_service.store import layout
from qa_service.store.article_writer import ArticleWriter
from qa_service.store.disk import Disk, writing_to
from qa_service.store.generation import Generation, SearchedVectors
from qa_service.store.layout import Arrays, Centering, FittedCentering, LexicalEngine
from qa_service.store.manifest import MANIFEST, FileRecord, Manifest, Recipe, RepeatedLines
from qa_service.store.soundness import checksum_of

# What a generation takes over from its base as the same files. Row segments and the files of the
# lexical index never change; `vectors.faiss` and the tables are replaced when they do.
SHARED = (layout.RAW_VECTORS, layout.TOKENS, layout.LEXICAL, layout.VECTORS, layout.VECTORS_INFO)


@dataclass(frozen=True, slots=True)
class Change:
    """What the new generation holds, and how its passages differ from its base's.

    `keys`, `added` and `removed` ascend; `languages` follows `keys`.
    """

    keys: NDArray[np.int64]
    languages: list[str]
    added: NDArray[np.int64]
    removed: NDArray[np.int64]
    files: int
    articles: int
    next_key: int

    def language_counts(self) -> dict[str, int]:
        """Count passages by language."""
        return dict(sorted(Counter(self.languages).items()))


class GenerationWriter:
    """A generation being written.

    Its methods are called in this order:

    1. change `articles`, then `seal_articles`;
    2. append the rows of every added key to `vectors` and `tokens`, its terms to `lexical`, then
       `finish_rows`;
    3. `write_vectors`, `add_statistics`, `write_manifest`; `open` shows the result, and statistics
       may be added and the manifest written once more;
    4. `commit`. `abort` at any time; leaving the `with` block without `commit` aborts, too.
    """

    def __init__(
        self,
        generation_id: str,
        root: Path,
        recipe: Recipe,
        base: Generation | None,
        parent: str | None,
        *,
        next_key: int,
        disk: Disk,
        lexical: LexicalEngine,
        centering: Centering,
    ) -> None:
        self.id = generation_id
        self.recipe = recipe
        self.base = base
        self.folder = root / layout.BUILDING / generation_id
        self._root = root
        self._parent = parent
        self._disk = disk
        self._engine = lexical
        self._centering = centering
        self._change: Change | None = None
        self._is_committed = False
        self._statistics: dict[str, NDArray[np.generic]] = {}
        self._hashed: dict[tuple[str, int, int], FileRecord] = {}
        try:
            with writing_to(root):
                self._make_folder(base)
                self.articles = ArticleWriter(self.folder / layout.ARTICLES, next_key)
                lexical_folder = self.folder / layout.LEXICAL
                self.lexical = (
                    lexical.create(lexical_folder) if base is None else lexical.open(lexical_folder)
                )
        except BaseException:
            disk.remove_tree(self.folder)
            raise
        self.vectors = vector_writer(
            self.folder / layout.RAW_VECTORS,
            recipe.dimension,
            None if base is None else base.raw_vectors,
        )
        self.tokens = token_writer(
            self.folder / layout.TOKENS, recipe.code_size, None if base is None else base.tokens
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Abort unless it was committed; say of a failed write what failed and how to mend it."""
        if not self._is_committed:
            self.abort()
        if error is not None:
            with writing_to(self._root):
                raise error

    def step(self, name: str) -> None:
        """Mark a step of the work that others do on this generation."""
        self._disk.fault(name)

    @property
    def change(self) -> Change:
        """What `seal_articles` found."""
        if self._change is None:
            raise RuntimeError("seal_articles comes first")
        return self._change

    def seal_articles(self) -> Change:
        """Find out which passages came and went. Articles do not change after this."""
        self.step("seal articles")
        self.articles.commit()
        keys, articles, languages = self.articles.columns()
        names = {language: code for code, language in enumerate(sorted(set(languages)))}
        codes = np.fromiter((names[language] for language in languages), np.int32, len(languages))
        np.save(self.folder / layout.KEYS, keys)
        np.save(self.folder / layout.COLUMNS, np.stack([articles, codes]))
        before = np.empty(0, np.int64) if self.base is None else self.base.keys
        file_count, article_count = self.articles.counts()
        self._change = Change(
            keys=keys,
            languages=languages,
            added=np.setdiff1d(keys, before, assume_unique=True),
            removed=np.setdiff1d(before, keys, assume_unique=True),
            files=file_count,
            articles=article_count,
            next_key=self.articles.next_key,
        )
        return self._change

    def finish_rows(self) -> None:
        """Write the tables of vectors and tokens, and commit the lexical index."""
        change = self.change
        self.step("finish rows")
        self.articles.close()
        self.vectors.finish(change.keys)
        self.tokens.finish(change.keys)
        self.step("commit lexical")
        if len(change.removed):
            self.lexical.delete(change.removed)
        self.lexical.commit()

    def fit(self, most: int) -> FittedCentering:
        """Fit the centring to at most this many passages, drawn evenly and always the same."""
        change = self.change
        places = np.arange(len(change.keys))
        if len(places) > most:
            places = np.sort(np.random.default_rng(7).choice(places, most, replace=False))
        return self._centering.fit(
            gather(self._raw_vectors().get, change.keys[places], self.recipe.dimension),
            [change.languages[place] for place in places.tolist()],
        )

    def write_vectors(self, centering: FittedCentering, *, is_refitted: bool, threads: int) -> None:
        """Write the vector index, going on from the base's where its vectors are still valid."""
        change = self.change
        self.step("write vectors")
        codes = map_array(self.folder / layout.COLUMNS)[1]
        searched = SearchedVectors(
            self._raw_vectors(), centering, change.keys, codes, sorted(set(change.languages))
        )
        path = self.folder / layout.VECTORS
        writer = FaissIndexWriter(path, self.recipe.dimension, searched, threads)
        is_stale = self.base is None or is_refitted
        if is_stale or needs_rebuild(read_info(path), len(change.keys)):
            writer.build(change.keys)
        elif len(change.added) or len(change.removed):
            writer.update(change.added, change.removed)

    def add_statistics(self, arrays: Arrays) -> None:
        """Keep arrays in the generation; a name that is there already is replaced."""
        self._statistics.update(arrays)

    def write_manifest(
        self,
        sources: Sequence[str],
        fitted_languages: Mapping[str, int],
        repeated_lines: RepeatedLines,
    ) -> Manifest:
        """Write the statistics, and a manifest of all files."""
        change = self.change
        self.step("write manifest")
        np.savez(self.folder / layout.STATISTICS, **self._statistics)  # type: ignore[arg-type]
        manifest = Manifest(
            id=self.id,
            parent=self._parent,
            created_at=dt.datetime.now(dt.UTC),
            recipe=self.recipe,
            sources=tuple(sources),
            file_count=change.files,
            articles=change.articles,
            passages=len(change.keys),
            languages=change.language_counts(),
            fitted_languages=fitted_languages,
            repeated_lines=repeated_lines,
            next_key=change.next_key,
            files={name: self._record(name) for name in self._file_names()},
        )
        new = self.folder / f"{MANIFEST}.new"
        new.write_text(manifest.to_json(), encoding="utf-8")
        new.replace(self.folder / MANIFEST)
        return manifest

    def open(self) -> Generation:
        """Open what was written, checking it as readers will. Close it before `commit`."""
        return Generation(
            self.folder, recipe=self.recipe, lexical=self._engine, centering=self._centering
        )

    def commit(self) -> None:
        """Put the generation in service: everything on disk first, then one atomic switch."""
        self.step("verify")
        self.open().close()
        own = [name for name in self._file_names() if not self._is_shared(name)]
        for name in (*own, MANIFEST):
            self._disk.sync_file(self.folder / name)
        for folder in (*(path for path in self.folder.rglob("*") if path.is_dir()), self.folder):
            self._disk.sync_folder(folder)
        generations = self._root / layout.GENERATIONS
        self._disk.replace(self.folder, generations / self.id)
        self._is_committed = True
        self._disk.write_text(self._root / layout.CURRENT, f"{self.id}\n")

    def abort(self) -> None:
        """Drop everything that was written; the generation in service is untouched."""
        for part in (self.articles, self.vectors, self.tokens):
            # Closing writes what is buffered, which a full disk does not take.
            with contextlib.suppress(OSError):
                part.close()
        self.lexical.abandon()
        self._disk.remove_tree(self.folder)

    def _make_folder(self, base: Generation | None) -> None:
        """Make the folder, with the files that are taken over from `base`."""
        self._disk.fault(f"make {self.folder}")
        for name in ("", layout.RAW_VECTORS, layout.TOKENS):
            (self.folder / name).mkdir(parents=True)
        if base is None:
            return
        for name in base.manifest.files:
            target = self.folder / name
            if name.split("/")[0] in SHARED:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._disk.link(base.folder / name, target)
        self._disk.copy(base.folder / layout.ARTICLES, self.folder / layout.ARTICLES)

    def _raw_vectors(self) -> RawVectors:
        return RawVectors(self.folder / layout.RAW_VECTORS, self.recipe.dimension)

    def _file_names(self) -> list[str]:
        return [
            path.relative_to(self.folder).as_posix()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.startswith(MANIFEST) and path.suffix != ".lock"
        ]

    def _is_shared(self, name: str) -> bool:
        if self.base is None or name not in self.base.manifest.files:
            return False
        return (self.folder / name).samefile(self.base.folder / name)

    def _record(self, name: str) -> FileRecord:
        if self.base is not None and self._is_shared(name):
            return self.base.manifest.files[name]
        path = self.folder / name
        status = path.stat()
        version = (name, status.st_ino, status.st_mtime_ns)
        if version not in self._hashed:
            self._hashed[version] = FileRecord(size=status.st_size, sha256=checksum_of(path))
        return self._hashed[version]
