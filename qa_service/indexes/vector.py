"""Nearest vectors by inner product, on FAISS.

While an index is small every vector is compared, in full precision. From `EXACT_UP_TO` vectors on,
they are kept in inverted lists (IVF) as four bits for each pair of dimensions, the number of the
nearest of sixteen centroids: such codes are compared by the dozen in the processor's registers
(product quantisation as in Quick ADC, André et al. 2017). A search visits `n_probe` lists, takes
three times the candidates asked for, and scores them again with the exact vectors. `n_probe` is not
guessed: whenever the lists are trained, it is raised until recall@10 against exact search, measured
on held-out questions made from the corpus's own vectors, passes `RECALL_TO_REACH`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np

from qa_service.errors import IndexCorruptError, IndexWriteError
from qa_service.indexes.protocols import Candidates, Keys, Vectors

ExactVectors = Callable[[Keys], Vectors]
"""Returns the exact searched vectors of these keys, one row each; KeyError for an unknown key."""

EXACT_UP_TO = 20_000
# So few allowed vectors are compared one by one; that costs less than going through lists.
SCAN_UP_TO = 1000
# Up to so many allowed vectors every list is visited, so that none is missed however they are
# spread: passing over the others is far cheaper than comparing them would be.
VISIT_ALL_UP_TO = 100_000
GATHER_ROWS = 8192
# A little more than the .99 that is promised, for a sample errs; `benchmarks/scale.py` measures it.
RECALL_TO_REACH = 0.991
# Many short lists: at the same recall, 8·√n lists compare 35 % fewer vectors than 4·√n.
LISTS_PER_ROOT = 8
TRAINING_POINTS_PER_LIST = 32
TRAINING_ROUNDS = 8
# Lists trained on few vectors serve until the index holds this many times as many.
GROWTH_TO_RETRAIN = 4
PROBES_TO_TRY = tuple(step << power for power in range(3, 13) for step in (2, 3))
RECALL_QUESTIONS = 500
RECALL_DEPTH = 10
# How near a question is to its passage: the median over XQuAD's questions in eight languages, both
# centred. Questions made so are a little harder to answer in full than real ones: of ten thousand
# sentences, 32 of 784 lists hold 98.2 % of their ten nearest, and 98.7 % of the real questions'.
QUESTION_COSINE = 0.6
RECALL_SAMPLE = 2000
RERANK_FACTOR = 3
RERANK_AT_LEAST = 100
BITS_PER_CODE = 4
# With fewer dimensions, each has a code of its own: what is lost in one weighs more.
PAIRED_FROM_DIMENSION = 256


@dataclass(frozen=True, slots=True)
class VectorIndexInfo:
    """What a vector index is made of; stored beside it.

    `trained_on` counts the vectors that the lists were made for. `recall` is recall@10 against
    exact search as measured then; 1 for exact search.
    """

    kind: str
    dimension: int
    lists: int
    n_probe: int
    trained_on: int
    recall: float


class FaissIndex:
    """Finds the vectors of greatest inner product. Safe to search from several threads."""

    def __init__(self, index: faiss.Index, info: VectorIndexInfo, exact: ExactVectors) -> None:
        self._index = index
        self._exact = exact
        self.info = info

    @classmethod
    def open(cls, path: Path, exact: ExactVectors) -> FaissIndex:
        """Map a stored index into memory.

        Raises:
            IndexCorruptError: the file or its description is missing or cannot be read.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise _corrupt(path, error) from error
        return cls(index, read_info(path), exact)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: Vectors, top_k: int, allowed: Keys | None = None) -> Candidates:
        """Return at most `top_k` of the passages in `allowed` (sorted keys; None allows all)."""
        if allowed is not None and len(allowed) <= SCAN_UP_TO:
            return best(allowed, self._exact(allowed) @ vector, top_k)
        selector = None if allowed is None else _Selector(allowed)
        if self.info.lists == 0:
            return self._search_exactly(vector, top_k, selector)
        wanted = max(RERANK_FACTOR * top_k, RERANK_AT_LEAST)
        parameters = faiss.SearchParametersIVF(
            nprobe=self._probes(allowed),
            sel=None if selector is None else selector.selector,
        )
        keys, _ = self._fetch(vector, wanted, parameters)
        return best(keys, self._exact(keys) @ vector, top_k)

    def _probes(self, allowed: Keys | None) -> int:
        if allowed is None:
            return self.info.n_probe
        if len(allowed) <= VISIT_ALL_UP_TO:
            return self.info.lists
        return min(self.info.lists, round(self.info.n_probe * len(self) / len(allowed)))

    def keys(self) -> Keys:
        """Return every key, ascending; reads the whole index."""
        if self.info.lists == 0:
            return np.sort(faiss.vector_to_array(self._index.id_map))
        lists = self._index.invlists
        found = [
            faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
            for number in range(lists.nlist)
            if lists.list_size(number)
        ]
        return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def _search_exactly(
        self, vector: Vectors, top_k: int, selector: _Selector | None
    ) -> Candidates:
        parameters = None
        if selector is not None:
            parameters = faiss.SearchParameters(sel=selector.selector)
        wanted = top_k
        while True:
            # One more than asked for tells whether a tie goes on beyond the end, where FAISS would
            # choose among equals by their place in the file.
            keys, scores = self._fetch(vector, min(wanted + 1, len(self)), parameters)
            if len(keys) <= top_k or scores[-1] < scores[top_k - 1]:
                return best(keys, scores, top_k)
            if len(keys) < wanted + 1 or len(keys) == len(self):
                return best(keys, scores, top_k)
            wanted *= 2

    def _fetch(
        self, vector: Vectors, wanted: int, parameters: faiss.SearchParameters | None
    ) -> tuple[Keys, Vectors]:
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if wanted <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        # One question is one thread's work: FAISS shares a single one out among no threads (0.7 ms
        # of 100 000 vectors with one or two), and would keep a team for each thread that asks. The
        # setting is the calling thread's own.
        faiss.omp_set_num_threads(1)
        scores, keys = self._index.search(query, wanted, params=parameters)
        # FAISS pads short results with -1; drop before lookup.
        found = keys[0] >= 0
        return keys[0][found], scores[0][found]


