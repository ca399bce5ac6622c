"""What stands first where the right paragraph does not: questions in the articles' language, XQuAD.

    python -m benchmarks.trials.misses --data FOLDER [--questions N]

Every paragraph is an article, indexed and searched as by `quality.py`. A question is missed when
another paragraph than the one it was written for comes first; this tells how often that one holds
the same answer, word for word, or stands in the same article, and how many questions are missed in
several languages at once, so hardly for the sake of a language. Writes `results/misses.json` and
`.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import article_of, build
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.xquad import Language, read_data

MEASURED = ("text.terms", "chunker", "encoder", "indexes", "retrieval")


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose paragraph did not come first. `rank`: 0 when it was not found at all."""

    language: str
    number: int
    rank: int
    holds_answer: bool
    is_same_article: bool


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=0, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    misses: list[Miss] = []
    for language in languages:
        found = list(misses_of(language))
        print(language.code, len(found), flush=True)
        misses += found
    asked = len(languages[0].questions)
    parts = shares(misses)
    in_languages = Counter(Counter(miss.number for miss in misses).values())
    results = {
        "questions_per_language": asked,
        "missed": {
            language.code: sum(miss.language == language.code for miss in misses) / asked
            for language in languages
        },
        "of_those": parts,
        "questions_missed_in_so_many_languages": dict(sorted(in_languages.items())),
    }
    lines = [
        "# Misses",
        "",
        "Made by `benchmarks/trials/misses.py`, which says at its top what is measured; "
        f"XQuAD, CC BY-SA 4.0. {asked} questions a language, {len(languages)} languages, each "
        f"asked of its own paragraphs: {len(misses)} of {asked * len(languages)} questions missed "
        f"({100 * len(misses) / (asked * len(languages)):.1f} %).",
        "",
        "| of the misses | share |",
        "|---|---:|",
        *(f"| {name} | {100 * share:.0f} % |" for name, share in parts.items()),
        "",
        "| missed in so many languages | questions |",
        "|---:|---:|",
        *(f"| {count} | {number} |" for count, number in sorted(in_languages.items())),
    ]
    write_results(RESULTS, "misses", results, "\n".join([*lines, ""]), origin)
    return 0


def misses_of(language: Language) -> Iterator[Miss]:
    """Ask a language's questions of its own paragraphs."""
    with tempfile.TemporaryDirectory() as folder:
        service = build([language], Path(folder))
        for number, question in enumerate(language.questions):
            ranked = service.retrieve(question.text).ranked
            found = dict.fromkeys(article_of(service, [passage.key for passage in ranked]))
            paragraphs = [int(article.rpartition("-")[2]) for article in found]
            if paragraphs[:1] == [question.paragraph]:
                continue
            is_found = question.paragraph in paragraphs
            first = paragraphs[0] if paragraphs else -1
            yield Miss(
                language=language.code,
                number=number,
                rank=paragraphs.index(question.paragraph) + 1 if is_found else 0,
                holds_answer=first >= 0 and question.answer in language.paragraphs[first],
                is_same_article=first >= 0 and language.articles[first] == question.article,
            )
        service.close()


def shares(misses: list[Miss]) -> dict[str, float]:
    """Return which share of the misses is of which kind."""
    number = max(len(misses), 1)
    return {
        "the right paragraph stands second": sum(miss.rank == 2 for miss in misses) / number,
        "it is among the first five": sum(1 < miss.rank <= 5 for miss in misses) / number,
        "the first holds the same answer": sum(miss.holds_answer for miss in misses) / number,
        "the first is of the same article": sum(miss.is_same_article for miss in misses) / number,
    }


if __name__ == "__main__":
    sys.exit(main())
