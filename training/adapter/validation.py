"""How well documents that were never trained on are found, in one language and across."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from qa_service.text.sentences import split_sentences
from training.adapter.configuration import SuitePlan
from training.adapter.documents import CorpusFile, Document, Kind, Part
from training.adapter.encoder import PASSAGE, QUERY, Inputs, Outputs, TrainedEncoder
from training.adapter.means import RunningMeans
from training.adapter.passages import clip, divide_passages, tokens_of
from training.adapter.scoring import Scorer, Scores

_SEED = 11
_AT_ONCE = 32
# A shorter passage says too little to be asked for.
_LEAST_TOKENS = 20
# A heading as short as this says little without its page's title.
_SHORT_HEADING = 24


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage and a question about it. `question`: in every language that has it."""

    passage: str
    question: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Encoded:
    inputs: Inputs
    outputs: Outputs

    def rows(self, chosen: torch.Tensor) -> _Encoded:
        return _Encoded(self.inputs.rows(chosen), self.outputs.rows(chosen))


class Suite:
    """Asks the same questions of any state of the model.

    A question is the heading that its passage stands under, or a part of a sentence of it.
    """

    def __init__(self, corpus: CorpusFile, plan: SuitePlan, held_out: Sequence[str]) -> None:
        """Choose documents, passages and questions: the same for the same corpus and plan."""
        self._plan, self._held_out = plan, frozenset(held_out)
        chosen = [
            number
            for number, entry in enumerate(corpus.entries)
            if entry.part is Part.VALIDATION and entry.source in plan.sources
        ]
        random.Random(_SEED).shuffle(chosen)
        # First those that most languages have, so that pairs have questions in common.
        wanted = frozenset(plan.languages)
        chosen.sort(key=lambda number: -len(wanted & corpus.entries[number].sizes.keys()))
        self.pools: dict[str, list[Judged]] = {language: [] for language in plan.languages}
        for number in chosen:
            document = corpus.read(number)
            for language, pool in self.pools.items():
                room = plan.passages - len(pool)
                pool += judged_passages(document, language, plan)[:room]

    def measure(self, encoder: TrainedEncoder, most_tokens: int) -> dict[str, dict[str, float]]:
        """Return recall@1 and mean reciprocal rank by pair of languages, and of groups of pairs."""
        scorer = Scorer(RunningMeans())
        pairs: dict[str, dict[str, float]] = {}
        with torch.inference_mode():
            passages = {
                language: _encode(encoder, PASSAGE, [one.passage for one in pool], most_tokens)
                for language, pool in self.pools.items()
                if pool
            }
            for language, batches in passages.items():
                for batch in batches:
                    scorer.see(batch.inputs, batch.outputs, "passage", language)
            for asker in passages:
                asked = {language: self._asked(asker, language) for language in passages}
                texts = list(dict.fromkeys(text for found in asked.values() for text, _ in found))
                if not texts:
                    continue
                inputs = encoder.prepare(QUERY, texts)
                questions = _Encoded(inputs, encoder.encode(inputs, most_tokens))
                scorer.see(inputs, questions.outputs, "query", asker)
                rows = {text: row for row, text in enumerate(texts)}
                for language, judged in asked.items():
                    if judged:
                        chosen = torch.tensor([rows[text] for text, _ in judged])
                        places = torch.tensor([place for _, place in judged])
                        scores = _score(
                            scorer, questions.rows(chosen), asker, passages[language], language
                        )
                        pairs[f"{asker}>{language}"] = _recall(scores, places)
        return self._groups(pairs) | pairs

    def _asked(self, asker: str, language: str) -> list[tuple[str, int]]:
        """Return questions in one language about passages in another, with those's places."""
        return [
            (one.question[asker], place)
            for place, one in enumerate(self.pools[language])
            if asker in one.question
        ][: self._plan.questions]

    def _groups(self, pairs: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        groups: dict[str, list[Mapping[str, float]]] = {}
        for name, scores in pairs.items():
            asker, language = name.split(">")
            kind = "same" if asker == language else "cross"
            is_known = not {asker, language} & self._held_out
            group = f"{kind}, trained" if is_known else f"{kind}, held out"
            groups.setdefault(group, []).append(scores)
        return {
            group: {name: statistics.fmean(scores[name] for scores in found) for name in found[0]}
            for group, found in sorted(groups.items())
        }


def judged_passages(document: Document, language: str, plan: SuitePlan) -> list[Judged]:
    """Return a document's passages in a language, each with its question in all languages.

    Passages that nothing can be asked about are left in, as wrong answers to the other questions.
    """
    found = []
    for passage in divide_passages(document, [language], plan.target_tokens):
        units = [document.units[place] for place in passage.units]
        text = " ".join(unit.texts[language] for unit in units)
        if tokens_of(text) < _LEAST_TOKENS:
            continue
        if plan.asks == "headings":
            question = _with_title(document, passage.heading)
        else:
            paragraphs = [unit for unit in units if unit.kind is Kind.TEXT]
            middle = paragraphs[len(paragraphs) // 2]
            question = {
                asker: clip(_first_sentence(told, asker), random.Random(_SEED))
                for asker, told in middle.texts.items()
            }
        found.append(Judged(text, question))
    return found


def _with_title(document: Document, heading: Mapping[str, str]) -> dict[str, str]:
    titles = next((unit.texts for unit in document.units if unit.kind is Kind.TITLE), {})
    return {
        asker: f"{titles[asker]}: {text}"
        if len(text) < _SHORT_HEADING and asker in titles
        else text
        for asker, text in heading.items()
    }


def _first_sentence(text: str, language: str) -> str:
    span = split_sentences(text, language)[0]
    return text[span.start : span.end]


def _encode(
    encoder: TrainedEncoder, prompt: str, texts: Sequence[str], most_tokens: int
) -> list[_Encoded]:
    batches = []
    for start in range(0, len(texts), _AT_ONCE):
        inputs = encoder.prepare(prompt, texts[start : start + _AT_ONCE])
        batches.append(_Encoded(inputs, encoder.encode(inputs, most_tokens)))
    return batches


def _score(
    scorer: Scorer,
    questions: _Encoded,
    asker: str,
    passages: Sequence[_Encoded],
    language: str,
) -> Scores:
    found = [
        scorer.score(
            questions.inputs, questions.outputs, asker, batch.inputs, batch.outputs, language
        )
        for batch in passages
    ]
    dense, late = [one.dense for one in found], [one.late for one in found]
    return Scores(torch.cat(dense, dim=1), torch.cat(late, dim=1))


def _recall(scores: Scores, places: torch.Tensor) -> dict[str, float]:
    """Return how each row's question finds its passage, by the passage's place."""
    found = {}
    for name in ("dense", "late"):
        values: torch.Tensor = getattr(scores, name).cpu()
        right = values.gather(1, places[:, None])
        ranks = (values > right).sum(dim=1) + 1
        found[f"{name} R@1"] = float((ranks == 1).float().mean())
        found[f"{name} MRR"] = float((1 / ranks).mean())
    return found