class _Selector:
    """Lets FAISS search among some keys; keeps alive the array that FAISS points into."""

    def __init__(self, allowed: Keys) -> None:
        # A bitmap costs a bit for each key ever given out and answers in one step.
        flags = np.zeros(int(allowed[-1]) + 1, dtype=np.bool_)
        flags[allowed] = True
        self._bits = np.packbits(flags, bitorder="little")
        self.selector = faiss.IDSelectorBitmap(len(self._bits), faiss.swig_ptr(self._bits))


class FaissIndexWriter:
    """Makes or changes a stored index. Not to be shared between threads."""

    def __init__(self, path: Path, dimension: int, exact: ExactVectors, threads: int = 0) -> None:
        self._path = path
        self._dimension = dimension
        self._exact = exact
        self._threads = threads

    def build(self, keys: Keys, batch_rows: int = GATHER_ROWS) -> VectorIndexInfo:
        """Write an index of these keys (ascending), vectors from `exact`; return what it is."""
        self._bound_threads()
        if len(keys) <= EXACT_UP_TO:
            index = faiss.IndexIDMap(faiss.IndexFlatIP(self._dimension))
            info = VectorIndexInfo("exact", self._dimension, 0, 0, len(keys), 1.0)
        else:
            index, lists = self._train(keys)
            info = VectorIndexInfo("ivf-pq4", self._dimension, lists, 0, len(keys), 0.0)
        for start in range(0, len(keys), batch_rows):
            batch = keys[start : start + batch_rows]
            index.add_with_ids(self._exact(batch), batch)
        if info.lists:
            info = measure_probes(index, info, keys, self._exact)
        self._write(index, info)
        return info

    def update(self, added: Keys, removed: Keys, batch_rows: int = GATHER_ROWS) -> VectorIndexInfo:
        """Change the stored index, training nothing anew; return what it is.

        The file is replaced, never written in place. Use `needs_rebuild` first.
        """
        self._bound_threads()
        stored = read_info(self._path)
        try:
            index = faiss.read_index(str(self._path))
        except RuntimeError as error:
            raise _corrupt(self._path, error) from error
        if len(removed):
            index.remove_ids(faiss.IDSelectorBatch(removed))
        for start in range(0, len(added), batch_rows):
            batch = added[start : start + batch_rows]
            index.add_with_ids(self._exact(batch), batch)
        self._write(index, stored)
        return stored

    def _bound_threads(self) -> None:
        faiss.omp_set_num_threads(self._threads or os.cpu_count() or 1)

    def _train(self, keys: Keys) -> tuple[faiss.Index, int]:
        lists = list_count(len(keys))
        points = sample(keys, TRAINING_POINTS_PER_LIST * lists)
        quantizer = faiss.IndexFlatIP(self._dimension)
        are_paired = self._dimension >= PAIRED_FROM_DIMENSION and self._dimension % 2 == 0
        codes = self._dimension // 2 if are_paired else self._dimension
        index = faiss.IndexIVFPQFastScan(
            quantizer, self._dimension, lists, codes, BITS_PER_CODE, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.niter = TRAINING_ROUNDS
        index.cp.max_points_per_centroid = TRAINING_POINTS_PER_LIST
        index.cp.min_points_per_centroid = 1
        # Without it the centroids of unit vectors shrink and small lists hide behind large ones.
        index.cp.spherical = True
        index.train(gather(self._exact, points, self._dimension))
        return index, lists

    def _write(self, index: faiss.Index, info: VectorIndexInfo) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            faiss.write_index(index, str(new))
        except RuntimeError as error:
            raise IndexWriteError(
                f"{new} cannot be written: {error}. Free some space or mend the folder's "
                "permissions, then index again."
            ) from error
        new.replace(self._path)
        info_new = info_path(self._path).with_suffix(".new")
        info_new.write_text(json.dumps(asdict(info), indent=2) + "\n", encoding="utf-8")
        info_new.replace(info_path(self._path))


def needs_rebuild(info: VectorIndexInfo, vectors: int) -> bool:
    """Tell whether an index that is to hold this many vectors should be built anew."""
    if vectors <= EXACT_UP_TO:
        # Half, so that an index around the limit does not change its kind at every run.
        return info.lists > 0 and vectors <= EXACT_UP_TO // 2
    return info.lists == 0 or vectors > GROWTH_TO_RETRAIN * info.trained_on


def measure_probes(
    index: faiss.IndexIVF, info: VectorIndexInfo, keys: Keys, exact: ExactVectors
) -> VectorIndexInfo:
    """Return `info` with the fewest probes that reach the recall wanted, and that recall."""
    some = exact(sample(keys, RECALL_SAMPLE))
    questions = make_questions(some[:: max(1, len(some) // RECALL_QUESTIONS)], some)
    truth = exact_neighbours(questions, keys, exact, RECALL_DEPTH)
    recall = 0.0
    probes = 0
    for probes in [*(n for n in PROBES_TO_TRY if n < info.lists), info.lists]:
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        _, found = index.search(questions, RERANK_AT_LEAST, params=parameters)
        recall = float(
            np.mean([len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)])
            / truth.shape[1]
        )
        if recall >= RECALL_TO_REACH:
            break
    return VectorIndexInfo(info.kind, info.dimension, info.lists, probes, info.trained_on, recall)


def make_questions(vectors: Vectors, corpus: Vectors) -> Vectors:
    """Return unit vectors at cosine `QUESTION_COSINE` to these, always the same ones.

    They lie off in random directions of those that the vectors of `corpus` vary in: what lies off
    in others changes no neighbours, and would be too easy.
    """
    weights = np.random.default_rng(7).standard_normal((len(vectors), len(corpus)))
    noise = weights.astype(np.float32) @ corpus
    noise -= vectors * np.sum(noise * vectors, axis=1, keepdims=True)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    sine = float(np.sqrt(1 - QUESTION_COSINE**2))
    return np.ascontiguousarray(QUESTION_COSINE * vectors + sine * noise, dtype=np.float32)


def exact_neighbours(
    questions: Vectors, keys: Keys, exact: ExactVectors, depth: int, batch_rows: int = GATHER_ROWS
) -> Keys:
    """Return the keys of the `depth` nearest vectors of each question, int64 (questions, depth)."""
    best_keys = np.empty((len(questions), 0), dtype=np.int64)
    best_scores = np.empty((len(questions), 0), dtype=np.float32)
    for start in range(0, len(keys), batch_rows):
        batch = keys[start : start + batch_rows]
        scores = np.concatenate([best_scores, questions @ exact(batch).T], axis=1)
        known = np.concatenate(
            [best_keys, np.broadcast_to(batch, (len(questions), len(batch)))], axis=1
        )
        order = np.argpartition(-scores, min(depth, scores.shape[1]) - 1, axis=1)[:, :depth]
        best_scores = np.take_along_axis(scores, order, axis=1)
        best_keys = np.take_along_axis(known, order, axis=1)
    return best_keys


def best(keys: Keys, scores: Vectors, top_k: int) -> Candidates:
    """Return the `top_k` best, by descending score and then ascending key."""
    order = np.lexsort((keys, -scores))[:top_k]
    return Candidates(keys=keys[order], scores=scores[order].astype(np.float32))


def gather(exact: ExactVectors, keys: Keys, dimension: int) -> Vectors:
    """Return the vectors of many keys, going easy on memory."""
    vectors = np.empty((len(keys), dimension), dtype=np.float32)
    for start in range(0, len(keys), GATHER_ROWS):
        vectors[start : start + GATHER_ROWS] = exact(keys[start : start + GATHER_ROWS])
    return vectors


def sample(keys: Keys, most: int) -> Keys:
    """Return at most this many of the keys, drawn evenly and always the same, ascending."""
    if len(keys) <= most:
        return keys
    return np.sort(np.random.default_rng(7).choice(keys, most, replace=False))


def list_count(vectors: int) -> int:
    """Choose how many lists to keep."""
    return max(1, int(LISTS_PER_ROOT * vectors**0.5))


def info_path(path: Path) -> Path:
    """Return where the description of an index is stored."""
    return path.with_suffix(".json")


def read_info(path: Path) -> VectorIndexInfo:
    """Return the description of a stored index. IndexCorruptError when it cannot be read."""
    try:
        return VectorIndexInfo(**json.loads(info_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _corrupt(info_path(path), error) from error


def _corrupt(path: Path, error: Exception) -> IndexCorruptError:
    return IndexCorruptError(
        f"{path} cannot be read ({error}). Run: qa-service index, "
        "which makes it anew, or qa-service rollback"
    )
