"""A small honest stand-in for the service: real articles in memory, real slices, word overlap."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qa_service.corpus.front_matter import split_front_matter
from qa_service.errors import (
    ArticleConflictError,
    ArticleNotFoundError,
    IndexMismatchError,
    NoIndexError,
    NoPreviousGenerationError,
    QaServiceError,
    UnreadableFileError,
    UnsupportedFormatError,
)
from qa_service.types import (
    AddedFile,
    Answer,
    AnswerText,
    Article,
    ArticleName,
    ArticlePage,
    ArticleSummary,
    Citation,
    CitedPassage,
    DroppedText,
    Explanation,
    FileOutcome,
    FilePage,
    FileState,
    Filters,
    IndexJob,
    IndexReport,
    IndexState,
    IndexStatus,
    JobState,
    Passage,
    Progress,
    Question,
    Span,
    Stage,
)

SENTENCE = re.compile(r"[^.!?؟。।]+[.!?؟。।]*\s*")
WORD = re.compile(r"[\w\u0900-\u0963]+")

ARTICLES = (
    Article(
        id="أخبار/قره باغ.txt",
        title="اتفاق وقف إطلاق النار في قره باغ",
        text=(
            "وقّعت أرمينيا وأذربيجان وروسيا اتفاقا لوقف إطلاق النار في العاشر من نوفمبر 2020. "
            "ونشرت روسيا 1960 جنديا من قوات حفظ السلام على طول خط التماس.\n\n"
            "أقامت قوات حفظ السلام الروسية 25 نقطة مراقبة في الإقليم. "
            "وقال وزير الخارجية إن النازحين بدأوا العودة إلى ديارهم."
        ),
        language="ar",
        source="سبوتنيك",
        url="https://example.org/ar/قره-باغ",
        published=dt.date(2020, 11, 16),
    ),
    Article(
        id="science/bees.md",
        title="How bees tell each other the way 🐝",
        text=(
            "🐝🐝 Honey bees dance to tell the others where flowers are. "
            "The angle of the waggle dance gives the direction relative to the sun. "
            "The length of the waggle gives the distance.\n\n"
            "Karl von Frisch decoded the dance in 1944. "
            "He received the Nobel Prize in 1973 together with Konrad Lorenz and Niko Tinbergen."
        ),
        language="en",
        source="Field Notes",
        author="A. Keeper",
        published=dt.date(2021, 5, 3),
    ),
    Article(
        id="中文/长城.txt",
        title="长城的长度",
        text="长城全长两万一千一百九十六公里。二〇一二年国家文物局公布了这一数字。\n\n长城经过十五个省。",
        language="zh",
        source="文物报",
        published=dt.date(2012, 6, 5),
    ),
    Article(
        id="hi/ganga.txt",
        title="गंगा नदी",
        text=(
            "गंगा नदी की लंबाई लगभग 2525 किलोमीटर है। यह गंगोत्री हिमनद से निकलती है।\n\n"
            "गंगा बंगाल की खाड़ी में गिरती है।"
        ),
        language="hi",
        source="भूगोल पत्रिका",
        published=dt.date(2019, 1, 20),
    ),
    Article(
        id="fr/phare de Cordouan.txt",
        title="Le phare de Cordouan",
        text=(
            "Le phare de Cordouan fut achevé en 1611. "
            "Il se dresse à l'embouchure de la Gironde.\n\n"
            "Sa tour mesure 67 mètres de haut."
        ),
        language="fr",
        source="Le Littoral",
        published=dt.date(2021, 7, 24),
    ),
    Article(
        id="en/bees copied.md",
        title="Bees, again",
        text="Karl von Frisch decoded the dance in 1944.",
        language="en",
        source="Digest",
    ),
)

HOSTILE = Article(
    id="<img src=x onerror=alert(1)>/\"quoted\" & 'id'.txt",
    title="</title><script>alert('title')</script>",
    text=(
        "<script>alert('text')</script> The hostile article hides a zebra. "
        '<a href="javascript:alert(1)">click</a> {{ 7*7 }} &lt;b&gt;\n\n<svg onload=alert(2)>'
    ),
    language="en",
    source="<b onmouseover=alert(3)>Evil Times</b>",
    url="javascript:alert(document.domain)",
    author="<i>Mallory</i>",
)

EXAMPLES = {
    "ar": ("كم نقطة مراقبة أقامت قوات حفظ السلام؟", "متى وقّعت أرمينيا اتفاق وقف إطلاق النار؟"),
    "en": ("Who decoded the dance of bees?", "What gives the direction of the waggle dance?"),
    "zh": ("长城全长多少公里?",),
    "hi": ("गंगा नदी की लंबाई कितनी है?",),
    "fr": ("Quand le phare de Cordouan fut-il achevé ?",),
}


@dataclass(frozen=True, slots=True)
class _Hit:
    score: float
    passage: Passage
    article: Article


def terms(text: str) -> set[str]:
    """Fold a text into comparable terms; Chinese into pairs of characters."""
    folded = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if unicodedata.category(character) != "Mn" or character > "\u0900"
    )
    found = set()
    for word in WORD.findall(folded):
        if "\u4e00" <= word[0] <= "\u9fff":
            found |= {word[place : place + 2] for place in range(len(word) - 1)}
        elif len(word) > 2:
            found.add(word.removeprefix("ال"))
    return found


def guess_language(text: str) -> str:
    """Tell a language by its script."""
    for character in text:
        for name, code in (("ARABIC", "ar"), ("CJK", "zh"), ("DEVANAGARI", "hi")):
            if unicodedata.name(character, "").startswith(name):
                return code
    return "fr" if terms(text) & {"quand", "phare", "quelle", "combien"} else "en"


def passages_of(article: Article) -> list[Passage]:
    """Cut an article at blank lines."""
    found = []
    for block in re.finditer(r"[^\n]+(?:\n(?!\n)[^\n]+)*", article.text):
        text = block.group()
        digest = hashlib.sha256(f"{article.id}\0{text}".encode("utf-8", "replace")).hexdigest()[:16]
        sentences = tuple(
            Span(block.start() + part.start(), block.start() + part.end())
            for part in SENTENCE.finditer(text)
        )
        found.append(
            Passage(
                digest, article.id, block.start(), block.end(), text, article.language, sentences
            )
        )
    return found


class FakeService:
    """Behaves as `qa_service.service.Service` promises; see the test that compares the two."""

    def __init__(self, articles: Sequence[Article] = ARTICLES, *, has_index: bool = True) -> None:
        self._articles = {article.id: article for article in articles}
        self._has_index = has_index
        self._generation = 1
        self._job: IndexJob | None = None
        self._changed = threading.Condition()
        self.is_warm = True
        self.asked: list[Question] = []
        self.added: dict[str, bytes] = {}
        self.unread: list[FileOutcome] = []
        self.report: IndexReport | None = None
        # What the next question does instead of being answered.
        self.failure: BaseException | None = None
        # A question waits for this before it is answered.
        self.gate = threading.Event()
        self.gate.set()
        self.runs_jobs_to_the_end = True

    def warm_up(self) -> None:
        self.is_warm = True

    def return_memory(self) -> None:
        pass

    @property
    def is_ready(self) -> bool:
        return self.is_warm and self._has_index

    def ask(self, question: Question) -> Answer:
        self._need_index()
        self.asked.append(question)
        if self.failure is not None:
            raise self.failure
        self.gate.wait(20)
        started = time.perf_counter()
        searched_for = question.text
        if question.history and len(terms(question.text)) < 3:
            searched_for = f"{question.history[-1]} {question.text}"
        wanted = terms(searched_for)
        hits = sorted(
            (hit for hit in self._search(wanted, question.filters)),
            key=lambda hit: (-hit.score, hit.passage.id),
        )
        kept: list[_Hit] = []
        also_in: dict[str, list[str]] = {}
        for hit in hits:
            original = next((k for k in kept if hit.passage.text in k.passage.text), None)
            if original:
                also_in.setdefault(original.passage.id, []).append(hit.article.id)
            else:
                kept.append(hit)
        kept = kept[: question.top_k]
        confidence = kept[0].score if kept else 0.0
        is_answered = confidence >= 0.5
        passages = tuple(
            self._cite(rank, hit, wanted, tuple(also_in.get(hit.passage.id, ())))
            for rank, hit in enumerate(kept, start=1)
        )
        elapsed_ms = (time.perf_counter() - started) * 1000
        return Answer(
            question=question.text,
            searched_for=searched_for,
            language=guess_language(question.text),
            is_answered=is_answered,
            confidence=confidence,
            answer=self._answer(kept[0], wanted) if is_answered else None,
            passages=passages,
            index=self._state(),
            timings_ms={"encode": 0.0, "search": elapsed_ms, "rerank": 0.0, "total": elapsed_ms},
        )

    def explain(self, text: str, article_id: str, filters: Filters = Filters()) -> Explanation:
        self.article(article_id)
        return Explanation(text, text, article_id, (), None, "")

    def article(self, article_id: str) -> Article:
        self._need_index()
        if article_id not in self._articles:
            raise ArticleNotFoundError(
                f"No article {article_id!r} is indexed; GET /articles lists those that are."
            )
        return self._articles[article_id]

    def articles(self, offset: int = 0, limit: int = 50, query: str | None = None) -> ArticlePage:
        self._need_index()
        wanted = (query or "").casefold()
        found = sorted(
            (
                article
                for article in self._articles.values()
                if wanted in f"{article.title} {article.id} {article.source}".casefold()
            ),
            key=lambda article: (article.title, article.id),
        )
        return ArticlePage(
            total=len(found),
            offset=offset,
            items=tuple(
                ArticleSummary(
                    id=article.id,
                    title=article.title,
                    language=article.language,
                    source=article.source,
                    url=article.url,
                    published=article.published,
                    passages=len(passages_of(article)),
                    is_removable=article.id != "hi/ganga.txt",
                )
                for article in found[offset : offset + limit]
            ),
        )

    def passage(self, article_id: str, passage_id: str) -> Passage | None:
        article = self.article(article_id)
        return next((p for p in passages_of(article) if p.id == passage_id), None)

    def example_questions(self, language: str, limit: int = 4) -> tuple[str, ...]:
        self._need_index()
        own = EXAMPLES.get(language, ())
        others = [question for questions in EXAMPLES.values() for question in questions]
        return tuple(dict.fromkeys([*own, *others]))[:limit]

    def add_article(self, name: str, content: bytes) -> AddedFile:
        if name in self.added or name in self._articles:
            raise ArticleConflictError(f"There is a file {name!r} already; rename yours.")
        if not name.endswith((".txt", ".md")):
            raise UnsupportedFormatError(f"{name!r} is of no known format; send .txt or .md.")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise UnreadableFileError(f"{name!r} is not UTF-8.") from error
        head = split_front_matter(text)
        fields = {key: str(value) for key, value in head.fields.items()}
        if not head.body.strip():
            raise UnreadableFileError(f"{name!r} is empty.")
        published = fields.get("published")
        article = Article(
            id=name,
            title=fields.get("title", name),
            text=head.body.strip(),
            language=fields.get("language") or guess_language(head.body),
            source=fields.get("source"),
            url=fields.get("url"),
            author=fields.get("author"),
            published=dt.date.fromisoformat(published) if published else None,
        )
        self.added[name] = content
        job = self._run(lambda: self._articles.update({article.id: article}))
        return AddedFile(name, job)

    def remove_article(self, article_id: str) -> IndexJob:
        self.article(article_id)
        if article_id == "hi/ganga.txt":
            raise ArticleConflictError(
                f"{article_id!r} shares its file with others; edit the file instead."
            )
        return self._run(lambda: self._articles.pop(article_id))

    def index(
        self,
        paths: Sequence[Path] = (),
        *,
        rebuild: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        return self._report()

    def start_index(self, *, rebuild: bool = False) -> IndexJob:
        if self._job is not None and self._job.state is JobState.RUNNING:
            return self._job
        return self._run(lambda: None)

    def job(self) -> IndexJob | None:
        return self._job

    def wait_for_job_change(self, version: int, timeout_s: float) -> IndexJob | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._job is not None and self._job.version > version, timeout_s
            )
            return self._job

    def status(self) -> IndexStatus:
        self._need_index()
        languages: dict[str, int] = {}
        for article in self._articles.values():
            languages[article.language] = languages.get(article.language, 0) + 1
        state = self._state()
        return IndexStatus(
            path="index",
            generation=state.generation,
            previous_generation=None,
            created_at=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
            model="fake",
            articles=state.articles,
            passages=state.passages,
            languages=languages,
            sources=tuple(sorted({a.source for a in self._articles.values() if a.source})),
            size_bytes=123_456,
            damage=getattr(self, "_damage", None),
        )

    def unread_files(self, offset: int = 0, limit: int = 50) -> FilePage:
        return FilePage(len(self.unread), offset, tuple(self.unread[offset : offset + limit]))

    def folders(self) -> tuple[Path, ...]:
        return (Path("/srv/library"),)

    def watch(self) -> None:
        pass

    def verify(self) -> tuple[str, ...]:
        return ()

    def rollback(self) -> IndexStatus:
        raise NoPreviousGenerationError("There is no earlier generation.")

    def close(self) -> None:
        pass

    # What tests do to it.

    def break_index(self) -> None:
        """Behave as with an index that another model made."""
        self._broken: QaServiceError = IndexMismatchError(
            "index was built with model A; settings ask for B. Run: qa-service index --rebuild"
        )

    def damage_index(self) -> None:
        """Behave as with a torn file in the newest generation, which an older one stands in for."""
        self._damage = "index/x is missing. Run: qa-service rollback. Meanwhile 000001 answers."

    def edit(self, article_id: str, text: str) -> None:
        """Change an article's text, as a re-index after an edit does."""
        self._articles[article_id] = replace(self._articles[article_id], text=text)
        self._generation += 1

    def advance(
        self,
        stage: Stage,
        done: int,
        total: int,
        per_second: float | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Let the running job come further."""
        assert self._job is not None
        progress = Progress.counted(stage, done, total)
        progress = replace(progress, per_second=per_second, seconds_left=seconds_left)
        self._change(replace(self._job, progress=progress))

    def finish(self, error: str | None = None) -> None:
        """End the running job."""
        assert self._job is not None
        self._has_index = self._has_index or error is None
        self._generation += 1
        state = JobState.FAILED if error else JobState.DONE
        report = None if error else self._report()
        self._change(replace(self._job, state=state, report=report, error=error))

    def _run(self, work: Callable[[], object]) -> IndexJob:
        version = self._job.version + 1 if self._job else 1
        started = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
        job = IndexJob(f"job-{version}", version, JobState.RUNNING, started)
        self._job = job
        work()
        if self.runs_jobs_to_the_end:
            self.finish()
        return job

    def _change(self, job: IndexJob) -> None:
        with self._changed:
            self._job = replace(job, version=job.version + 1)
            self._changed.notify_all()

    def _report(self) -> IndexReport:
        if self.report is not None:
            return self.report
        state = self._state()
        return IndexReport(
            generation=state.generation,
            is_new=True,
            files=(
                FileOutcome(
                    "seeds/a.txt",
                    FileState.INDEXED,
                    1,
                    2,
                    dropped=(DroppedText("مشاركة", "share_button"),),
                ),
                FileOutcome("seeds/b.bin", FileState.FAILED, reason="not text: byte 0 is NUL"),
            ),
            duplicates={},
            articles=state.articles,
            passages=state.passages,
            embedded=2,
            reused=state.passages - 2,
            elapsed_ms=12.0,
        )

    def _state(self) -> IndexState:
        passages = sum(len(passages_of(article)) for article in self._articles.values())
        return IndexState(f"{self._generation:06d}", len(self._articles), passages)

    def _need_index(self) -> None:
        broken = getattr(self, "_broken", None)
        if broken is not None:
            raise broken
        if not self._has_index:
            raise NoIndexError("index holds no index yet. Run: qa-service index")

    def _search(self, wanted: set[str], filters: Filters) -> list[_Hit]:
        hits = []
        for article in self._articles.values():
            if filters.language and article.language != filters.language:
                continue
            if filters.source and article.source != filters.source:
                continue
            day = article.published
            if filters.published_from and (day is None or day < filters.published_from):
                continue
            if filters.published_to and (day is None or day > filters.published_to):
                continue
            for passage in passages_of(article):
                shared = wanted & terms(passage.text)
                if shared:
                    score = min(1.0, len(shared) / max(1, len(wanted)) * 1.2)
                    hits.append(_Hit(score, passage, article))
        return hits

    def _cite(
        self, rank: int, hit: _Hit, wanted: set[str], also_in: tuple[str, ...]
    ) -> CitedPassage:
        article, passage = hit.article, hit.passage
        highlights = []
        for word in WORD.finditer(passage.text):
            if "\u4e00" <= word.group()[0] <= "\u9fff":
                highlights += [
                    Span(place, place + 2)
                    for place in range(word.start(), word.end() - 1)
                    if passage.text[place : place + 2] in wanted
                ]
            elif terms(word.group()) & wanted:
                highlights.append(Span(word.start(), word.end()))
        return CitedPassage(
            rank=rank,
            score=hit.score,
            text=passage.text,
            language=passage.language,
            highlights=tuple(highlights),
            citation=Citation(
                id=passage.id,
                article_id=article.id,
                title=article.title,
                source=article.source,
                url=article.url,
                published=article.published,
                start=passage.start,
                end=passage.end,
            ),
            also_in=also_in,
            also_in_articles=tuple(
                ArticleName(other, self._articles[other].title, self._articles[other].language)
                for other in also_in
            ),
        )

    def _answer(self, hit: _Hit, wanted: set[str]) -> AnswerText:
        passage = hit.passage

        def overlap(span: Span) -> int:
            return len(terms(hit.article.text[span.start : span.end]) & wanted)

        best = max(passage.sentences, key=overlap)
        text = hit.article.text[best.start : best.end].rstrip()
        start = best.start - passage.start
        return AnswerText(text, passage.language, 1, Span(start, start + len(text)))
