"""Makes what the reader is trained on and judged by of a folder of questions.

    python -m training.reader.prepare QUESTIONS FOLDER [--held-out he,pl] [--sources NAME,…]

QUESTIONS holds `<name>.<language>.jsonl.gz`. FOLDER gets `corpus.npz`, the embedded model with the
tokens that occur (`base.safetensors`), its tokenizer and `report.json`: all that training needs.
The same questions give the same corpus.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from qa_service.config import load_settings
from qa_service.encoder.embedded import embedded_model_folder, shipped_adapter
from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from training.reader.base import write_base
from training.reader.building import CorpusBuilder
from training.reader.corpus import CORPUS, Corpus, write_corpus
from training.reader.records import Terms, read_records, read_terms
from training.reader.split import Part

REPORT = "report.json"
VALIDATION_SHARE = 0.04
HELD_OUT = "he,pl"


def main() -> int:
    """Read, tokenise, look for negatives, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held-out", default=HELD_OUT, help="languages never trained on")
    parser.add_argument("--sources", default="", help="all by default")
    parser.add_argument("--most", type=int, default=0, help="records of each file, for a trial")
    arguments = parser.parse_args()
    prepare(
        arguments.questions,
        arguments.folder,
        held_out=tuple(filter(None, arguments.held_out.split(","))),
        sources=tuple(filter(None, arguments.sources.split(","))),
        most=arguments.most,
    )
    return 0


def prepare(
    questions: Path,
    folder: Path,
    held_out: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    most: int = 0,
    model: Path | None = None,
) -> None:
    """Write all that training needs to a folder.

    Args:
        questions: holds `<name>.<language>.jsonl.gz`.
        folder: where everything goes; made if need be.
        held_out: languages never trained on.
        sources: names to take; all where there are none.
        most: records of each file; 0 for all.
        model: an unpacked embedded model; unpacked with its adapter if not given.
    """
    if model is None:
        model = embedded_model_folder(load_settings().cache, adapter=shipped_adapter())
    folder.mkdir(parents=True, exist_ok=True)
    builder = CorpusBuilder(model / UNIGRAM_MODEL, VALIDATION_SHARE, held_out)
    seen: dict[tuple[str, str, str], int] = {}
    for record in read_records(questions, sources):
        file = (record.source, record.asker, record.language)
        seen[file] = seen.get(file, 0) + 1
        if not most or seen[file] <= most:
            builder.add(record)
    corpus = builder.build(on_progress=lambda line: print(line, flush=True))
    write_corpus(folder / CORPUS, corpus)
    write_base(folder, model, corpus.vocabulary)
    shutil.copyfile(model / UNIGRAM_MODEL, folder / UNIGRAM_MODEL)
    content = {
        "held_out": held_out,
        "validation_share": VALIDATION_SHARE,
        "sources": report(corpus, read_terms(questions)),
    }
    (folder / REPORT).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def report(corpus: Corpus, terms: dict[str, Terms]) -> dict[str, dict[str, object]]:
    """Return, by source, its licence and how many questions it has by part and language."""
    found: dict[str, dict[str, object]] = {}
    lengths = corpus.spans.lengths()
    for number, source in enumerate(corpus.names["sources"]):
        counts: dict[str, dict[str, list[int]]] = {}
        for question in (corpus.sources == number).nonzero()[0].tolist():
            part = Part(int(corpus.parts[question])).name.lower()
            count = counts.setdefault(part, {}).setdefault(corpus.pair(question), [0, 0])
            count[0] += 1
            count[1] += int(lengths[question] == 0)
        about = terms.get(source)
        found[source] = {
            "licence": about.licence if about else "not stated",
            "origin": about.origin if about else "not stated",
            "questions, unanswerable": counts,
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
