"""A generation of the index, opened: everything that a question needs, frozen."""

from __future__ import annotations

import contextlib
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import IndexCorruptError, QaServiceError
from qa_service.indexes.arrays import load_arrays, map_array
from qa_service.indexes.engine import Engine, StoredEmbeddings
from qa_service.indexes.packing import PackedEmbedding
from qa_service.indexes.protocols import LexicalIndex, VectorIndex
from qa_service.indexes.sorted_keys import places_of
from qa_service.store import layout
from qa_service.store.articles import Articles, StoredFile
from qa_service.store.centering import Arrays, Centering, FittedCentering
from qa_service.store.lease import Lease
from qa_service.store.manifest import MANIFEST, MEND, Manifest, Recipe, read_manifest
from qa_service.store.soundness import SoundnessCheck
from qa_service.types import Article, ArticleName, ArticlePage, FilePage, Filters, Passage

# Answers to filters are kept for the few filters that people use at a time.
FILTERS_TO_KEEP = 16


class Generation:
    """A read-only snapshot; safe to use from several threads for as long as it is referred to.

    Opening maps files, after those that are quickly read have been compared with their checksums.
    The folder is leased while it is open, so that no writer deletes it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recipe: Recipe | None,
        engine: Engine,
        centering: Centering,
        soundness: SoundnessCheck | None = None,
    ) -> None:
        """Open a generation.

        Args:
            folder: the generation's folder.
            recipe: what the caller's parts are; None opens whatever is there.
            engine: opens the indexes.
            centering: restores the transformation of vectors.
            soundness: compares the files with their checksums before anything reads them; None
                trusts them.

        Raises:
            IndexCorruptError: a file is missing, has another size or content than the manifest
                says, or cannot be read.
            IndexMismatchError: built with another format, model, codec or analyser.
        """
        self.folder = folder
        try:
            self._lease = Lease(folder / MANIFEST)
        except OSError as error:
            raise IndexCorruptError(
                f"{folder / MANIFEST} cannot be opened ({error}). {MEND}"
            ) from error
        try:
            self.manifest: Manifest = read_manifest(folder)
            if recipe is not None:
                self.manifest.recipe.check_answers(recipe, folder)
            if soundness is not None:
                soundness.check(folder, self.manifest)
            self._open(engine, centering)
        except QaServiceError:
            self._lease.close()
            raise
        except BaseException as error:
            self._lease.close()
            if is_of_others(error):
                raise
            # Four libraries parse what may be anything, and each has exceptions of its own.
            raise IndexCorruptError(f"{folder} cannot be read ({error!r}). {MEND}") from error

    def _open(self, engine: Engine, centering: Centering) -> None:
        folder, own = self.folder, self.manifest.recipe
        self._keys: NDArray[np.int64] = _load(folder / layout.KEYS)
        columns: NDArray[np.int32] = _load(folder / layout.COLUMNS)
        self._article_numbers, self._language_codes = columns
        self._languages = sorted(self.manifest.languages)
        self.statistics: Arrays = _load_arrays(folder / layout.STATISTICS)
        self.centering: FittedCentering = centering.restore(self.statistics)
        center = Centered(self.centering, self._keys, self._language_codes, self._languages)
        self._indexes = engine.open(folder, own.embedding_size, center)
        self._allowed: OrderedDict[Filters, NDArray[np.int64]] = OrderedDict()
        self._articles = Articles(folder / layout.ARTICLES)
        self._check_counts()

    @property
    def id(self) -> str:
        """The generation's name."""
        return self.manifest.id

    @property
    def vectors(self) -> VectorIndex:
        """Finds passages by their vectors, centred."""
        return self._indexes.vectors

    @property
    def lexical(self) -> LexicalIndex:
        """Finds passages by their terms."""
        return self._indexes.lexical

    @property
    def embeddings(self) -> StoredEmbeddings:
        """The passages' vectors as the encoder gave them, and their tokens."""
        return self._indexes.embeddings

    @property
    def keys(self) -> NDArray[np.int64]:
        """Every passage's key, ascending."""
        return self._keys

    def article(self, article_id: str) -> Article:
        """Return an article, or the one whose text it repeats. ArticleNotFoundError."""
        return self._articles.article(article_id)

    def file_of(self, article_id: str) -> str | None:
        """Return the file that holds this article alone; None without. ArticleNotFoundError."""
        return self._articles.file_of(article_id)

    def article_names(self, article_ids: Sequence[str]) -> dict[str, ArticleName]:
        """Return what those of the articles that are known are called, by their ids."""
        return self._articles.names(article_ids)

    def article_page(self, offset: int, limit: int, query: str | None = None) -> ArticlePage:
        """List articles by title; `query` keeps those whose title, id or source contains it."""
        return self._articles.page(offset, limit, query)

    def sources(self) -> tuple[str, ...]:
        """Return every source that an article names, ascending."""
        return self._articles.sources()

    def files(self) -> dict[str, StoredFile]:
        """Return what is known of every file, by its id."""
        return self._articles.files()

    def unread_files(self, offset: int, limit: int) -> FilePage:
        """List the files that hold no article, and why; by their ids."""
        return self._articles.unread_files(offset, limit)

    def duplicates(self) -> dict[str, str]:
        """Map the id of each article that is left out to the one whose text it repeats."""
        return self._articles.duplicates()

    def passages(self, keys: Sequence[int] | NDArray[np.int64]) -> list[Passage]:
        """Return the passages of these keys, in the order given. KeyError for an unknown key."""
        return self._articles.passages(keys)

    def passage(self, passage_id: str, article_id: str) -> Passage | None:
        """Return a passage by its citation id; None when the article no longer holds it."""
        return self._articles.passage(passage_id, article_id)

    def passages_of(self, article_id: str) -> list[Passage]:
        """Return an article's passages from its start to its end; none for an unknown article."""
        return self._articles.passages_of(article_id)

    def keys_of(self, article_id: str) -> NDArray[np.int64]:
        """Return the keys of an article's passages, ascending; empty for an unknown article."""
        return self._articles.keys_of(article_id)

    def languages_of(self, keys: NDArray[np.int64]) -> list[str]:
        """Return the language of each passage, in the order given. KeyError for an unknown key."""
        return [self._languages[code] for code in self._language_codes[places_of(self._keys, keys)]]

    def language_counts(self) -> dict[str, int]:
        """Count passages by language."""
        return dict(self.manifest.languages)

    def allowed_keys(self, filters: Filters) -> NDArray[np.int64] | None:
        """Return the keys of the passages that may answer, ascending; None when all may."""
        if filters.is_empty:
            return None
        known = self._allowed.get(filters)
        if known is None:
            known = self._find_allowed(filters)
            self._allowed[filters] = known
            if len(self._allowed) > FILTERS_TO_KEEP:
                with contextlib.suppress(KeyError):
                    self._allowed.popitem(last=False)
        return known

    def problems(self) -> Iterator[str]:
        """Compare all parts with each other and every offset with the text it points into."""
        parts = (*self._indexes.keys_by_part(), (layout.ARTICLES, self._articles.keys()))
        for part, keys in parts:
            if not np.array_equal(keys, self._keys):
                yield f"{part}: holds other passages than {layout.KEYS} lists"
        yield from self._indexes.problems()
        yield from self._articles.problems()

    def find_embeddings(self, hashes: Sequence[bytes]) -> dict[bytes, PackedEmbedding]:
        """Return the stored embeddings of those of the hashes that are known."""
        keys = self._articles.keys_by_embedding(hashes)
        places = np.fromiter(keys.values(), np.int64, len(keys))
        return dict(zip(keys, self.embeddings.packed(places), strict=True))

    def close(self) -> None:
        """Let go of the files at once instead of with the last reference."""
        self._articles.close()
        self._lease.close()

    def _find_allowed(self, filters: Filters) -> NDArray[np.int64]:
        mask = np.ones(len(self._keys), dtype=np.bool_)
        if filters.language is not None:
            if filters.language not in self._languages:
                return np.empty(0, dtype=np.int64)
            mask &= self._language_codes == self._languages.index(filters.language)
        if filters.source is not None or filters.published_from or filters.published_to:
            mask &= np.isin(self._article_numbers, self._articles.numbers_matching(filters))
        return np.asarray(self._keys[mask])

    def _check_counts(self) -> None:
        expected = self.manifest.passages
        for part, found in (
            (layout.KEYS, len(self._keys)),
            (layout.COLUMNS, len(self._language_codes)),
            *self._indexes.counts().items(),
        ):
            if found != expected:
                raise IndexCorruptError(
                    f"{self.folder / part} holds {found} passages, the manifest says {expected}. "
                    f"{MEND}"
                )


