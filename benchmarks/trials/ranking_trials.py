"""Other ways to rank passages than the product's, beside it, on XQuAD.

    python -m benchmarks.trials.ranking_trials --data FOLDER [--questions N] [--languages CODES]

The first table goes through the product's own search: what it compared for every candidate is put
together in other ways. The second one changes the vectors of tokens, or the question, and ranks
with vectors in full precision as `token_codes.py` does, so it compares with its own first row only.
Recall@1, means over languages and over pairs of languages. Writes `results/ranking_trials.json`
and `.md`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.origin import Origin
from benchmarks.measuring.product import article_of, build, encoder, processes
from benchmarks.measuring.results import RESULTS, write_results
from benchmarks.measuring.token_ranking import Codec, Embedded, FullPrecision, embed, recall
from benchmarks.measuring.xquad import Language, read_data
from qa_service.encoder.model_statistics import TokenStatistics, embedded_model_statistics
from qa_service.retrieval.fusion import LEXICAL_WEIGHT
from qa_service.retrieval.late_interaction import Alignment, idf_weights
from qa_service.retrieval.retriever import Retrieval

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]
Recalls = dict[str, dict[str, float]]

MEASURED = ("text.terms", "chunker", "encoder", "indexes", "retrieval")
SHIPPED, IN_FULL = "as shipped", "as shipped, in full precision"
PARTS = ("one language", "across languages")
LEXICAL_WEIGHTS = (0.0, 0.05, 0.2, 0.4)
DENSE_WEIGHTS = (0.1, 0.3)
# A soft maximum at this temperature lies between the best match and the mean of the good ones.
SOFTNESS = 0.03
# How many other questions tell whether a passage is near to every question (Lample et al. 2018).
NEIGHBOURS = 10
# Of the variance, what is added to each direction before it is brought to one length.
WHITENING_SHRINKAGE = 0.1
STRONGEST = 256


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="per language; 0 for all")
    parser.add_argument("--languages", default="", help="such as ar,en; all by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="one per core")
    arguments = parser.parse_args()
    languages = list(read_data(arguments.data, arguments.languages, arguments.questions))
    origin = Origin.now(MEASURED, threads=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        processes(arguments.processes) as pool,
    ):
        tasks = [
            pool.submit(rank_candidates, languages, target, Path(folder) / target.code)
            for target in languages
        ]
        vectors = pool.submit(change_vectors, languages)
        candidates = averages([row for task in tasks for row in task.result()])
        results = {
            "questions_per_language": len(languages[0].questions),
            "languages": [language.code for language in languages],
            "candidates put together in other ways": candidates,
            "other vectors of tokens": vectors.result(),
        }
    write_results(RESULTS, "ranking_trials", results, to_markdown(results), origin)
    return 0


def averages(rows: Sequence[tuple[str, str, float]]) -> Recalls:
    """Return the mean of each trial's values by part, from rows of trial, part and value."""
    found: dict[str, dict[str, list[float]]] = {}
    for trial, part, value in rows:
        found.setdefault(trial, {}).setdefault(part, []).append(value)
    return {
        trial: {part: statistics.fmean(values) for part, values in parts.items()}
        for trial, parts in found.items()
    }


def rank_candidates(
    languages: Sequence[Language], target: Language, folder: Path
) -> list[tuple[str, str, float]]:
    """Ask every language's questions of one's paragraphs; return trial, part and recall@1."""
    service = build([target], folder)
    rows = []
    for source in languages:
        retrievals = [service.retrieve(question.text) for question in source.questions]
        gold = [f"{target.code}-{question.paragraph}" for question in source.questions]
        articles = [
            article_of(service, [passage.key for passage in found.ranked]) for found in retrievals
        ]
        part = PARTS[source.code != target.code]
        for trial, scores in trials_of(retrievals).items():
            hits = [
                bool(names) and names[int(each.argmax())] == right
                for names, each, right in zip(articles, scores, gold, strict=True)
            ]
            rows.append((trial, part, statistics.fmean(hits)))
        print(f"{source.code}>{target.code}", f"{rows[-1]}", flush=True)
    service.close()
    return rows


