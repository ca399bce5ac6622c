"""What travels over HTTP: the request bodies that are accepted, the responses that are promised.

The OpenAPI document is made from these models, and every response is validated against them
before it leaves.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StringConstraints

from qa_service.types import Filters, Question

MAX_QUESTION_CHARACTERS = 1000
MAX_HISTORY = 20
MAX_TOP_K = 50
MAX_ARTICLE_CHARACTERS = 20_000_000

# No text that people write holds NUL, and SQLite and C libraries stop at it.
_WITHOUT_NUL = r"^[^\x00]*$"
# The same, with something in it besides blanks.
_SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"

QuestionText = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=MAX_QUESTION_CHARACTERS,
        pattern=_SAYS_SOMETHING,
    ),
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=_WITHOUT_NUL)
]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
WebAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^https?://[^\s\x00]+$")
]
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Direction = Literal["ltr", "rtl", "auto"]


def _only_iso_date(value: object) -> object:
    """Keep pydantic from reading numbers and date-times as dates."""
    if value is None or isinstance(value, dt.date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"expected a date such as 2020-11-16; {error}") from error
    raise ValueError("expected a date such as 2020-11-16")


IsoDate = Annotated[dt.date, BeforeValidator(_only_iso_date, json_schema_input_type=dt.date)]


def _as_list(value: object) -> object:
    """Let a query parameter that is given once stand for a list of one."""
    return [value] if isinstance(value, str) else value


class _Request(BaseModel):
    """A request: fields that are not known are refused by name."""

    model_config = ConfigDict(extra="forbid")


class FiltersIn(_Request):
    """Which articles may answer; dates are inclusive."""

    language: LanguageCode | None = Field(
        default=None, description="ISO 639-1 code of the articles."
    )
    source: Line | None = Field(
        default=None, description="The publisher, exactly as the articles name it."
    )
    published_from: IsoDate | None = Field(
        default=None, description="The first day, such as 2020-11-16."
    )
    published_to: IsoDate | None = Field(
        default=None, description="The last day, such as 2020-11-30."
    )

    def to_filters(self) -> Filters:
        """Return the same as the service takes it."""
        return Filters(
            language=self.language or None,
            source=self.source or None,
            published_from=self.published_from,
            published_to=self.published_to,
        )


class AskIn(_Request):
    """A question."""

    question: QuestionText = Field(description="The question, in any language.")
    top_k: Annotated[StrictInt, Field(ge=1, le=MAX_TOP_K)] = Field(
        5, description="How many passages to return at most."
    )
    filters: FiltersIn = Field(
        default_factory=FiltersIn,
        description="Which articles may answer; all by default.",
    )
    history: Annotated[list[QuestionText], Field(max_length=MAX_HISTORY)] = Field(
        default_factory=list,
        description="Earlier questions of the conversation, oldest first, for follow-ups.",
    )

    def to_question(self) -> Question:
        """Return the same as the service takes it."""
        return Question(
            text=self.question,
            top_k=self.top_k,
            filters=self.filters.to_filters(),
            history=tuple(self.history),
        )


class AskQuery(FiltersIn):
    """A question in the address, for links and plain forms."""

    q: QuestionText = Field(description="The question, in any language.")
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K)] = Field(
        5, description="How many passages to return at most."
    )
    history: Annotated[
        list[QuestionText],
        Field(max_length=MAX_HISTORY),
        BeforeValidator(_as_list, json_schema_input_type=list[QuestionText]),
    ] = Field(
        default_factory=list,
        description="An earlier question of the conversation; repeat for more, oldest first.",
    )

    def to_question(self) -> Question:
        """Return the same as the service takes it."""
        return Question(
            text=self.q, top_k=self.top_k, filters=self.to_filters(), history=tuple(self.history)
        )


class ArticleListQuery(_Request):
    """Which part of the list of articles to return."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="How many articles to skip."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = Field(50, description="How many to return.")
    q: Line | None = Field(
        default=None, description="Keep articles whose title, id or source holds this."
    )


class ArticleIn(_Request):
    """An article to add."""

    title: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_SAYS_SOMETHING)
    ] = Field(description="What the article is called.")
    text: Annotated[
        str, StringConstraints(max_length=MAX_ARTICLE_CHARACTERS, pattern=_SAYS_SOMETHING)
    ] = Field(description="The article as plain text; blank lines part paragraphs.")
    source: Line | None = Field(default=None, description="Who published it.")
    url: WebAddress | None = Field(
        default=None, description="Where it was published (http or https)."
    )
    author: Line | None = Field(default=None, description="Who wrote it.")
    published: IsoDate | None = Field(default=None, description="When, such as 2020-11-16.")
    language: LanguageCode | None = Field(
        default=None, description="ISO 639-1; detected when not given."
    )


class IndexIn(_Request):
    """How to index."""

    rebuild: Annotated[bool, Field(strict=True)] = Field(
        False, description="Make everything anew instead of what has changed."
    )


class FeedbackIn(_Request):
    """What a reader thinks of a passage."""

    question: QuestionText = Field(description="The question that was asked.")
    article_id: Annotated[str, StringConstraints(min_length=1, max_length=4000)] = Field(
        description="The article of the passage."
    )
    citation_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The id of the passage's citation."
    )
    helpful: Annotated[bool, Field(strict=True)] = Field(
        description="True when the passage answers the question, false when it is the wrong one."
    )
    answer: Annotated[str, StringConstraints(min_length=1, max_length=5000)] | None = Field(
        None, description="The answering words, exactly as they stand in the passage."
    )


