"""Where the time of an index run and of a question goes, by py-spy's samples.

    pip install py-spy
    python -m benchmarks.trials.profiling --data FOLDER [--large INDEX] [--seconds N]

FOLDER holds XQuAD, whose paragraphs in eight languages are indexed from nothing, start-up included;
then one client asks its questions for N seconds, of that index and of INDEX if one is named. The
main thread is sampled, at work or waiting, so shares are of the time that passes. A sample belongs
to the part of the product that its innermost known frame is in. HTTP is left out: `speed.py` tells
what it adds. Writes `results/profile.json` and `.md`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.served import COMMAND
from benchmarks.measuring.xquad import questions_in_turn, read_languages, write_articles
from qa_service.config import load_settings
from qa_service.service import Service
from qa_service.types import Question

LANGUAGES = "ar,de,en,es,hi,ru,tr,zh"
SAMPLES_PER_S = 200
MEASURED = (
    *("text", "corpus", "chunker", "encoder", "indexes", "indexer", "store", "retrieval", "answer"),
)

# Parts, with what a frame's description contains that belongs to them; the first one that fits.
PARTS: Mapping[str, Sequence[str]] = {
    "the model": (
        "qa_service/encoder/openvino_runtime.py",
        "qa_service/encoder/micro_batches.py",
        # An index run waits there for passages that another thread has embedded.
        "Embedder._made",
    ),
    "tokens of texts": ("qa_service/encoder/",),
    "token vectors: codes, late interaction": (
        "qa_service/indexes/codec.py",
        "EmbeddingFiles.tokens",
        "qa_service/indexes/rows.py",
        "qa_service/retrieval/late_interaction.py",
        "qa_service/indexer/token_statistics.py",
    ),
    "passage vectors": (
        "qa_service/indexes/vector.py",
        "EmbeddingFiles.vectors",
        "qa_service/retrieval/centering.py",
    ),
    "terms": ("qa_service/text/terms.py", "qa_service/indexes/lexical.py", "tantivy"),
    "language of texts": ("qa_service/text/language.py", "py3langid"),
    "reading and cutting files": (
        "qa_service/corpus/",
        "qa_service/chunker.py",
        "qa_service/text/sentences.py",
        "qa_service/text/scripts.py",
    ),
    "articles and passages: database, files": ("qa_service/store/",),
    "choosing and citing": (
        "qa_service/answer/selection.py",
        "qa_service/answer/quoting.py",
        "qa_service/answer/answerability.py",
        "qa_service/answer/answerer.py",
    ),
}
REST = "the rest"
MAIN_THREAD = "MainThread"
# Whatever happens below one of these.
START_UP = "start-up: imports, loading"
MARKS_OF_START_UP = (
    "<frozen importlib",
    "qa_service/encoder/loading.py",
    "load_language_model",
    "load_splitter",
    "Assembly._load_encoder",
    "OpenVinoRuntime.__init__",
)


def main() -> None:
    """Profile, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="XQuAD's files")
    parser.add_argument("--large", type=Path, help="an index that is there already")
    parser.add_argument("--seconds", type=float, default=20, help="how long questions are asked")
    parser.add_argument(
        "--ask", type=Path, help="only ask questions of this index; what is profiled"
    )
    arguments = parser.parse_args()
    languages = read_languages(arguments.data, LANGUAGES, 0)
    if arguments.ask:
        ask(arguments.ask, questions_in_turn(languages), arguments.seconds)
        return
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=Path(sys.executable).parent)
    if spy is None:
        sys.exit("py-spy is not installed. Run: pip install py-spy")
    origin = Origin.now(MEASURED)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_articles(languages, work / "articles")
        index = work / "index"
        run = [COMMAND, "index", "--rebuild", "--index", index, work / "articles"]
        shares = {"an index run": shares_of(record(spy, run, work))}
        passages = sum(len(language.paragraphs) for language in languages)
        for title, asked in (("a question", index), ("a question, large index", arguments.large)):
            if asked:
                own = [
                    sys.executable,
                    "-m",
                    "benchmarks.trials.profiling",
                    "--data",
                    arguments.data,
                    "--ask",
                    asked,
                ]
                samples = record(spy, [*own, "--seconds", arguments.seconds], work)
                shares[title] = shares_of(samples, within="Service.ask ")
    results = {"paragraphs_indexed": passages, "shares": shares}
    page = to_markdown(shares, passages)
    print(page)
    write_results(RESULTS, "profile", results, page, origin)


def ask(index: Path, questions: Sequence[str], seconds: float) -> None:
    """Ask one question after another until the time is over."""
    service = Service(load_settings(index=index))
    service.warm_up()
    ends = time.monotonic() + seconds
    for question in questions * 100:
        service.ask(Question(question))
        if time.monotonic() > ends:
            break
    service.close()


def record(spy: str, command: Sequence[object], work: Path) -> Mapping[str, int]:
    """Run a command under py-spy; return how often each stack of its main thread was seen."""
    path = work / "samples"
    options = ["--idle", "--threads", "--native", "--rate", str(SAMPLES_PER_S)]
    options += ["--format", "raw", "--output", str(path)]
    done = subprocess.run(
        [spy, "record", *options, "--", *map(str, command)], capture_output=True, text=True
    )
    if done.returncode or not path.exists():
        sys.exit(f"{' '.join(map(str, command))} could not be profiled:\n{done.stderr}")
    stacks: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        if MAIN_THREAD in stack.partition(";")[0]:
            stacks[stack] += int(count)
    path.unlink()
    return stacks


def shares_of(samples: Mapping[str, int], within: str = "") -> dict[str, float]:
    """Return each part's share of the samples of stacks that hold `within`, the largest first."""
    counts: Counter[str] = Counter()
    for stack, count in samples.items():
        if within in stack:
            counts[_part_of(stack)] += count
    return {part: count / counts.total() for part, count in counts.most_common()}


def _part_of(stack: str) -> str:
    if any(mark in stack for mark in MARKS_OF_START_UP):
        return START_UP
    for frame in reversed(stack.split(";")):
        for part, marks in PARTS.items():
            if any(mark in frame for mark in marks):
                return part
    return REST


def to_markdown(shares: Mapping[str, Mapping[str, float]], passages: int) -> str:
    """Return the page for people."""
    lines = [
        "# Profile",
        "",
        "Made by `benchmarks/trials/profiling.py`: shares of the time that passes, by py-spy's "
        "samples; texts from XQuAD, CC BY-SA 4.0.",
        "",
        f"{passages:,} paragraphs indexed.",
        "",
        f"| | {' | '.join(shares)} |",
        f"|---|{'---:|' * len(shares)}",
    ]
    parts = dict.fromkeys(part for found in shares.values() for part in found)
    for part in sorted(
        parts, key=lambda name: (name == REST, -max(f.get(name, 0) for f in shares.values()))
    ):
        cells = [f"{found.get(part, 0):.1%}" for found in shares.values()]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
