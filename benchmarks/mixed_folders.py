"""Whether small folders in many languages bury passages that answer in another one, on XQuAD.

    python -m benchmarks.mixed_folders --data FOLDER [--folders N]

A folder is drawn at random for each question: the paragraph that answers it, in the question's
language or in another one, and others, half of them in the question's language, the rest in any.
Late interaction ranks them as an index stores them, once with what is taken off for languages in
common and once without. Writes `results/mixed_folders.json` and `.md`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import Embedded, batch_of, codes_of, embed
from benchmarks.measuring.xquad import read_data
from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.indexes.codec import ProductCodec
from qa_service.indexes.token_means import TokenMeans
from qa_service.retrieval.late_interaction import MaxSimScorer

MEASURED = ("encoder", "indexes.codec", "retrieval.late_interaction", "retrieval.retriever")
SIZES = (5, 12, 50)
IN_QUESTIONS_LANGUAGE = 0.5
# XQuAD has five paragraphs of an article in a row; those of the same one might answer as well.
APART = 5
SEED = 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question and a folder; the paragraph that answers comes first.

    `folder` names paragraphs by language and number.
    """

    asked_in: str
    number: int
    folder: tuple[tuple[str, int], ...]


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folders", type=int, default=1000, help="of each size and kind")
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    arguments = parser.parse_args()
    origin = Origin.now(MEASURED)
    encoder = load_encoder(load_settings())
    languages = {
        language.code: embed(encoder, language)
        for language in read_data(arguments.data, arguments.languages, arguments.questions)
    }
    ranker = Ranker(languages)
    rows: dict[str, dict[str, float]] = {}
    for size in SIZES:
        for kind, is_foreign in (("another language", True), ("the same language", False)):
            draws = list(draw(languages, size, is_foreign, arguments.folders))
            rows[f"{size} passages, the answer in {kind}"] = {
                name: statistics.fmean(ranker.finds(one, is_fair=is_fair) for one in draws)
                for name, is_fair in (("as is", False), ("languages taken off", True))
            }
            print(size, kind, rows[f"{size} passages, the answer in {kind}"], flush=True)
    results = {
        "languages": list(languages),
        "folders_of_each_kind": arguments.folders,
        "R@1": rows,
    }
    lines = [
        "# Small folders in many languages",
        "",
        "Made by `benchmarks/mixed_folders.py`; XQuAD, CC BY-SA 4.0. Recall@1 of late interaction, "
        f"{arguments.folders} folders of each kind, languages: {' '.join(languages)}.",
        "",
        "| folder | as is | languages in common taken off |",
        "|---|---:|---:|",
        *(
            f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in row.values())} |"
            for name, row in rows.items()
        ),
    ]
    write_results(RESULTS, "mixed_folders", results, "\n".join([*lines, ""]), origin)
    return 0


def draw(
    languages: Mapping[str, Embedded], size: int, is_foreign: bool, count: int
) -> Sequence[Drawn]:
    """Return questions with folders, always the same ones."""
    rng = random.Random(f"{SEED} {size} {is_foreign}")
    names = list(languages)
    drawn = []
    for _ in range(count):
        asked_in, other = rng.sample(names, 2)
        questions = languages[asked_in].language.questions
        number = rng.randrange(len(questions))
        answering = questions[number].paragraph
        folder = [(other if is_foreign else asked_in, answering)]
        while len(folder) < size:
            is_own = rng.random() < IN_QUESTIONS_LANGUAGE
            language = asked_in if is_own else rng.choice(names)
            place = rng.randrange(len(languages[language].language.paragraphs))
            if abs(place - answering) >= APART:
                folder.append((language, place))
        drawn.append(Drawn(asked_in, number, tuple(folder)))
    return drawn


class Ranker:
    """Ranks the paragraphs of a folder."""

    def __init__(self, languages: Mapping[str, Embedded]) -> None:
        known = embedded_model_statistics().tokens
        codec = ProductCodec(known)
        self._languages = languages
        self._offsets = known.offsets
        self._scorer = MaxSimScorer(codec)
        # So few tokens tell nothing of their own mean.
        self._means = TokenMeans(np.zeros_like(known.mean), {})
        self._codes = {code: codes_of(codec, each.passages) for code, each in languages.items()}

    def finds(self, drawn: Drawn, *, is_fair: bool) -> bool:
        """Tell whether the paragraph that answers comes first."""
        vectors = [
            self._languages[language].passages.vectors[place] for language, place in drawn.folder
        ]
        common = self._means.languages_in_common(
            drawn.asked_in, [language for language, _ in drawn.folder], self._offsets
        )
        question = self._languages[drawn.asked_in].questions.tokens[drawn.number]
        late = self._scorer.score(
            self._scorer.prepare(question, self._means.corpus),
            batch_of([self._codes[language][place] for language, place in drawn.folder]),
            np.stack(vectors),
            common if is_fair else None,
        )
        return int(late.idf_max_sim.argmax()) == 0


if __name__ == "__main__":
    sys.exit(main())
