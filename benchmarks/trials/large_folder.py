"""Which candidates and tokens a large folder needs: XQuAD asked of an index that holds much else.

    python -m benchmarks.trials.large_folder --data FOLDER --large INDEX [--questions N]

INDEX holds XQuAD's paragraphs, each an article, among many others in many languages. Every question
goes through the product's own search, with fewer and more candidates for late interaction, with and
without those that are there for their terms alone, and with every token of the question compared,
those too that are otherwise left over. A question counts as found in any language
when the paragraph that answers comes first in whatever language, in its own when it is the first of
that language's passages, in others when it is the first of theirs.
Writes `results/large_folder.json` and `.md`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.xquad import KnownQuestion, Language, read_data
from qa_service.config import load_settings
from qa_service.encoder.protocol import TokenVectors
from qa_service.retrieval import fusion, retriever
from qa_service.retrieval.late_interaction import MaxSimScorer
from qa_service.retrieval.retriever import Retrieval
from qa_service.service import Service

MEASURED = ("text.terms", "encoder", "indexes", "retrieval")
COLUMNS = {
    "any language, R@1": "any",
    "its own, R@1": "own",
    "its own, among the candidates": "own_seen",
    "others, R@1": "others",
    "mean average precision": "precision",
    "search and rerank, p50, ms": "ms",
}

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """How many are candidates, those among them for their terms alone, and tokens compared."""

    candidates: int
    for_terms: int
    compares_all: bool = False

    def __str__(self) -> str:
        """Name it as a row of the results."""
        name = f"{self.candidates}, {self.for_terms} of them for their terms"
        return f"{name}, every token compared" if self.compares_all else name

    def apply(self) -> None:
        """Have the product search so."""
        retriever.TO_RERANK, fusion.LEXICAL_KEPT = self.candidates, self.for_terms
        MaxSimScorer.compared = every_token if self.compares_all else COMPARED  # type: ignore[method-assign]


def every_token(_: MaxSimScorer, tokens: TokenVectors) -> TokenVectors:
    """Leave nothing out."""
    return tokens


COMPARED = MaxSimScorer.compared
SETTINGS = (
    Setting(100, 0),
    Setting(100, 5),
    Setting(100, 5, compares_all=True),
    Setting(80, 5),
    Setting(64, 5),
    Setting(48, 5),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a passage is from; `paragraph` is the number of its article in XQuAD, if any."""

    article: str
    language: str
    paragraph: int | None


def main() -> int:
    """Ask with every setting and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of xquad.*.json")
    parser.add_argument("--large", type=Path, required=True, help="the index folder to ask")
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED)
    service = Service(load_settings(index=arguments.large))
    sources = sources_by_key(service, languages)
    missing = [language.code for language in languages if not holds(sources, language)]
    if missing:
        parser.error(
            f"{arguments.large} lacks XQuAD's paragraphs in {', '.join(missing)}; index them as "
            "articles of their own"
        )
    service.warm_up()
    rows: dict[str, Scores] = {}
    found: dict[Setting, list[Scores]] = {setting: [] for setting in SETTINGS}
    for language in languages:
        for number, question in enumerate(language.questions):
            # Whoever asks first brings the passages into memory for the rest, so they take turns.
            first = number % len(SETTINGS)
            for setting in SETTINGS[first:] + SETTINGS[:first]:
                setting.apply()
                found[setting].append(
                    ask(service, language.code, question, len(languages), sources)
                )
        print(language.code, flush=True)
    for setting, asked in found.items():
        row = {name: 100 * statistics.fmean(one[name] for one in asked) for name in asked[0]}
        row["ms"] = statistics.median(one["ms"] for one in asked)
        rows[str(setting)] = row
    passages = service.status().passages
    questions = sum(len(language.questions) for language in languages)
    results = {"passages": passages, "questions": questions, "candidates": rows}
    write_results(RESULTS, "large_folder", results, to_markdown(passages, questions, rows), origin)
    return 0


def sources_by_key(service: Service, languages: Sequence[Language]) -> Mapping[int, Source]:
    """Return the source of every passage; one of XQuAD is known by how it begins."""
    generation = service.generation
    keys = generation.keys.tolist()
    paragraphs = {
        beginning(text): (language.code, number)
        for language in languages
        for number, text in enumerate(language.paragraphs)
    }
    known: dict[str, Source] = {}
    sources: dict[int, Source] = {}
    spoken = generation.languages_of(generation.keys)
    for key, passage, code in zip(keys, generation.passages(keys), spoken, strict=True):
        if passage.article_id not in known:
            text = beginning(generation.article(passage.article_id).text)
            known[passage.article_id] = Source(
                passage.article_id, *paragraphs.get(text, (code, None))
            )
        sources[key] = known[passage.article_id]
    return sources


def beginning(text: str) -> str:
    """Return the first words of a text, by which it is known however it was cleaned."""
    return " ".join(text.split())[:60]


def holds(sources: Mapping[int, Source], language: Language) -> bool:
    """Tell whether most of a language's paragraphs are there; repeated ones are there once."""
    there = {
        source.paragraph
        for source in sources.values()
        if source.language == language.code and source.paragraph is not None
    }
    return len(there) >= 0.9 * len(language.paragraphs)


def ask(
    service: Service,
    asked_in: str,
    question: KnownQuestion,
    versions: int,
    sources: Mapping[int, Source],
) -> Scores:
    """Ask one question; returns how each way of finding the paragraph that answers went.

    `versions` is in how many languages that paragraph is there.
    """
    started = time.perf_counter()
    retrieval: Retrieval = service.retrieve(question.text)
    elapsed_ms = (time.perf_counter() - started) * 1000
    ranked = list(dict.fromkeys(sources[item.key] for item in retrieval.ranked))
    own = [source for source in ranked if source.language == asked_in]
    others = [source for source in ranked if source.language != asked_in]
    ranks = [rank for rank, one in enumerate(ranked, 1) if one.paragraph == question.paragraph]
    precisions = [count / rank for count, rank in enumerate(ranks, 1)]
    return {
        "any": is_first(ranked, question),
        "own": is_first(own, question),
        "own_seen": float(any(one.paragraph == question.paragraph for one in own)),
        "others": is_first(others, question),
        "precision": sum(precisions) / versions,
        "ms": elapsed_ms,
    }


def is_first(ranked: Sequence[Source], question: KnownQuestion) -> float:
    """Return 1 when the paragraph that answers comes first, else 0."""
    return float(bool(ranked) and ranked[0].paragraph == question.paragraph)


def to_markdown(passages: int, questions: int, rows: Mapping[str, Scores]) -> str:
    """Return the page for people."""
    lines = [
        "# Candidates and tokens in a large folder",
        "",
        "Made by `benchmarks/trials/large_folder.py`, which says at its top what is measured; "
        f"XQuAD, CC BY-SA 4.0. {passages:,} passages, {questions:,} questions in all languages.",
        "",
        f"| candidates | {' | '.join(COLUMNS)} |",
        f"|---|{'---:|' * len(COLUMNS)}",
        *(
            f"| {name} | {' | '.join(f'{row[column]:.1f}' for column in COLUMNS.values())} |"
            for name, row in rows.items()
        ),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
