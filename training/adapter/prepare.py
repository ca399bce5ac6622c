"""Fetches all texts, aligns and cleans them, and writes the corpus to train on.

    python -m training.adapter.prepare FOLDER [--sources NAME,…] [--processes N]

FOLDER gets the unpacked packages (about 2 GB) and `corpus.jsonl`, with a report of what it holds.
What is fetched already is not fetched again. The same packages give the same corpus.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from training.adapter.cleaning import clean_documents
from training.adapter.documents import Document, Entry, write_corpus
from training.adapter.languages import PIVOT
from training.adapter.packages import fetch
from training.adapter.sources import PAGES, SOURCES
from training.adapter.split import divide

CORPUS, REPORT = "corpus.jsonl", "corpus.report.json"
VALIDATION_SHARE = 0.05
_PAGES_AT_ONCE = 16


def main() -> int:
    """Fetch, read, clean, divide, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sources", default=",".join(SOURCES), help="all by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    names = arguments.sources.split(",")
    unknown = sorted(set(names) - SOURCES.keys())
    if unknown:
        parser.error(f"no such source: {', '.join(unknown)}; there are {', '.join(SOURCES)}")
    versions = fetch(arguments.folder, [SOURCES[name].packages for name in names])
    documents = read_sources(arguments.folder, names, arguments.processes)
    entries = write_corpus(
        arguments.folder / CORPUS,
        divide(clean_documents(documents, PIVOT), PIVOT, VALIDATION_SHARE),
    )
    found = report(entries)
    content = {"packages": versions, "validation_share": VALIDATION_SHARE, "sources": found}
    path = arguments.folder / REPORT
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, counts in found.items():
        print(name, json.dumps(counts, ensure_ascii=False))
    return 0


def read_sources(folder: Path, names: Sequence[str], processes: int) -> Iterator[Document]:
    """Yield the documents of each source in turn, as they are in the packages."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        for name in names:
            read = SOURCES[name].read
            if read is not None:
                yield from read(folder)
                continue
            found = PAGES[name].find(folder)
            print(f"{name}: {len(found)} pages", flush=True)
            tasks = ((name, page, paths) for page, paths in found.items())
            yield from pool.map(_read_page, tasks, chunksize=_PAGES_AT_ONCE)


def _read_page(task: tuple[str, str, dict[str, Path]]) -> Document:
    name, page, paths = task
    return PAGES[name].read(page, paths)


def report(entries: Sequence[Entry]) -> dict[str, dict[str, object]]:
    """Return, by source and part, how many documents there are and paragraphs by language."""
    documents: Counter[tuple[str, str]] = Counter()
    paragraphs: dict[tuple[str, str], Counter[str]] = {}
    for entry in entries:
        key = (entry.source, entry.part.value)
        documents[key] += 1
        paragraphs.setdefault(key, Counter()).update(entry.sizes)
    return {
        f"{source} ({part})": {
            "documents": count,
            "paragraphs": dict(sorted(paragraphs[source, part].items())),
        }
        for (source, part), count in sorted(documents.items())
    }


if __name__ == "__main__":
    sys.exit(main())
