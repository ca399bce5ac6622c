"""How the index behaves at ten thousand, a hundred thousand and a million passages.

    python -m benchmarks.scale --sizes 10000 100000 1000000

Runs the real indexer and store over synthetic articles: texts of Zipf-distributed words with topics
of their own, and vectors clustered at three levels: topics of power-law sizes, stories of some
articles, and articles. They are made to be somewhat harder for inverted lists than real ones: of
ten thousand, 64 of 392 lists hold 99.3 % of the ten nearest, where 99.5 % is the figure for as many
real sentences (XQuAD in eight languages, multilingual-e5-small, centred). Questions are vectors at
cosine 0.6 to a passage's, the median of the real ones, and ten of its words. The encoder costs
nothing, so all times are those of the index itself.

Building takes three times the size of the finished index for a while: 30 GB for a million passages.

Writes `benchmarks/results/scale.json`, `scale.md` and the picture `docs/scale.svg`, anew after each
size.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence, Set
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.memory import PeakMemory, memory_of
from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS
from benchmarks.scale_report import write_report
from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.reading import FileArticles
from qa_service.encoder.protocol import Encoded, TokenVectors
from qa_service.indexer import Components, Indexer
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.indexes.vector import FaissIndex, exact_neighbours
from qa_service.retrieval.centering import LanguageCentering
from qa_service.store import Generation, Recipe, Store
from qa_service.types import Article, Passage, Span

ROOT = Path(__file__).parents[1]

Vectors = NDArray[np.float32]

MEASURED = ("indexer", "indexes", "store", "retrieval.centering")
DIMENSION = 384
DIRECTIONS = 48
CODE_SIZE = 64
# Those that are kept of a passage of 150 tokens.
TOKENS_PER_PASSAGE = 114
WORDS_PER_PASSAGE = 100
PASSAGES_PER_ARTICLE = 10
ARTICLES_PER_STORY = 8
ARTICLES_PER_FILE = 100
TOPICS = 2000
VOCABULARY = 200_000
LANGUAGES = ("ar", "en", "fr", "hi", "ru", "tr", "zh")
QUESTIONS = 300
QUESTION_COSINE = 0.6
CANDIDATES = 100
RERANKED = 50
RECALL_AT = 10
# What the index, the journal of embeddings and a second generation take while it is built.
DISK_BYTES_PER_PASSAGE = 30_000
# Passages come in the order of their articles, so few articles are asked for at a time.
ARTICLES_TO_KEEP = 256


class World:
    """Everything synthetic, a function of a passage's number alone."""

    def __init__(self) -> None:
        # Seeding a generator takes longer than drawing from it, so articles are drawn as a whole.
        self._centres = lru_cache(ARTICLES_TO_KEEP)(self._draw_centres)
        self._words = lru_cache(ARTICLES_TO_KEEP)(self._draw_words)
        generator = np.random.default_rng(1)
        self.mean = generator.standard_normal(DIMENSION) * 0.5
        self.directions = generator.standard_normal((DIRECTIONS, DIMENSION)) / np.sqrt(DIRECTIONS)
        self.topics = generator.standard_normal((TOPICS, DIRECTIONS))
        self.words = [f"w{number}" for number in range(VOCABULARY)]
        shares = 1 / np.arange(1, VOCABULARY + 1)
        self.cumulative = np.cumsum(shares / shares.sum())
        self.tokens = generator.standard_normal((4096, DIMENSION)).astype(np.float32)

    def topic(self, article: int) -> int:
        """Return an article's topic; few topics have many articles."""
        story = article // ARTICLES_PER_STORY
        return int(TOPICS * np.random.default_rng((2, story)).random() ** 2)

    def vectors(self, passages: Sequence[int]) -> Vectors:
        """Return passages' vectors as an encoder would give them."""
        rows = np.empty((len(passages), DIRECTIONS))
        for row, passage in enumerate(passages):
            article, place = divmod(passage, PASSAGES_PER_ARTICLE)
            rows[row] = self._centres(article)[place]
        return unit(rows @ self.directions + self.mean)

    def _draw_centres(self, article: int) -> NDArray[np.float64]:
        story = np.random.default_rng((3, article // ARTICLES_PER_STORY))
        own = np.random.default_rng((4, article))
        centre = self.topics[self.topic(article)] + story.standard_normal(DIRECTIONS)
        centre = centre + own.standard_normal(DIRECTIONS)
        return np.asarray(centre + own.standard_normal((PASSAGES_PER_ARTICLE, DIRECTIONS)))

    def question(self, vector: Vectors, seed: int) -> Vectors:
        """Return a vector at the cosine stated above, off in a direction that passages vary in."""
        noise = np.random.default_rng((7, seed)).standard_normal(DIRECTIONS) @ self.directions
        noise -= vector * (noise @ vector)
        noise /= np.linalg.norm(noise)
        sine = np.sqrt(1 - QUESTION_COSINE**2)
        return np.asarray(QUESTION_COSINE * vector + sine * noise, dtype=np.float32)

    def text(self, passage: int) -> str:
        """Return a passage's words; the first names it, a fifth are of its topic."""
        article, place = divmod(passage, PASSAGES_PER_ARTICLE)
        topic = self.topic(article)
        words = [f"p{passage}"]
        for number, word in enumerate(self._words(article)[place]):
            words.append(f"t{topic}x{word % 500}" if number % 5 == 0 else self.words[word])
        return " ".join(words)

    def _draw_words(self, article: int) -> list[list[int]]:
        drawn = np.random.default_rng((6, article)).random(
            (PASSAGES_PER_ARTICLE, WORDS_PER_PASSAGE)
        )
        chosen: list[list[int]] = np.searchsorted(self.cumulative, drawn).tolist()
        return chosen


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return rows of unit length."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / norms, dtype=np.float32)


class SyntheticEncoder:
    """Knows passages by the number that they begin with."""

    fingerprint = "synthetic-1"
    dimension = DIMENSION
    max_tokens = 512

    def __init__(self, world: World) -> None:
        self._world = world
        self.encoded = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens."""
        return [TOKENS_PER_PASSAGE] * len(texts)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Embed nothing: questions are made as vectors."""
        raise NotImplementedError

    def encode_document(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> Encoded:
        """Embed passages."""
        del titles
        self.encoded += len(texts)
        numbers = [int(text[1 : text.index(" ")]) for text in texts]
        spans = np.stack([np.arange(TOKENS_PER_PASSAGE) * 4] * 2, axis=1).astype(np.int32)
        weights = np.ones(TOKENS_PER_PASSAGE, dtype=np.float32)
        starts = [number * 37 % (4096 - TOKENS_PER_PASSAGE) for number in numbers]
        return Encoded(
            vectors=self._world.vectors(numbers),
            tokens=tuple(
                TokenVectors(self._world.tokens[start : start + TOKENS_PER_PASSAGE], spans, weights)
                for start in starts
            ),
        )


class SyntheticCodec:
    """Takes some bytes of each token vector; as long as a product quantiser's codes."""

    code_size = CODE_SIZE
    fingerprint = "synthetic-1"

    def encode(self, vectors: Vectors, passage: Vectors) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return codes."""
        return vectors.view(np.uint8)[:, :CODE_SIZE]

    def decode(self, codes: NDArray[np.uint8]) -> Vectors:
        """Return nothing of use; no scores are computed here."""
        return np.zeros((len(codes), DIMENSION), dtype=np.float32)

    def common(self, passages: Vectors) -> Vectors:
        """Return nothing of use."""
        return np.zeros((len(passages), DIMENSION), dtype=np.float32)


class SyntheticLoader:
    """Makes articles of a file that names the first one and how many there are."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(
        self,
        file: SourceFile,
        repeated: Set[str] = frozenset(),
        on_share: Callable[[float], None] | None = None,
    ) -> FileArticles:
        """Return the articles."""
        del repeated, on_share
        first, count = map(int, file.path.read_text(encoding="ascii").split())
        return FileArticles(tuple(self._article(number) for number in range(first, first + count)))

    def _article(self, number: int) -> Article:
        first = number * PASSAGES_PER_ARTICLE
        passages = range(first, first + PASSAGES_PER_ARTICLE)
        return Article(
            id=f"a{number}",
            title=f"Article {number}",
            text="\n".join(self._world.text(passage) for passage in passages),
            language=LANGUAGES[number % len(LANGUAGES)],
            source=f"source {number % 50}",
        )


def split_lines(article: Article) -> tuple[Passage, ...]:
    """Make every line a passage."""
    passages = []
    start = 0
    for line in article.text.split("\n"):
        end = start + len(line)
        name = line[: line.index(" ")]
        spans = (Span(start, end),)
        passages.append(Passage(name, article.id, start, end, line, article.language, spans))
        start = end + 1
    return tuple(passages)


class SpacedTerms:
    """Words are terms."""

    def terms(self, text: str, language: str) -> Sequence[str]:
        """Return the words."""
        del language
        return text.split()


def make_store(path: Path) -> Store:
    """Return a store of the real parts."""
    return Store(path, engine=EmbeddedEngine(), centering=LanguageCentering(None))


def write_file(folder: Path, first_article: int, count: int) -> None:
    """Write a file that stands for some articles."""
    path = folder / f"{first_article:08d}.txt"
    path.write_text(f"{first_article} {count}", encoding="ascii")
    # Old enough for its time to be trusted.
    os.utime(path, (1_600_000_000, 1_600_000_000))


def build(size: int, root: Path) -> dict[str, float]:
    """Build an index in this process, add one article, and return what that took."""
    world = World()
    articles, index = root / "articles", root / "index"
    articles.mkdir()
    count = size // PASSAGES_PER_ARTICLE
    for first in range(0, count, ARTICLES_PER_FILE):
        write_file(articles, first, min(ARTICLES_PER_FILE, count - first))
    encoder, codec = SyntheticEncoder(world), SyntheticCodec()
    parts = Components(
        loader=SyntheticLoader(world),
        chunker=split_lines,
        encoder=encoder,
        codec=codec,
        analyzer=SpacedTerms(),
        recipe=Recipe(
            model=encoder.fingerprint,
            dimension=encoder.dimension,
            codec=codec.fingerprint,
            code_size=codec.code_size,
            analyzer="1",
            chunker="1",
            reading="1",
            statistics="1",
        ),
    )
    indexer = Indexer(make_store(index), parts)
    with PeakMemory() as peak:
        report = indexer.run([articles])
    assert report.passages == size
    build_s = report.elapsed_ms / 1000
    updates = []
    for extra in range(3):
        encoder.encoded = 0
        write_file(articles, count + extra, 1)
        updates.append(indexer.run([articles]).elapsed_ms / 1000)
        # The cost of an update must not grow with embedding.
        assert encoder.encoded == PASSAGES_PER_ARTICLE
    nothing_s = indexer.run([articles]).elapsed_ms / 1000
    return {
        "build_s": build_s,
        "builder_peak_mb": peak.resident_mb,
        "builder_own_peak_mb": peak.own_mb,
        "update_s": float(np.median(updates)),
        "nothing_to_do_s": nothing_s,
        "generation_mb": make_store(index).open_current().manifest.size_bytes / 1e6,
        "index_folder_mb": disk_use(index) / 1e6,
    }


def disk_use(folder: Path) -> int:
    """Return the bytes that a folder takes, files with several names counted once."""
    sizes = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def serve(index: Path) -> dict[str, float]:
    """Answer questions from an index in this process; return times, memory and recall."""
    world = World()
    empty = memory_of(os.getpid())
    started = time.perf_counter()
    generation = make_store(index).open_current()
    open_ms = (time.perf_counter() - started) * 1000
    opened = memory_of(os.getpid())
    chosen = np.random.default_rng(11).choice(generation.keys, QUESTIONS, replace=False)
    questions = []
    for number, passage in enumerate(generation.passages(chosen)):
        raw = world.vectors([int(passage.id[1:])])[0]
        vector = generation.centering.query(world.question(raw, number), passage.language)
        terms = np.random.default_rng(number).choice(passage.text.split()[1:], 10).tolist()
        questions.append((vector, terms))
    times: dict[str, list[float]] = {"vector": [], "lexical": [], "fetch": [], "search": []}
    for vector, terms in [*questions[:20], *questions]:
        marks = [time.perf_counter()]
        dense = generation.vectors.search(vector, CANDIDATES)
        marks.append(time.perf_counter())
        lexical = generation.lexical.search(terms, CANDIDATES)
        marks.append(time.perf_counter())
        keys = np.union1d(dense.keys[:RERANKED], lexical.keys[:RERANKED])[: RERANKED * 2]
        generation.embeddings.tokens(keys)
        generation.passages(dense.keys[:10])
        marks.append(time.perf_counter())
        for name, milliseconds in zip(times, np.diff(marks) * 1000, strict=False):
            times[name].append(float(milliseconds))
        times["search"].append((marks[-1] - marks[0]) * 1000)
    memory = memory_of(os.getpid())
    result = {
        "open_ms": open_ms,
        "opened_mb": opened.resident_mb - empty.resident_mb,
        "resident_mb": memory.resident_mb,
        "own_mb": memory.own_mb,
        "interpreter_mb": empty.resident_mb,
    }
    for name, all_times in times.items():
        warm = all_times[20:]
        result[f"{name}_p50_ms"], result[f"{name}_p95_ms"] = np.percentile(warm, [50, 95]).tolist()
    return result | measure_recall(generation, [vector for vector, _ in questions])


def measure_recall(generation: Generation, questions: Sequence[Vectors]) -> dict[str, float]:
    """Compare the nearest passages found with those of a comparison with all."""
    index = generation.vectors
    assert isinstance(index, FaissIndex)

    def exact(keys: NDArray[np.int64]) -> Vectors:
        vectors = generation.embeddings.vectors(keys)
        return generation.centering.passages(vectors, generation.languages_of(keys))

    truth = exact_neighbours(np.stack(questions), generation.keys, exact, RECALL_AT)
    hits = sum(
        len(np.intersect1d(index.search(question, RECALL_AT).keys, row))
        for question, row in zip(questions, truth, strict=True)
    )
    return {
        "recall_at_10": hits / truth.size,
        "lists": index.info.lists,
        "probes": index.info.n_probe,
    }


def measure(size: int, keep: Path | None) -> dict[str, float]:
    """Build, update and serve an index of this many passages, each in a process of its own."""
    root = Path(tempfile.mkdtemp(prefix=f"qa-scale-{size}-", dir=keep))
    try:
        check_room(root, size)
        built = run_alone("--build", str(size), str(root.absolute()))
        served = run_alone("--serve", str(root.absolute() / "index"))
        return {"passages": size} | built | served
    finally:
        if keep is None:
            shutil.rmtree(root)


def check_room(folder: Path, size: int) -> None:
    """End with a message when the disk cannot hold what is about to be built."""
    free, needed = shutil.disk_usage(folder).free, size * DISK_BYTES_PER_PASSAGE
    if free < needed:
        raise SystemExit(
            f"{folder} has {free / 1e9:.0f} GB free; {size:,} passages take {needed / 1e9:.0f} GB "
            "while they are indexed. Name a roomier folder with --keep, or fewer with --sizes."
        )


def run_alone(*arguments: str) -> dict[str, float]:
    """Run this script anew, so that what it measures of memory is its own, and return its JSON."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    measured: dict[str, float] = json.loads(ended.stdout)
    return measured


def main() -> None:
    """Measure every size and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "scale.svg")
    parser.add_argument("--keep", type=Path, help="leave the indexes in this folder")
    parser.add_argument("--build", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build is not None:
        size, root = arguments.build
        print(json.dumps(build(int(size), Path(root))))
        return
    if arguments.serve is not None:
        print(json.dumps(serve(arguments.serve)))
        return
    origin = Origin.now(MEASURED)
    results = []
    for size in sorted(arguments.sizes):
        results.append(measure(size, arguments.keep))
        print(json.dumps(results[-1]), file=sys.stderr)
        # A later size may fail for want of room or time.
        write_report(results, arguments.results, arguments.picture, origin)
    print((arguments.results / "scale.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