class HighlightOut(BaseModel):
    """A stretch of a passage, half-open, in code points from the passage's start."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class CitationOut(BaseModel):
    """Where a passage stands in its article."""

    id: str = Field(description="Stays the same while the passage's own text does.")
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: dt.date | None
    start: Annotated[int, Field(ge=0)] = Field(
        description="Code points from the start of the stored text; half-open."
    )
    end: Annotated[int, Field(ge=0)]
    link: str = Field(description="Opens the article scrolled to the passage, marked.")


class ArticleNameOut(BaseModel):
    """Another article, by name."""

    id: str
    title: str
    language: str
    link: str = Field(description="Opens the article.")


class PassageOut(BaseModel):
    """A passage, quoted exactly."""

    rank: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(ge=0, le=1)]
    text: str
    language: str
    direction: Direction
    highlights: list[HighlightOut] = Field(description="The words that match the question.")
    citation: CitationOut
    also_in: list[str] = Field(description="Ids of other articles that tell nearly the same.")
    also_in_articles: list[ArticleNameOut] = Field(
        description="The articles of `also_in`, in the same order, with their titles."
    )


class AnswerTextOut(BaseModel):
    """The sentence or two that answer."""

    text: str
    language: str
    direction: Direction
    citation: Annotated[int, Field(ge=1)] = Field(description="The rank of the passage it is in.")
    start: Annotated[int, Field(ge=0)] = Field(description="Its place in that passage.")
    end: Annotated[int, Field(ge=0)]


class IndexStateOut(BaseModel):
    """The generation of the index that answered."""

    generation: str
    articles: int
    passages: int


class AnswerOut(BaseModel):
    """The answer, or the nearest passages when nothing answers."""

    question: str
    searched_for: str = Field(
        description="The question as searched, with what a follow-up left unsaid put back."
    )
    language: str = Field(description="The language the question was asked in.")
    answered: bool
    confidence: Annotated[float, Field(ge=0, le=1)] = Field(
        description="The probability that the articles hold an answer."
    )
    message: str | None = Field(
        description="When nothing answers: says so in the language of the question."
    )
    answer: AnswerTextOut | None
    passages: list[PassageOut]
    index: IndexStateOut
    timings_ms: dict[str, float]


class ArticleSummaryOut(BaseModel):
    """An article in a list."""

    id: str
    title: str
    language: str
    direction: Direction
    source: str | None
    url: str | None
    published: dt.date | None
    passages: int
    is_removable: bool = Field(description="False for one of several articles in a file.")
    link: str


class ArticleListOut(BaseModel):
    """A part of the list of articles, by title."""

    total: int
    offset: int
    limit: int
    articles: list[ArticleSummaryOut]


class PlaceOut(BaseModel):
    """Where a passage stands in the article now."""

    id: str
    start: int
    end: int


class ArticleOut(BaseModel):
    """An article as stored; citations' offsets count in `text`."""

    id: str
    title: str
    text: str
    language: str
    direction: Direction
    source: str | None
    url: str | None
    author: str | None
    published: dt.date | None
    passage: PlaceOut | None = Field(
        description="The passage asked for with ?passage=, null when it is no longer there."
    )


class ProgressOut(BaseModel):
    """How far a stage of an index run has come."""

    stage: str
    done: int
    total: int


class DroppedOut(BaseModel):
    """A stretch of a file that was left out of its article."""

    text: str
    reason: str


class FileOutcomeOut(BaseModel):
    """What became of one file."""

    path: str
    state: Literal["indexed", "unchanged", "skipped", "failed", "removed"]
    articles: int
    passages: int
    reason: str | None
    dropped: list[DroppedOut]


class IndexReportOut(BaseModel):
    """What an index run did."""

    generation: str
    is_new: bool
    articles: int
    passages: int
    embedded: int
    reused: int
    elapsed_ms: float
    files: list[FileOutcomeOut]
    duplicates: dict[str, str]


class JobOut(BaseModel):
    """An index run in the background."""

    id: str
    version: int
    state: Literal["running", "done", "failed"]
    started_at: dt.datetime
    progress: ProgressOut | None
    report: IndexReportOut | None
    error: str | None


class IndexStatusOut(BaseModel):
    """What is indexed, and by what."""

    path: str
    generation: str
    previous_generation: str | None
    created_at: dt.datetime
    model: str
    articles: int
    passages: int
    languages: dict[str, int]
    sources: list[str]
    size_bytes: int


class ProblemOut(BaseModel):
    """What is wrong, for machines and for people."""

    code: str = Field(description="A short stable word.")
    message: str = Field(description="What was found, what was expected, how to mend it.")
    detail: dict[str, object] | None = Field(description="More, where there is more.")


class IndexOut(BaseModel):
    """The index in service and the running or last job."""

    index: IndexStatusOut | None
    problem: ProblemOut | None = Field(
        description="Why there is no usable index, if there is none."
    )
    job: JobOut | None


class JobAcceptedOut(BaseModel):
    """The index run that was started."""

    job: JobOut


class ArticleAcceptedOut(BaseModel):
    """The file that was stored and the index run that takes it in."""

    name: str = Field(description="The file's name in the articles folder.")
    job: JobOut


class FeedbackOut(BaseModel):
    """Feedback was kept."""

    recorded: Literal[True]


class HealthOut(BaseModel):
    """The process is alive."""

    status: Literal["ok"]
    version: str


class ReadyOut(BaseModel):
    """Index and model are loaded."""

    ready: Literal[True]


class ErrorOut(BaseModel):
    """An error."""

    error: ProblemOut