def trials_of(retrievals: Sequence[Retrieval]) -> Mapping[str, Sequence[Scores]]:
    """Return what each trial ranks the candidates of each question by, in their order."""

    def each(score: Callable[[Retrieval], Sequence[float] | Scores]) -> list[Scores]:
        return [np.asarray(score(found), dtype=np.float64) for found in retrievals]

    def by_alignment(score: Callable[[Alignment], float]) -> list[Scores]:
        return each(lambda found: [score(passage.alignment) for passage in found.ranked])

    shipped = each(lambda found: [passage.score for passage in found.ranked])
    idf_max_sim = each(lambda found: [passage.idf_max_sim for passage in found.ranked])
    shares = each(lambda found: [passage.lexical for passage in found.ranked])
    dense = each(dense_scores)
    return {
        SHIPPED: shipped,
        **{
            f"terms weigh {weight:g} instead of {LEXICAL_WEIGHT:g}": [
                a + weight * b for a, b in zip(idf_max_sim, shares, strict=True)
            ]
            for weight in LEXICAL_WEIGHTS
        },
        **{
            f"plus {weight:g} of the cosine of the vectors": [
                a + weight * b for a, b in zip(shipped, dense, strict=True)
            ]
            for weight in DENSE_WEIGHTS
        },
        "less what a passage scores for other questions": less_usual(retrievals, shipped),
        "late interaction alone, words weigh what they tell": each(
            lambda found: [passage.max_sim for passage in found.ranked]
        ),
        "the same without stretches": by_alignment(lambda one: one.max_sim),
        "the same, all words alike": by_alignment(alike),
        "two best matches of each word": by_alignment(two_best),
        "a soft maximum": by_alignment(softly),
        "neighbouring words matched in pairs": by_alignment(in_pairs),
        "words of the passage look for theirs, too": each(in_both_directions),
        "words weigh by contrast, without stretches": each(lambda found: contrasted_by(found, 1.0)),
        "the same, contrast without its root": each(lambda found: contrasted_by(found, 2.0)),
    }


def dense_scores(found: Retrieval) -> Scores:
    """Return the cosine of each candidate; what only the terms found gets the lowest one."""
    known = dict(zip(found.dense.keys.tolist(), found.dense.scores.tolist(), strict=True))
    least = min(known.values(), default=0.0)
    return np.array([known.get(passage.key, least) for passage in found.ranked])


def less_usual(retrievals: Sequence[Retrieval], scores: Sequence[Scores]) -> list[Scores]:
    """Take off what each passage scores for the questions that it matches best (CSLS)."""
    by_passage: dict[int, list[float]] = {}
    for found, values in zip(retrievals, scores, strict=True):
        for passage, value in zip(found.ranked, values.tolist(), strict=True):
            by_passage.setdefault(passage.key, []).append(value)
    usual = {
        key: statistics.fmean(sorted(values, reverse=True)[:NEIGHBOURS])
        for key, values in by_passage.items()
    }
    return [
        2 * values - np.array([usual[passage.key] for passage in found.ranked])
        for found, values in zip(retrievals, scores, strict=True)
    ]


def alike(alignment: Alignment) -> float:
    """Return MaxSim with all tokens of the question weighing the same."""
    if not alignment.similarities.size:
        return 0.0
    return float(alignment.similarities.max(axis=0).mean())


def two_best(alignment: Alignment) -> float:
    """Return MaxSim with the mean of each token's two best matches."""
    if len(alignment.similarities) < 2:
        return alignment.max_sim
    best = np.partition(alignment.similarities, -2, axis=0)[-2:].mean(axis=0)
    return float(best @ alignment.weights)


def softly(alignment: Alignment) -> float:
    """Return MaxSim with a soft maximum of each token's matches."""
    if not alignment.similarities.size:
        return 0.0
    raised = np.exp(alignment.similarities.astype(np.float64) / SOFTNESS).mean(axis=0)
    return float(SOFTNESS * np.log(raised) @ alignment.weights)


def in_pairs(alignment: Alignment) -> float:
    """Return the mean of MaxSim and of the best matches of neighbours with neighbours."""
    similarities, weights = alignment.similarities, alignment.weights
    if min(similarities.shape) < 2:
        return alignment.max_sim
    pairs = (similarities[:-1, :-1] + similarities[1:, 1:]) / 2
    shared = (weights[:-1] + weights[1:]) / 2
    return (alignment.max_sim + float(pairs.max(axis=0) @ (shared / shared.sum()))) / 2


def in_both_directions(found: Retrieval) -> list[float]:
    """Return what is shipped plus a tenth of how the passage's tokens match the question's."""
    return [
        passage.score
        + 0.1
        * (
            float(passage.alignment.similarities.max(axis=1).mean())
            if passage.alignment.similarities.size
            else 0.0
        )
        for passage in found.ranked
    ]


