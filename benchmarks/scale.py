"""How the index behaves at ten thousand, a hundred thousand and a million passages.

    python benchmarks/scale.py --sizes 10000 100000 1000000

Runs the real indexer and store over synthetic articles: texts of Zipf-distributed words with topics
of their own, and vectors clustered at three levels: topics of power-law sizes, stories of some
articles, and articles. They are made to be somewhat harder for inverted lists than real ones: of
ten thousand, 64 of 392 lists hold 99.3 % of the ten nearest, where 99.5 % is the figure for as many
real sentences (XQuAD in eight languages, multilingual-e5-small, centred). Questions are vectors at
cosine 0.6 to a passage's, the median of the real ones, and ten of its words. The encoder costs
nothing, so all times are those of the index itself.

Writes `benchmarks/results/scale.json`, `scale.md` and the picture `docs/scale.svg`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence, Set
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from qa_service.centering import LanguageCentering  # noqa: E402
from qa_service.corpus.discovery import SourceFile  # noqa: E402
from qa_service.corpus.reading import FileArticles  # noqa: E402
from qa_service.encoder.base import Encoded, TokenVectors  # noqa: E402
from qa_service.indexer import Indexer, Parts  # noqa: E402
from qa_service.indexes.lexical import TantivyIndex  # noqa: E402
from qa_service.indexes.vector import FaissIndex, exact_neighbours  # noqa: E402
from qa_service.store import Generation, Store  # noqa: E402
from qa_service.types import Article, Passage, Span  # noqa: E402

Vectors = NDArray[np.float32]

DIMENSION = 384
DIRECTIONS = 48
CODE_SIZE = 48
TOKENS_PER_PASSAGE = 150
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


class World:
    """Everything synthetic, a function of a passage's number alone."""

    def __init__(self) -> None:
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
            article = passage // PASSAGES_PER_ARTICLE
            rows[row] = self.topics[self.topic(article)]
            for seed in ((3, article // ARTICLES_PER_STORY), (4, article), (5, passage)):
                rows[row] += np.random.default_rng(seed).standard_normal(DIRECTIONS)
        return unit(rows @ self.directions + self.mean)

    def question(self, vector: Vectors, seed: int) -> Vectors:
        """Return a vector at the cosine stated above, off in a direction that passages vary in."""
        noise = np.random.default_rng((7, seed)).standard_normal(DIRECTIONS) @ self.directions
        noise -= vector * (noise @ vector)
        noise /= np.linalg.norm(noise)
        sine = np.sqrt(1 - QUESTION_COSINE**2)
        return np.asarray(QUESTION_COSINE * vector + sine * noise, dtype=np.float32)

    def text(self, passage: int) -> str:
        """Return a passage's words; the first names it, a fifth are of its topic."""
        generator = np.random.default_rng((6, passage))
        chosen = np.searchsorted(self.cumulative, generator.random(WORDS_PER_PASSAGE))
        topic = self.topic(passage // PASSAGES_PER_ARTICLE)
        words = [f"p{passage}"]
        for place, word in enumerate(chosen.tolist()):
            words.append(f"t{topic}x{word % 500}" if place % 5 == 0 else self.words[word])
        return " ".join(words)


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

    def encode(self, vectors: Vectors) -> NDArray[np.uint8]:
        """Return codes."""
        return vectors.view(np.uint8)[:, :CODE_SIZE]

    def decode(self, codes: NDArray[np.uint8]) -> Vectors:
        """Return nothing of use; no scores are computed here."""
        return codes.astype(np.float32)


class SyntheticReader:
    """Makes articles of a file that names the first one and how many there are."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, file: SourceFile, repeated: Set[str] = frozenset()) -> FileArticles:
        """Return the articles."""
        del repeated
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
    return Store(path, lexical=TantivyIndex, centering=LanguageCentering(None))


def write_file(folder: Path, first_article: int, count: int) -> None:
    """Write a file that stands for some articles."""
    path = folder / f"{first_article:08d}.txt"
    path.write_text(f"{first_article} {count}", encoding="ascii")
    # Old enough for its time to be trusted.
    os.utime(path, (1_600_000_000, 1_600_000_000))


def measure_build(world: World, size: int, root: Path) -> dict[str, float]:
    """Build an index of this many passages, add one article, and return what that took."""
    articles, index = root / "articles", root / "index"
    articles.mkdir()
    count = size // PASSAGES_PER_ARTICLE
    for first in range(0, count, ARTICLES_PER_FILE):
        write_file(articles, first, min(ARTICLES_PER_FILE, count - first))
    encoder = SyntheticEncoder(world)
    parts = Parts(
        reader=SyntheticReader(world),
        reader_version="1",
        chunker=split_lines,
        chunker_version="1",
        encoder=encoder,
        codec=SyntheticCodec(),
        analyzer=SpacedTerms(),
        analyzer_version="1",
        statistics_version="1",
    )
    indexer = Indexer(make_store(index), parts)
    report = indexer.run([articles])
    assert report.passages == size
    build_s = report.elapsed_ms / 1000
    peak = psutil.Process().memory_info().rss
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
        "builder_resident_mb": peak / 1e6,
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
    process = psutil.Process()
    world = World()
    empty = process.memory_info().rss
    started = time.perf_counter()
    generation = make_store(index).open_current()
    open_ms = (time.perf_counter() - started) * 1000
    opened = process.memory_info().rss
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
        generation.tokens.get_batch(keys)
        generation.passages(dense.keys[:10])
        marks.append(time.perf_counter())
        for name, milliseconds in zip(times, np.diff(marks) * 1000, strict=False):
            times[name].append(float(milliseconds))
        times["search"].append((marks[-1] - marks[0]) * 1000)
    memory = process.memory_info()
    result = {
        "open_ms": open_ms,
        "opened_mb": (opened - empty) / 1e6,
        "resident_mb": memory.rss / 1e6,
        "own_mb": (memory.rss - memory.shared) / 1e6,
        "interpreter_mb": empty / 1e6,
    }
    for name, all_times in times.items():
        warm = all_times[20:]
        result[f"{name}_p50_ms"], result[f"{name}_p95_ms"] = np.percentile(warm, [50, 95]).tolist()
    return result | measure_recall(generation, [vector for vector, _ in questions])


def measure_recall(generation: Generation, questions: Sequence[Vectors]) -> dict[str, float]:
    """Compare the nearest passages found with those of a comparison with all."""
    index = generation.vectors
    assert isinstance(index, FaissIndex)
    truth = exact_neighbours(np.stack(questions), generation.keys, index.vectors, RECALL_AT)
    hits = sum(
        len(np.intersect1d(index.search(question, RECALL_AT).keys, row))
        for question, row in zip(questions, truth, strict=True)
    )
    return {
        "recall_at_10": hits / truth.size,
        "lists": index.info.lists,
        "probes": index.info.n_probe,
    }


COLUMNS = (
    ("passages", "passages", "{:,.0f}"),
    ("build_s", "build, s", "{:,.0f}"),
    ("update_s", "one article more, s", "{:.2f}"),
    ("nothing_to_do_s", "nothing to do, s", "{:.2f}"),
    ("generation_mb", "index, MB", "{:,.0f}"),
    ("resident_mb", "resident, MB", "{:,.0f}"),
    ("own_mb", "of it its own, MB", "{:,.0f}"),
    ("search_p50_ms", "search p50, ms", "{:.1f}"),
    ("search_p95_ms", "search p95, ms", "{:.1f}"),
    ("vector_p95_ms", "vectors p95, ms", "{:.1f}"),
    ("lexical_p95_ms", "terms p95, ms", "{:.1f}"),
    ("recall_at_10", "recall@10 of exact", "{:.4f}"),
)


def markdown(results: Sequence[dict[str, float]], machine: str) -> str:
    """Return the figures as a page."""
    lines = [
        "# The index at scale",
        "",
        f"Made by `benchmarks/scale.py` on {machine}. Synthetic articles of ten passages, "
        f"{TOKENS_PER_PASSAGE} tokens each; what is measured is said at the top of the script.",
        "",
        "| " + " | ".join(title for _, title, _ in COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
    ]
    for result in results:
        cells = (form.format(result[name]) for name, _, form in COLUMNS)
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "*Search* is the vector index, the lexical index, and fetching tokens and texts of the "
        "candidates, one after the other in one thread. *Resident* is the whole process without "
        "the model; what is not its own is pages of files, which the system takes back when it "
        "needs them.",
        "",
        "![Curves of the same figures](../../docs/scale.svg)",
    ]
    return "\n".join(lines) + "\n"


PANELS = (
    ("Search, p95", "ms", "search_p95_ms"),
    ("One article more", "s", "update_s"),
    ("Resident memory", "MB", "resident_mb"),
    ("Index on disk", "MB", "generation_mb"),
)
WIDTH, HEIGHT, MARGIN = 240, 200, 44


def picture(results: Sequence[dict[str, float]]) -> str:
    """Return the figures as curves over the number of passages, in SVG."""
    panels = [
        f'<g transform="translate({number * WIDTH} 0)">{panel(results, *spec)}</g>'
        for number, spec in enumerate(PANELS)
    ]
    width = WIDTH * len(PANELS)
    style = (
        "text{font:11px system-ui,sans-serif;fill:#5f6b7a}"
        ".title{font-size:13px;font-weight:600;fill:#7c8798}"
        ".line{fill:none;stroke:#2f7ed8;stroke-width:2}"
        ".dot{fill:#2f7ed8}.axis{stroke:#a9b4c2;stroke-width:1}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
        f'width="{width}" height="{HEIGHT}" role="img" '
        'aria-label="Search time, update time, memory and disk over the number of passages">'
        f"<style>{style}</style>{''.join(panels)}</svg>\n"
    )


def panel(results: Sequence[dict[str, float]], title: str, measure: str, name: str) -> str:
    """Return one curve with its axes; passages on a logarithmic scale, the rest from zero."""
    exponents = [float(np.log10(result["passages"])) for result in results]
    low, high = min(exponents), max(exponents)
    top = max(result[name] for result in results) * 1.15 or 1.0
    bottom, right = HEIGHT - 30, WIDTH - 20

    def place(exponent: float, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else (exponent - low) / (high - low)
        return MARGIN + 18 + share * (right - MARGIN - 36), bottom - value / top * (bottom - 34)

    points = [
        place(exponent, result[name]) for exponent, result in zip(exponents, results, strict=True)
    ]
    parts = [
        f'<text class="title" x="{MARGIN}" y="18">{title}, {measure}</text>',
        f'<path class="axis" fill="none" d="M{MARGIN} 30V{bottom}H{right}"/>',
        f'<path class="line" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>',
    ]
    for (x, y), result in zip(points, results, strict=True):
        value = result[name]
        label = f"{value:,.0f}" if value >= 20 else f"{value:.2g}"
        parts += [
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{label}</text>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{short(result['passages'])}</text>",
        ]
    return "".join(parts)


def short(number: float) -> str:
    """Return a number with k or M."""
    return f"{number / 1e6:g} M" if number >= 1e6 else f"{number / 1e3:g} k"


def measure(size: int, keep: Path | None) -> dict[str, float]:
    """Build, update and serve an index of this many passages."""
    root = Path(tempfile.mkdtemp(prefix=f"qa-scale-{size}-", dir=keep))
    try:
        built = measure_build(World(), size, root)
        # A process of its own, whose memory holds nothing of the build.
        served = subprocess.run(
            [sys.executable, __file__, "--serve", str(root / "index")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return {"passages": size} | built | json.loads(served.stdout)
    finally:
        if keep is None:
            shutil.rmtree(root)


def main() -> None:
    """Measure every size and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "scale.svg")
    parser.add_argument("--keep", type=Path, help="leave the indexes in this folder")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        print(json.dumps(serve(arguments.serve)))
        return
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    results = []
    for size in arguments.sizes:
        results.append(measure(size, arguments.keep))
        print(json.dumps(results[-1]), file=sys.stderr)
    arguments.results.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "results": results}
    (arguments.results / "scale.json").write_text(
        json.dumps(document, indent=2) + "\n", encoding="utf-8"
    )
    (arguments.results / "scale.md").write_text(markdown(results, machine), encoding="utf-8")
    arguments.picture.write_text(picture(results), encoding="utf-8")
    print(markdown(results, machine))


if __name__ == "__main__":
    main()