def is_of_others(error: BaseException) -> bool:
    """Tell what ends a program or means nothing about the index from what its readers raise.

    Libraries written in Rust tell of a panic by an exception beside `Exception`.
    """
    if isinstance(error, MemoryError):
        return True
    return not isinstance(error, Exception) and type(error).__name__ != "PanicException"


class Centered:
    """Makes of passage vectors, as the encoder gave them, those that searches compare."""

    def __init__(
        self,
        centering: FittedCentering,
        keys: NDArray[np.int64],
        language_codes: NDArray[np.int32],
        languages: Sequence[str],
    ) -> None:
        """Take all passages: their keys, ascending, and their languages as places in a list."""
        self._centering = centering
        self._keys = keys
        self._codes = language_codes
        self._languages = languages

    def __call__(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return one unit row per vector, the keys saying whose it is. KeyError."""
        codes = self._codes[places_of(self._keys, keys)]
        return self._centering.passages(vectors, [self._languages[code] for code in codes.tolist()])


def _load(path: Path) -> NDArray[np.signedinteger]:
    try:
        return map_array(path)
    except (OSError, ValueError, EOFError) as error:
        raise IndexCorruptError(f"{path} cannot be read ({error}). {MEND}") from error


def _load_arrays(path: Path) -> Arrays:
    try:
        return load_arrays(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise IndexCorruptError(f"{path} cannot be read ({error}). {MEND}") from error
