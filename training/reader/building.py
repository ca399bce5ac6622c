"""Records → corpus: tokens once a passage, answers in tokens, exchanged questions, negatives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.splitters import SentencePieceSplitter
from qa_service.encoder.tokenization import Pieces
from qa_service.text.sentences import split_sentences
from training.reader.augmentation import Augmenter, QuestionPlan, without_marks
from training.reader.corpus import NEGATIVES, Corpus, Ragged, ragged, texts
from training.reader.exchange import Exchanger
from training.reader.negatives import KEPT, NegativeFinder
from training.reader.records import Answer, Record
from training.reader.split import NO_DOCUMENT, Part, document_key, part_of
from training.reader.vocabulary import cut_vocabulary, storable, word_starts

# Their passages begin with the article's title and a colon, and none of them answers: a title
# is taken off here and put before passages of all sources alike when they are drawn.
_TITLED = frozenset({"nomiracl-nonrel"})
_MOST_TITLE = 100
_NUMBERED = re.compile(r"\S*\d\S*|[\w-]+\.[\w.]+")
_AT_ONCE = 4096
_INT32, _PAIRS = np.zeros(0, dtype=np.int32), np.zeros((0, 2), dtype=np.int32)


class CorpusBuilder:
    """Takes records one by one, and makes a corpus of them."""

    def __init__(self, splitter: Path, validation_share: float, held_out: tuple[str, ...]) -> None:
        self._model = splitter
        self._splitter = SentencePieceSplitter(splitter)
        self._share, self._held_out = validation_share, held_out
        self._passages: dict[tuple[str, str], int] = {}
        self._headings: list[str] = []
        self._documents: dict[str, int] = {}
        self._document_of: list[int] = []
        self._records: list[tuple[str, str, str, int, tuple[Answer, ...], Part]] = []
        self._seen: set[tuple[str, int, tuple[Answer, ...]]] = set()

    def add(self, record: Record) -> None:
        """Take a record, unless it is there already."""
        passage, answers = storable(record.passage), record.answers
        heading = _heading(record)
        if record.source in _TITLED and not answers:
            title, colon, rest = passage.partition(": ")
            if colon and rest and len(title) <= _MOST_TITLE:
                heading, passage = title, rest
        key = (passage, record.language)
        number = self._passages.setdefault(key, len(self._passages))
        if number == len(self._headings):
            document = document_key(record)
            self._headings.append(heading)
            self._document_of.append(self._documents.setdefault(document, len(self._documents)))
        question = storable(record.question).strip()
        part = part_of(record, self._share, self._held_out)
        if question and (question, number, answers) not in self._seen:
            self._seen.add((question, number, answers))
            self._records.append((question, record.asker, record.source, number, answers, part))

    def build(self, on_progress: Callable[[str], None]) -> Corpus:
        """Make the corpus; `on_progress` is told what is being done."""
        on_progress(f"{len(self._records)} questions, {len(self._passages)} passages: tokens")
        passages = [text for text, _ in self._passages]
        languages = [language for _, language in self._passages]
        full: list[NDArray[np.int64]] = []
        offsets: list[NDArray[np.int32]] = []
        for pieces in self._split(passages):
            full.append(pieces.ids.astype(np.int32))
            offsets.append(pieces.offsets)
        sentences = [
            _sentence_tokens(text, language, places)
            for text, language, places in zip(passages, languages, offsets, strict=True)
        ]
        spans, kept = self._spans(offsets)
        self._records = [self._records[number] for number in kept]
        on_progress("Names and numbers are exchanged")
        exchanged = self._exchanged(passages)
        questions = [record[0] for record in self._records]
        asked = [pieces.ids for pieces in self._split(questions)]
        vocabulary = self._vocabulary(full, asked, [*exchanged, *self._headings], questions)
        cut = np.zeros(int(vocabulary.max()) + 1, dtype=np.int32)
        cut[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
        tokens = [cut[ids] for ids in full]
        on_progress(f"{sum(map(len, tokens))} tokens, {len(vocabulary)} different; negatives")
        negatives = self._negatives(
            tokens, [cut[ids] for ids in asked], passages, languages, len(vocabulary), on_progress
        )
        parts = np.array([record[5] for record in self._records], dtype=np.int8)
        is_judged = np.zeros(len(passages), dtype=np.bool_)
        for record in self._records:
            is_judged[record[3]] |= record[5] is not Part.TRAIN
        names = {
            "languages": sorted({*languages, *(record[1] for record in self._records)}),
            "sources": sorted({record[2] for record in self._records}),
        }
        numbers = {name: number for number, name in enumerate(names["languages"])}
        sources = {name: number for number, name in enumerate(names["sources"])}
        return Corpus(
            tokens=ragged(tokens, _INT32),
            sentences=ragged(sentences, _INT32),
            languages=np.array([numbers[name] for name in languages], dtype=np.int16),
            headings=texts(self._headings),
            passage_texts=texts(
                text if judged else "" for text, judged in zip(passages, is_judged, strict=True)
            ),
            offsets=ragged(
                [one if judged else _PAIRS for one, judged in zip(offsets, is_judged, strict=True)],
                _PAIRS,
            ),
            questions=texts(questions),
            exchanged=texts(exchanged),
            askers=np.array([numbers[record[1]] for record in self._records], dtype=np.int16),
            sources=np.array([sources[record[2]] for record in self._records], dtype=np.int16),
            parts=parts,
            passages=np.array([record[3] for record in self._records], dtype=np.int32),
            spans=spans,
            negatives=negatives,
            vocabulary=vocabulary,
            is_word_start=word_starts(self._model, vocabulary),
            names=names,
        )

    def _split(self, found: list[str]) -> Iterator[Pieces]:
        for start in range(0, len(found), _AT_ONCE):
            yield from self._splitter.split(found[start : start + _AT_ONCE])

    def _spans(self, offsets: list[NDArray[np.int32]]) -> tuple[Ragged, list[int]]:
        """Return answers as tokens, and the numbers of the records that keep all they had."""
        rows: list[NDArray[np.int32]] = []
        kept: list[int] = []
        for number, (*_, passage, answers, _) in enumerate(self._records):
            found = {token_span(offsets[passage], answer) for answer in answers}
            if None not in found:
                spans = sorted(span for span in found if span is not None)
                rows.append(np.array(spans, dtype=np.int32).reshape(-1, 2))
                kept.append(number)
        return ragged(rows, _PAIRS), kept

    def _exchanged(self, passages: list[str]) -> list[str]:
        pairs: dict[str, list[tuple[str, str]]] = {}
        for question, asker, _, passage, answers, _ in self._records:
            if answers:
                pairs.setdefault(asker, []).append((question, passages[passage]))
        exchangers = {language: Exchanger(language, found) for language, found in pairs.items()}
        return [
            exchangers[asker].exchange(question, passages[passage], random.Random(f"{number}"))
            if answers
            else ""
            for number, (question, asker, _, passage, answers, _) in enumerate(self._records)
        ]

    def _vocabulary(
        self,
        passages: list[NDArray[np.int64]],
        questions: list[NDArray[np.int64]],
        others: list[str],
        asked: list[str],
    ) -> NDArray[np.int32]:
        """Return every token that may be met, changed questions among them."""
        changed = [text for one in asked for text in (one.upper(), one.lower(), without_marks(one))]
        phrases = Augmenter(QuestionPlan()).phrases()
        more = (pieces.ids for found in (others, changed, phrases) for pieces in self._split(found))
        everything = (
            np.concatenate([np.zeros(0, dtype=np.int64), *found]) for found in (passages, questions)
        )
        return cut_vocabulary(
            (ids for found in (everything, more) for ids in found), self._splitter.boundary
        )

    def _negatives(
        self,
        tokens: list[NDArray[np.int32]],
        questions: list[NDArray[np.int32]],
        passages: list[str],
        languages: list[str],
        vocabulary: int,
        on_progress: Callable[[str], None],
    ) -> NDArray[np.int32]:
        documents = np.array(self._document_of, dtype=np.int32)
        finder = NegativeFinder(tokens, passages, documents, vocabulary)
        found = np.full((len(questions), len(NEGATIVES), KEPT), -1, dtype=np.int32)
        groups: dict[tuple[Part, str], list[int]] = {}
        pools: dict[tuple[Part, str], set[int]] = {}
        for number, (_, _, _, passage, answers, part) in enumerate(self._records):
            key = (part, languages[passage])
            pools.setdefault(key, set()).add(passage)
            if answers:
                groups.setdefault(key, []).append(number)
        for (part, language), rows in sorted(groups.items()):
            pool = np.array(sorted(pools[part, language]), dtype=np.int32)
            on_progress(f"  {part.name} {language}: {len(rows)} questions, {len(pool)} passages")
            found[rows] = finder.find(
                [questions[row] for row in rows],
                np.array([self._records[row][3] for row in rows], dtype=np.int32),
                [self._answers(row, passages) for row in rows],
                pool,
            )
        return found

    def _answers(self, row: int, passages: list[str]) -> list[str]:
        _, _, _, passage, answers, _ = self._records[row]
        return [passages[passage][answer.start : answer.end] for answer in answers]


def token_span(offsets: NDArray[np.int32], answer: Answer) -> tuple[int, int] | None:
    """Return the tokens that an answer touches, half-open; None if there are none.

    `offsets`: (tokens, 2). Those of a token may take in a space before its word.
    """
    first = int(np.searchsorted(offsets[:, 1], answer.start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], answer.end, side="left"))
    return (first, last) if first < last else None


def _sentence_tokens(text: str, language: str, offsets: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the numbers of the tokens that sentences start with, the first token's always."""
    starts = [span.start for span in split_sentences(text, language)]
    places = np.searchsorted(offsets[:, 1], starts[1:], side="right")
    # Before the first there may be a token that stands for no text.
    found = np.unique(np.concatenate([[0], places]))
    return found[found < max(len(offsets), 1)].astype(np.int32)


def _heading(record: Record) -> str:
    """Return what an article is called, where its document's name is one that people read."""
    if record.document in NO_DOCUMENT:
        return ""
    name = record.document.replace("_", " ").strip()
    is_name = any(character.isalpha() for character in name) and len(name) <= _MOST_TITLE
    return name if is_name and not _NUMBERED.fullmatch(name) and " Reviews " not in name else ""
