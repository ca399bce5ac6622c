"""XQuAD as the benchmarks read it: the same paragraphs and questions in every language.

A folder of it holds `xquad.<language>.json` in SQuAD format.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question, the number of its paragraph and of its article, and its answer."""

    text: str
    paragraph: int
    article: int
    answer: str


@dataclass(frozen=True, slots=True)
class Language:
    """The paragraphs of one language, each with the number of its article, and the questions."""

    code: str
    paragraphs: tuple[str, ...]
    articles: tuple[int, ...]
    questions: tuple[KnownQuestion, ...]


def read_data(folder: Path, only: str, limit: int) -> Iterator[Language]:
    """Read the languages in order of their codes, the same questions of each."""
    files = {
        path.suffixes[0].removeprefix("."): path for path in sorted(folder.glob("xquad.*.json"))
    }
    codes = only.split(",") if only else list(files)
    missing = [f"xquad.{code}.json" for code in codes or ("<language>",) if code not in files]
    if missing:
        sys.exit(f"{folder} lacks {', '.join(missing)}. Name the folder that holds XQuAD's files.")
    for code, path in files.items():
        if code not in codes:
            continue
        paragraphs, articles, questions = [], [], []
        content = json.loads(path.read_text(encoding="utf-8"))
        for article, entry in enumerate(content["data"]):
            for paragraph in entry["paragraphs"]:
                questions += [
                    KnownQuestion(
                        item["question"], len(paragraphs), article, item["answers"][0]["text"]
                    )
                    for item in paragraph["qas"]
                ]
                paragraphs.append(paragraph["context"])
                articles.append(article)
        chosen = range(len(questions))
        if limit and limit < len(questions):
            chosen = sorted(random.Random(7).sample(chosen, limit))
        yield Language(
            code, tuple(paragraphs), tuple(articles), tuple(questions[number] for number in chosen)
        )


def read_languages(folder: Path, codes: str, paragraphs: int) -> list[Language]:
    """Read XQuAD; with `paragraphs`, only so many of each language, and the questions on them."""
    languages = list(read_data(folder, codes, 0))
    if not languages:
        sys.exit(f"{folder} holds no xquad.<language>.json of the languages wanted.")
    if not paragraphs:
        return languages
    return [
        replace(
            language,
            paragraphs=language.paragraphs[:paragraphs],
            articles=language.articles[:paragraphs],
            questions=tuple(item for item in language.questions if item.paragraph < paragraphs),
        )
        for language in languages
    ]


def questions_in_turn(languages: Sequence[Language]) -> list[str]:
    """Return every question, the languages taking turns."""
    # Question n stands at the same place in every language.
    aligned = zip(*(language.questions for language in languages), strict=True)
    return [question.text for same in aligned for question in same]


def strangers(languages: Sequence[Language], target: Language) -> list[Language]:
    """Return two languages to ask of a third one's paragraphs in; every language asks as often."""
    place = languages.index(target)
    others = [languages[(place + step) % len(languages)] for step in (1, 3)]
    return [language for language in others if language.code != target.code]


def write_articles(languages: Sequence[Language], folder: Path) -> None:
    """Write the paragraphs of these languages into a new folder, a file for each language."""
    folder.mkdir(parents=True)
    for language in languages:
        lines = [
            json.dumps(
                {
                    "id": f"{language.code}-{number}",
                    "text": text,
                    "title": "",
                    "language": language.code,
                    "source": f"{language.code}-{number}",
                },
                ensure_ascii=False,
            )
            for number, text in enumerate(language.paragraphs)
        ]
        (folder / f"{language.code}.jsonl").write_text("\n".join(lines), encoding="utf-8")
