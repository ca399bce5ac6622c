"""The product over texts of XQuAD: an index of them, and what it finds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.measuring.xquad import Language, write_articles
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder
from qa_service.service import Service
from qa_service.store import Generation


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Run so many processes, each of which does one thing at a time."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        yield pool


def build(languages: Sequence[Language], folder: Path) -> Service:
    """Index the paragraphs of these languages; an article's id is `language-number`."""
    articles = folder / "articles"
    write_articles(languages, articles)
    service = open_service(folder)
    report = service.index([articles])
    if report.articles + len(report.duplicates) != sum(len(item.paragraphs) for item in languages):
        sys.exit(f"only {report.articles} articles were indexed")
    return service


def open_service(folder: Path) -> Service:
    """Return a service over what `build` put into a folder."""
    return Service(load_settings(index=folder / "index", articles=folder / "articles", threads=1))


def build_index(languages: Sequence[Language], folder: Path) -> int:
    """Index the paragraphs into `folder/index` in a process of its own; return how many passages.

    A model in this process would take memory and wake threads while the server is measured.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_build, languages, folder).result()


def _build(languages: Sequence[Language], folder: Path) -> int:
    service = build(languages, folder)
    try:
        return service.status().passages
    finally:
        service.close()


@cache
def encoder() -> Encoder:
    """Return the encoder by itself, for what the product does not do."""
    return load_encoder(load_settings(threads=1))


def article_of(service: Service, keys: Sequence[int]) -> list[str]:
    """Return the article of each passage."""
    articles = articles_by_key(service.generation)
    return [articles[key] for key in keys]


@cache
def articles_by_key(generation: Generation) -> dict[int, str]:
    """Return the article of every passage."""
    keys = generation.keys.tolist()
    passages = generation.passages(keys)
    return {key: passage.article_id for key, passage in zip(keys, passages, strict=True)}
