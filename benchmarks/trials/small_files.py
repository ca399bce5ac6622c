"""How fast a folder of small files is read and stored, beside another version of qa-service.

    python benchmarks/trials/small_files.py --files 10000 [--against CHECKOUT] [--pairs 5]

Writes that many articles, half of them `.txt` and half `.md`, of some hundred words in Arabic,
Chinese, English, Hindi, Russian and Thai, and times the reading stage of an index run: reading,
cleaning, cutting into passages and storing them. Nothing is embedded, and passages are counted in
words. With CHECKOUT, a folder of another version's sources, both run in turns, each in a process of
its own, and the medians are compared. Prints the result; nothing is kept.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENTENCES = (
    "افتتح الرئيس أمس الجسر الجديد فوق النهر، بعد أربع سنوات من العمل المتواصل",
    "运河全长八十二公里，共有四座船闸，每年通过的船只超过一万艘",
    "The canal was opened in 1911 and is eighty-two kilometres long from lock to lock",
    "नदी पहाड़ों से निकलती है और मैदान में बहती है",
    "Мост построили в 1936 году, и он соединяет два берега широкой реки",
    "ตลาดน้ำเปิดทุกวันเสาร์และอาทิตย์ตั้งแต่เช้าจนถึงเย็น",
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--against", type=Path, help="a folder of another version's sources")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once is not None:
        print(time_to_read(arguments.once))
        return 0
    versions = [ROOT, *([arguments.against.absolute()] if arguments.against else [])]
    times: dict[Path, list[float]] = {version: [] for version in versions}
    with tempfile.TemporaryDirectory() as folder:
        articles = Path(folder) / "articles"
        write_articles(articles, arguments.files)
        for pair in range(arguments.pairs):
            # Whoever is first finds the machine otherwise than whoever is second.
            for version in versions if pair % 2 else versions[::-1]:
                times[version].append(run_alone(version, articles))
    for version, measured in times.items():
        median = statistics.median(measured)
        each = ", ".join(f"{one:.1f}" for one in measured)
        print(f"{version}: {median:.1f} s, {arguments.files / median:.0f} files/s ({each})")
    if len(versions) == 2:
        ratios = [ours / theirs for ours, theirs in zip(*times.values(), strict=True)]
        print(f"time beside the other's, median of pairs: {statistics.median(ratios):.2f}")
    return 0


def write_articles(folder: Path, count: int) -> None:
    """Write articles, the same every time."""
    chance = random.Random(7)
    for number in range(count):
        place = folder / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        stop, *own = chance.choice(["。", ". ", ". "]), *chance.sample(SENTENCES, 2)
        lines = [
            stop.join(f"{chance.choice(own)} {chance.getrandbits(30)}" for _ in range(4))
            for _ in range(4)
        ]
        body = "\n\n".join(lines)
        if number % 2:
            (place / f"{number}.txt").write_text(f"{own[0]}\n\n{body}\n", encoding="utf-8")
        else:
            (place / f"{number}.md").write_text(f"# {own[0]}\n\n{body}\n", encoding="utf-8")


def run_alone(version: Path, articles: Path) -> float:
    """Time a version in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--once", str(articles)],
        env={**os.environ, "PYTHONPATH": str(version)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout)


def time_to_read(articles: Path) -> float:
    """Return how long the reading stage of a first run takes, in seconds."""
    sys.path.append(str(ROOT / "tests"))
    # Of the version that PYTHONPATH names; the parts beside the readers are the same stand-ins.
    from index_parts import make_parts, make_store

    from qa_service.chunker import stream_passages
    from qa_service.corpus.reading import ArticleLoader
    from qa_service.indexer import Indexer
    from qa_service.text.language import detect_language, load_language_model
    from qa_service.types import Progress, Stage

    class AllReadError(Exception):
        """All files are read."""

    def count_words(texts: Sequence[str]) -> list[int]:
        return [max(1, len(text) // 4) for text in texts]

    def on_progress(progress: Progress) -> None:
        if progress.stage is Stage.EMBEDDING:
            raise AllReadError

    # Loaded with the model before any run.
    load_language_model()
    with tempfile.TemporaryDirectory() as index, ArticleLoader() as reader:
        parts = make_parts(loader=reader)  # type: ignore[arg-type]
        parts = type(parts)(
            **{name: getattr(parts, name) for name in parts.__slots__}
            | {"chunker": lambda a: stream_passages(a, count_words, detect_language)}
        )
        started = time.monotonic()
        try:
            Indexer(make_store(Path(index)), parts).run([articles], on_progress=on_progress)
        except AllReadError:
            return time.monotonic() - started
    raise RuntimeError("the run ended before it had read all files")


if __name__ == "__main__":
    sys.exit(main())
