"""The values that travel between modules: frozen data classes, nothing else.

Offsets are half-open and count Unicode code points. Spans of a passage, its sentences and its
citation count from the start of the stored article text; highlights count from the start of the
passage. Scores are better when higher. Ranks start at 1.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Article:
    """One article as stored: what citations point into.

    `text` is what people see; it never changes after reading. `language` is an ISO 639-1 code, or
    "und" when it cannot be told. `metadata` keeps fields that qa-service does not use itself.
    """

    id: str
    title: str
    text: str
    language: str
    source: str | None = None
    url: str | None = None
    author: str | None = None
    published: dt.date | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one article that is embedded, found and quoted as a whole.

    `id` depends on the article's id and the passage's own text alone, so it survives edits
    elsewhere in the article. `text` is always `article.text[start:end]`. `sentences` cover the
    passage's text, in order, as spans of the article.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str
    language: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles may answer; None does not restrict. Dates are inclusive."""

    language: str | None = None
    source: str | None = None
    published_from: dt.date | None = None
    published_to: dt.date | None = None

    @property
    def is_empty(self) -> bool:
        """True when every article may answer."""
        return self == Filters()


MAX_QUESTION_CHARACTERS = 1000
MAX_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks. `history` holds their earlier questions, oldest first.

    `text` has 1 to `MAX_QUESTION_CHARACTERS` characters, `top_k` lies in 1..`MAX_TOP_K`.
    """

    text: str
    top_k: int = 5
    filters: Filters = Filters()
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands: `start` and `end` index the stored text of `article_id`."""

    id: str
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: dt.date | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArticleName:
    """What an article is called, and in which language."""

    id: str
    title: str
    language: str


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage in an answer, with the words that match the question marked.

    `highlights` are offsets into `text`. `also_in` holds the ids of other articles that carry
    nearly the same passage, `also_in_articles` their names in the same order, once looked up.
    `score` lies in 0..1.
    """

    rank: int
    score: float
    text: str
    language: str
    highlights: tuple[Span, ...]
    citation: Citation
    also_in: tuple[str, ...] = ()
    also_in_articles: tuple[ArticleName, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The sentence or two that answer; `citation` is the rank of the passage that holds them.

    `span` is the place of `text` inside that passage.
    """

    text: str
    language: str
    citation: int
    span: Span


@dataclass(frozen=True, slots=True)
class IndexState:
    """The generation that answered and how much it holds."""

    generation: str
    articles: int
    passages: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets: the answer, or the nearest passages when nothing answers it.

    `searched_for` is the question as searched, with what a follow-up left unsaid put back.
    `language` is the language the question was asked in. `confidence` is the probability that the
    articles hold an answer. `timings_ms` maps stage names to milliseconds.
    """

    question: str
    searched_for: str
    language: str
    is_answered: bool
    confidence: float
    answer: AnswerText | None
    passages: tuple[CitedPassage, ...]
    index: IndexState
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DroppedText:
    """A stretch of a file that was left out of its article, and why.

    `reason` is a short stable word such as "share_button", "comment_form" or "repeated_headline".
    """

    text: str
    reason: str


class FileState(enum.StrEnum):
    """What became of one file in an index run."""

    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; `reason` says why when it was skipped, failed or removed."""

    path: str
    state: FileState
    articles: int = 0
    passages: int = 0
    reason: str | None = None
    dropped: tuple[DroppedText, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePage:
    """A part of a list of files."""

    total: int
    offset: int
    items: tuple[FileOutcome, ...]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an index run did. `embedded` passages were new to the model, `reused` were not.

    `duplicates` maps the id of an article that was left out to the id of the one it repeats.
    `generation` is the one in service after the run; `is_new` is False when nothing had changed.
    `mended` says what was wrong with the generation before, and what was made from instead.
    """

    generation: str
    is_new: bool
    files: tuple[FileOutcome, ...]
    duplicates: Mapping[str, str]
    articles: int
    passages: int
    embedded: int
    reused: int
    elapsed_ms: float
    mended: str | None = None


class Stage(enum.StrEnum):
    """The steps of an index run, in order."""

    READING = "reading"
    EMBEDDING = "embedding"
    WRITING = "writing"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come: files read, passages embedded, or parts written or verified.

    `share`, from 0 to 1, says how much of the stage's work is done, a large file's part included.
    `per_second` says how many were done of late, `seconds_left` how long the stage will take; both
    are None until that can be told.
    """

    stage: Stage
    done: int
    total: int
    share: float
    per_second: float | None = None
    seconds_left: float | None = None

    @classmethod
    def counted(cls, stage: Stage, done: int, total: int) -> Self:
        """Return the progress of a stage whose counts say how much of its work is done."""
        return cls(stage, done, total, done / total if total else 1.0)


class JobState(enum.StrEnum):
    """The life of an index job that runs in the background."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IndexJob:
    """An index run started over HTTP, by an upload or by the folder watcher.

    `version` grows with every change, so that a listener can wait for the next one. `error` is the
    message for a person when the state is FAILED; `report` is there when it is DONE.
    """

    id: str
    version: int
    state: JobState
    started_at: dt.datetime
    progress: Progress | None = None
    report: IndexReport | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A file that was stored among the articles: the name it got, and the job that indexes it."""

    name: str
    job: IndexJob


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article in a list. `is_removable` is False for one of several articles in a file."""

    id: str
    title: str
    language: str
    source: str | None
    url: str | None
    published: dt.date | None
    passages: int
    is_removable: bool


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A slice of the list of articles, ordered by title; `total` counts the whole list."""

    total: int
    offset: int
    items: tuple[ArticleSummary, ...]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What is indexed, and by what.

    `damage` says what is wrong with the generation in service, and how to mend it, when an older
    one, described by the other fields, answers in its stead.
    """

    path: str
    generation: str
    previous_generation: str | None
    created_at: dt.datetime
    model: str
    articles: int
    passages: int
    languages: Mapping[str, int]
    sources: tuple[str, ...]
    size_bytes: int
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class StageRank:
    """Where an article's best passage stood after one stage; None when it was not among them."""

    stage: str
    rank: int | None
    score: float | None
    considered: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """An article's way through the stages for one question; `lost_at` names where it fell out."""

    question: str
    searched_for: str
    article_id: str
    stages: tuple[StageRank, ...]
    lost_at: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Means over all questions, 0..1; latencies in milliseconds.

    `recall` maps a depth to the share of questions with a relevant article among so many. `mrr` is
    the mean reciprocal rank of the first relevant article among ten. `sentence_accuracy` is the
    share, among questions with known answers, whose answer sentence holds one; None without any.
    Questions with no relevant article are to be refused; `refused` is the share that is, `answered`
    the share of the others that is not refused; None without any.
    """

    questions: int
    recall: Mapping[int, float]
    mrr: float
    sentence_accuracy: float | None
    answered: float | None
    refused: float | None
    p50_ms: float
    p95_ms: float
