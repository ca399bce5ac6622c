"""Writes the articles of a large folder: XQuAD's paragraphs among help pages in many languages.

    python -m training.adapter.prepare TEXTS --sources libreoffice-help,gnome-help,…
    python -m benchmarks.large_articles --data FOLDER --texts TEXTS --passages 100000 ARTICLES
    qa-service index --index LARGE ARTICLES

`docs/performance.md` has the commands in full. Every page that `prepare` fetched, in each of its
languages, is an article, and so is every paragraph of XQuAD. Pages come in an order that looks like
chance and is the same every time, until there are as many passages as asked for. LARGE is what
`--large` of the other benchmarks takes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.measuring.xquad import read_data
from qa_service.chunker import stream_passages
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.text.language import detect_language
from qa_service.types import Article
from training.adapter.documents import CorpusFile, Document, Kind
from training.adapter.prepare import CORPUS

Record = Mapping[str, str]


def main() -> int:
    """Write articles until there are passages enough."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("articles", type=Path, help="the folder to write; must not be there yet")
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--texts", type=Path, required=True, help="what prepare was given")
    parser.add_argument("--passages", type=int, default=100_000)
    arguments = parser.parse_args()
    if arguments.articles.exists():
        parser.error(f"{arguments.articles} is there already. Name a folder that is not.")
    if not (arguments.texts / CORPUS).exists():
        parser.error(f"{arguments.texts} has no {CORPUS}. `prepare` writes it, see above.")
    records = itertools.chain([*paragraphs(arguments.data)], pages(arguments.texts / CORPUS))
    encoder = load_encoder(load_settings())
    arguments.articles.mkdir(parents=True)
    passages = articles = 0
    with (arguments.articles / "articles.jsonl").open("w", encoding="utf-8") as file:
        for record in records:
            article = Article(
                id=record["id"],
                title=record["title"],
                text=record["text"],
                language=record["language"],
            )
            passages += sum(
                1 for _ in stream_passages(article, encoder.count_tokens, detect_language)
            )
            articles += 1
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            if passages >= arguments.passages:
                break
    print(f"{articles:,} articles of {passages:,} passages in {arguments.articles}")
    return 0


def paragraphs(data: Path) -> Iterator[Record]:
    """Yield XQuAD's paragraphs in all its languages."""
    for language in read_data(data, "", 0):
        for number, text in enumerate(language.paragraphs):
            name = f"xquad-{language.code}-{number}"
            yield {"id": name, "title": "", "text": text, "language": language.code}


def pages(corpus: Path) -> Iterator[Record]:
    """Yield every page in each of its languages, all of them mixed."""
    documents = CorpusFile(corpus)
    versions = [
        (number, language)
        for number, entry in enumerate(documents.entries)
        for language in entry.sizes
    ]
    versions.sort(key=lambda version: hashlib.sha256(f"{version}".encode()).digest())
    for number, language in versions:
        document = documents.read(number)
        yield {
            "id": f"{document.source}-{document.name}-{language}",
            "title": title_of(document, language),
            "text": text_of(document, language),
            "language": language,
        }


def title_of(document: Document, language: str) -> str:
    """Return the page's title in a language; nothing when it has none there."""
    titles = (unit.texts.get(language) for unit in document.units if unit.kind is Kind.TITLE)
    return next(filter(None, titles), "")


def text_of(document: Document, language: str) -> str:
    """Return headings and paragraphs of the page in a language."""
    units = (unit.texts.get(language) for unit in document.units if unit.kind is not Kind.TITLE)
    return "\n\n".join(filter(None, units))


if __name__ == "__main__":
    sys.exit(main())
