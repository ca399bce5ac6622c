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

from qa_service.indexes.engine import Engine, StoredEmbeddings
from qa_service.indexes.packing import PackedEmbedding
from qa_service.store import layout
from qa_service.store.article_writer import ArticleWriter
from qa_service.store.centering import Arrays, Centering, FittedCentering
from qa_service.store.disk import Disk, writing_to
from qa_service.store.generation import Centered, Generation
from qa_service.store.manifest import MANIFEST, FileRecord, Manifest, Recipe, RepeatedLines
from qa_service.store.soundness import SoundnessCheck, checksum_of


@dataclass(frozen=True, slots=True)
class Change:
    """What the new generation holds, and how its passages differ from its base's.

    `keys`, `added` and `removed` ascend; `languages` follows `keys`, and so
    do `language_codes`, places among the languages in order. `duplicates` maps the id of
    each article that is left out to the one whose text it repeats.
    """

    keys: NDArray[np.int64]
    languages: list[str]
    language_codes: NDArray[np.int32]
    added: NDArray[np.int64]
    removed: NDArray[np.int64]
    files: int
    articles: int
    duplicates: Mapping[str, str]
    next_key: int

    def language_counts(self) -> dict[str, int]:
        """Count passages by language."""
        return dict(sorted(Counter(self.languages).items()))


class GenerationWriter:
    """A generation being written.

    Its methods are called in this order:

    1. change `articles`, then `seal_articles`;
    2. `append` every added passage, then `finish_rows`, after which `embeddings` can be read;
    3. `fit` the centring, or take the base's, and `write_vectors`; then `write_manifest`;
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
        engine: Engine,
        centering: Centering,
        soundness: SoundnessCheck,
    ) -> None:
        self.id = generation_id
        self.recipe = recipe
        self.base = base
        self.folder = root / layout.BUILDING / generation_id
        self._root = root
        self._parent = parent
        self._disk = disk
        self._engine = engine
        self._centering = centering
        self._soundness = soundness
        self._change: Change | None = None
        self._embeddings: StoredEmbeddings | None = None
        self._is_committed = False
        try:
            with writing_to(root):
                self._make_folder(base)
                self.articles = ArticleWriter(self.folder / layout.ARTICLES, next_key)
                self._indexes = engine.begin(
                    self.folder, recipe.embedding_size, None if base is None else base.folder
                )
        except BaseException:
            disk.remove_tree(self.folder)
            raise

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
        duplicates = self.articles.duplicates()
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
            language_codes=codes,
            added=np.setdiff1d(keys, before, assume_unique=True),
            removed=np.setdiff1d(before, keys, assume_unique=True),
            files=file_count,
            articles=article_count,
            duplicates=duplicates,
            next_key=self.articles.next_key,
        )
        return self._change

    def append(self, key: int, embedding: PackedEmbedding, terms: Sequence[str]) -> None:
        """Take in an added passage: its embedding, and the terms that it is found by."""
        self._indexes.append(key, embedding, terms)

    def finish_rows(self) -> None:
        """Write what was appended, and drop the rows and terms of removed passages."""
        change = self.change
        self.step("finish rows")
        self.articles.close()
        self._embeddings = self._indexes.finish_embeddings(change.keys)
        self.step("commit lexical")
        self._indexes.finish_terms(change.removed)

    @property
    def embeddings(self) -> StoredEmbeddings:
        """Those of all passages, once rows are finished."""
        if self._embeddings is None:
            raise RuntimeError("finish_rows comes first")
        return self._embeddings

    def fit(self, most: int) -> FittedCentering:
        """Fit the centring to at most this many passages, drawn evenly and always the same."""
        change = self.change
        places = np.arange(len(change.keys))
        if len(places) > most:
            places = np.sort(np.random.default_rng(7).choice(places, most, replace=False))
        return self._centering.fit(
            self.embeddings.vectors(change.keys[places]),
            [change.languages[place] for place in places.tolist()],
        )

    def write_vectors(self, centering: FittedCentering, *, is_refitted: bool) -> None:
        """Write the vector index, going on from the base's where its vectors are still valid."""
        change = self.change
        self.step("write vectors")
        self._indexes.finish_vectors(
            change.keys,
            change.added,
            change.removed,
            Centered(centering, change.keys, change.language_codes, sorted(set(change.languages))),
            is_stale=self.base is None or is_refitted,
        )

    def write_manifest(
        self,
        statistics: Arrays,
        fitted_languages: Mapping[str, int],
        sources: Sequence[str],
        repeated_lines: RepeatedLines,
    ) -> Manifest:
        """Write the statistics, and a manifest of all files; nothing is written after it."""
        change = self.change
        self.step("write manifest")
        np.savez(self.folder / layout.STATISTICS, **statistics)  # type: ignore[arg-type]
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
        (self.folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        return manifest

    def commit(self) -> None:
        """Put the generation in service, once it opens as it will for readers.

        Everything is on disk first, then comes one atomic switch.

        Raises:
            IndexCorruptError: what was written is not what is there.
        """
        self.step("verify")
        Generation(
            self.folder,
            recipe=self.recipe,
            engine=self._engine,
            centering=self._centering,
            soundness=self._soundness,
        ).close()
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
        # Closing writes what is buffered, which a full disk does not take.
        with contextlib.suppress(OSError):
            self.articles.close()
        self._indexes.abandon()
        self._disk.remove_tree(self.folder)

    def _make_folder(self, base: Generation | None) -> None:
        """Make the folder, with the files that are taken over from `base`."""
        self._disk.fault(f"make {self.folder}")
        self.folder.mkdir(parents=True)
        if base is None:
            return
        for name in base.manifest.files:
            if name not in layout.OWN:
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._disk.link(base.folder / name, target)
        self._disk.copy(base.folder / layout.ARTICLES, self.folder / layout.ARTICLES)

    def _file_names(self) -> list[str]:
        return [
            path.relative_to(self.folder).as_posix()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != MANIFEST and path.suffix != ".lock"
        ]

    def _is_shared(self, name: str) -> bool:
        if self.base is None or name not in self.base.manifest.files:
            return False
        return (self.folder / name).samefile(self.base.folder / name)

    def _record(self, name: str) -> FileRecord:
        if self.base is not None and self._is_shared(name):
            return self.base.manifest.files[name]
        path = self.folder / name
        return FileRecord(size=path.stat().st_size, sha256=checksum_of(path))