def contrasted_by(found: Retrieval, power: float) -> Scores:
    """Return MaxSim with the weights of contrast raised to a power."""
    held = [passage.alignment for passage in found.ranked if passage.alignment.similarities.size]
    scores = np.zeros(len(found.ranked))
    if not held or not len(held[0].weights):
        return scores
    matches = np.array([alignment.similarities.max(axis=0) for alignment in held])
    own = held[0].weights
    gaps = idf_weights(own, matches) / np.maximum(own, 1e-12)
    weights = own * gaps**power
    weights /= max(float(weights.sum()), 1e-12)
    places = [i for i, each in enumerate(found.ranked) if each.alignment.similarities.size]
    scores[places] = matches @ weights
    return scores


class Mapped(FullPrecision):
    """Token vectors in full precision after a linear map of what is left without their mean."""

    def __init__(self, statistics: TokenStatistics, matrix: Vectors) -> None:
        """Take the map, (dimension, dimension or fewer)."""
        super().__init__(statistics)
        self._mean, self._matrix = statistics.mean, matrix
        self.code_size = 4 * matrix.shape[1]

    def encode(self, vectors: Vectors, passage: Vectors) -> NDArray[np.uint8]:  # noqa: ARG002
        """Return the bytes of the mapped vectors."""
        return np.ascontiguousarray(self._unit(vectors - self._mean)).view(np.uint8)

    def center_query(self, vectors: Vectors, decoded_mean: Vectors) -> Vectors:  # noqa: ARG002
        """Centre and map a question."""
        return self._unit(vectors - self._mean)

    def _unit(self, centred: Vectors) -> Vectors:
        mapped = centred @ self._matrix
        norms = np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-12)
        return np.asarray(mapped / norms, dtype=np.float32)


def change_vectors(languages: Sequence[Language]) -> Recalls:
    """Return recall@1 with other vectors of tokens, and with the question embedded otherwise."""
    embedded = [embed(encoder(), language) for language in languages]
    known = embedded_model_statistics().tokens
    tokens = [np.concatenate([one.vectors for one in each.passages.tokens]) for each in embedded]
    centred = np.concatenate(tokens) - known.mean
    spread = np.asarray(centred.T @ centred / len(centred), dtype=np.float64)
    lengths, directions = np.linalg.eigh(spread)
    raised = 1 / np.sqrt(lengths + WHITENING_SHRINKAGE * lengths.mean())
    offsets = np.array([each.mean(axis=0) - known.mean for each in tokens], dtype=np.float64)
    told = np.linalg.svd(offsets - offsets.mean(axis=0), full_matrices=False)[2]
    codecs: Mapping[str, Codec] = {
        IN_FULL: FullPrecision(known),
        "each dimension brought to one length": mapped(known, np.diag(spread.diagonal() ** -0.5)),
        "whitened": mapped(known, directions * raised @ directions.T),
        "without the directions that tell languages apart": mapped(
            known, np.eye(len(spread)) - told[: len(told) - 1].T @ told[: len(told) - 1]
        ),
        f"the {STRONGEST} strongest directions alone": mapped(known, directions[:, -STRONGEST:]),
    }
    rows = {}
    for name, codec in codecs.items():
        rows[name] = recall(codec, embedded)
        print(name, rows[name], flush=True)
    name = "questions embedded as passages"
    rows[name] = recall(FullPrecision(known), [as_passages(each) for each in embedded])
    return rows


def mapped(known: TokenStatistics, matrix: NDArray[np.float64]) -> Mapped:
    """Return a codec with a linear map."""
    return Mapped(known, np.asarray(matrix, dtype=np.float32))


def as_passages(embedded: Embedded) -> Embedded:
    """Embed the questions with the prompt of passages."""
    texts = [question.text for question in embedded.language.questions]
    return replace(embedded, questions=encoder().encode_document(texts))


def to_markdown(results: Mapping[str, object]) -> str:
    """Return the results as tables."""
    asked, languages = results["questions_per_language"], results["languages"]
    lines = [
        "# Other ways to rank",
        "",
        "Made by `benchmarks/trials/ranking_trials.py`, which says at its top what is measured; "
        f"XQuAD, CC BY-SA 4.0. {asked} questions a language, {len(languages)} languages.",  # type: ignore[arg-type]
    ]
    for title, rows in results.items():
        if not isinstance(rows, dict):
            continue
        lines += ["", f"## {title[0].upper()}{title[1:]}", ""]
        lines += ["| | " + " | ".join(f"{part}, R@1" for part in PARTS) + " |", "|---|---:|---:|"]
        lines += [
            f"| {trial} | " + " | ".join(f"{100 * found[part]:.2f}" for part in PARTS) + " |"
            for trial, found in rows.items()
        ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
