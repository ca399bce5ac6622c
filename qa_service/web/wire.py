"""Answers, articles and reports as the JSON that the API and `--json` print; knows no Flask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from qa_service.answer.evaluation import Evaluation
from qa_service.errors import QaServiceError
from qa_service.types import (
    Answer,
    AnswerText,
    Article,
    ArticlePage,
    ArticleSummary,
    CitedPassage,
    Explanation,
    FileOutcome,
    FilePage,
    FileState,
    IndexJob,
    IndexReport,
    IndexStatus,
    Passage,
    Progress,
    Span,
    text_direction,
)
from qa_service.web.paths import without_folders
from qa_service.web.translations import no_answer_message

Json = dict[str, Any]

# More words than this make an address too long for some servers and add nothing for the reader.
_MAX_LINKED_HIGHLIGHTS = 60

# Of a report, how much one body or page holds.
FILES_SHOWN = 100
_DROPPED_SHOWN = 10
_DROPPED_CHARACTERS_SHOWN = 100
_REASON_CHARACTERS_SHOWN = 300
# What needs a person's eye comes first.
_TELLING = (
    *(FileState.FAILED, FileState.SKIPPED, FileState.REMOVED, FileState.INDEXED),
    FileState.UNCHANGED,
)


def article_path(article_id: str) -> str:
    """Return the address of an article below the service's root.

    Slashes stay readable, except where a browser would take a part of the id for "here" or
    "one folder up" and change the address.
    """
    parts = article_id.split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts)
    return "/articles/" + quote(article_id, safe="/" if is_plain else "")


def citation_link(
    article_id: str,
    passage_id: str,
    highlights: Sequence[Span] = (),
    sentence: Span | None = None,
) -> str:
    """Return the address that opens an article scrolled to a passage, marked.

    Highlights and the answering sentence are offsets into the passage, so that they hold as long
    as the passage's text does.
    """
    query = {"passage": passage_id}
    if highlights:
        query["highlight"] = ",".join(
            f"{span.start}-{span.end}" for span in highlights[:_MAX_LINKED_HIGHLIGHTS]
        )
    if sentence is not None:
        query["sentence"] = f"{sentence.start}-{sentence.end}"
    fragment = "passage-" + quote(passage_id, safe="")
    return f"{article_path(article_id)}?{urlencode(query, safe=',')}#{fragment}"


def web_address(url: str | None) -> str | None:
    """Return the address when it is one that a page may link to: http or https, with a host."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def answer_to_json(answer: Answer) -> Json:
    """Return the body of `POST /ask`."""
    return {
        "question": answer.question,
        "searched_for": answer.searched_for,
        "language": answer.language,
        "answered": answer.is_answered,
        "confidence": _between_0_and_1(answer.confidence),
        "message": None if answer.is_answered else no_answer_message(answer.language),
        "answer": _answer_text_to_json(answer.answer) if answer.answer else None,
        "passages": [_cited_passage_to_json(hit, answer.answer) for hit in answer.passages],
        "index": {
            "generation": answer.index.generation,
            "articles": answer.index.articles,
            "passages": answer.index.passages,
        },
        "timings_ms": {stage: round(ms, 3) for stage, ms in answer.timings_ms.items()},
    }


def _answer_text_to_json(answer: AnswerText) -> Json:
    return {
        "text": answer.text,
        "language": answer.language,
        "direction": text_direction(answer.language),
        "citation": answer.citation,
        "start": answer.span.start,
        "end": answer.span.end,
    }


def _cited_passage_to_json(hit: CitedPassage, answer: AnswerText | None) -> Json:
    citation = hit.citation
    sentence = answer.span if answer is not None and answer.citation == hit.rank else None
    return {
        "rank": hit.rank,
        "score": _between_0_and_1(hit.score),
        "text": hit.text,
        "language": hit.language,
        "direction": text_direction(hit.language),
        "highlights": [{"start": span.start, "end": span.end} for span in hit.highlights],
        "citation": {
            "id": citation.id,
            "article_id": citation.article_id,
            "title": citation.title,
            "source": citation.source,
            "url": citation.url,
            "published": citation.published.isoformat() if citation.published else None,
            "start": citation.start,
            "end": citation.end,
            "link": citation_link(citation.article_id, citation.id, hit.highlights, sentence),
        },
        "also_in": list(hit.also_in),
        "also_in_articles": [
            {
                "id": article.id,
                "title": article.title,
                "language": article.language,
                "link": article_path(article.id),
            }
            for article in hit.also_in_articles
        ],
    }


def _between_0_and_1(value: float) -> float:
    """Cut off what rounding may have added to a probability, and digits that say nothing."""
    return round(min(1.0, max(0.0, value)), 6)


def article_to_json(article: Article, passage: Passage | None = None) -> Json:
    """Return the body of `GET /articles/<id>`; `passage` is the one that was asked for."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "language": article.language,
        "direction": text_direction(article.language),
        "source": article.source,
        "url": article.url,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "passage": (
            {"id": passage.id, "start": passage.start, "end": passage.end} if passage else None
        ),
    }


def article_page_to_json(page: ArticlePage, limit: int) -> Json:
    """Return the body of `GET /articles`."""
    return {
        "total": page.total,
        "offset": page.offset,
        "limit": limit,
        "articles": [_summary_to_json(summary) for summary in page.items],
    }


def _summary_to_json(summary: ArticleSummary) -> Json:
    return {
        "id": summary.id,
        "title": summary.title,
        "language": summary.language,
        "direction": text_direction(summary.language),
        "source": summary.source,
        "url": summary.url,
        "published": summary.published.isoformat() if summary.published else None,
        "passages": summary.passages,
        "is_removable": summary.is_removable,
        "link": article_path(summary.id),
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of what may be long is told to a client, and where files are said to lie.

    `folders` are left out of the names of files; other folders are, too.
    """

    offset: int = 0
    limit: int = FILES_SHOWN
    folders: tuple[Path, ...] = ()

    def text(self, text: str | None) -> str | None:
        """Return a message that does not tell where things lie on the server."""
        return None if text is None else without_folders(text, self.folders)


def report_to_json(report: IndexReport, shown: Shown | None = None) -> Json:
    """Return an index run's report: all of it, or the part that is shown, what failed first."""
    files: Sequence[FileOutcome] = report.files
    duplicates = dict(report.duplicates)
    if shown is not None:
        files = sorted(files, key=lambda file: (_TELLING.index(file.state), file.path))
        files = files[shown.offset : shown.offset + shown.limit]
        some = sorted(duplicates.items())[shown.offset : shown.offset + shown.limit]
        duplicates = dict(some)
    states = Counter(outcome.state for outcome in report.files)
    return {
        "generation": report.generation,
        "is_new": report.is_new,
        "articles": report.articles,
        "passages": report.passages,
        "embedded": report.embedded,
        "reused": report.reused,
        "elapsed_ms": round(report.elapsed_ms, 3),
        "files": [_outcome_to_json(outcome, shown) for outcome in files],
        "files_total": len(report.files),
        "files_offset": 0 if shown is None else shown.offset,
        "states": {state.value: states[state] for state in FileState},
        "duplicates": duplicates,
        "duplicates_total": len(report.duplicates),
        "mended": report.mended if shown is None else shown.text(report.mended),
    }


def _outcome_to_json(outcome: FileOutcome, shown: Shown | None) -> Json:
    dropped = outcome.dropped if shown is None else outcome.dropped[:_DROPPED_SHOWN]
    longest = None if shown is None else _DROPPED_CHARACTERS_SHOWN
    return {
        "path": outcome.path if shown is None else shown.text(outcome.path),
        "state": outcome.state.value,
        "articles": outcome.articles,
        "passages": outcome.passages,
        "reason": outcome.reason if shown is None else _cut(shown.text(outcome.reason)),
        "dropped": [{"text": item.text[:longest], "reason": item.reason} for item in dropped],
        "dropped_total": len(outcome.dropped),
    }


def _cut(reason: str | None) -> str | None:
    if reason is None or len(reason) <= _REASON_CHARACTERS_SHOWN:
        return reason
    return reason[:_REASON_CHARACTERS_SHOWN] + "…"


def file_page_to_json(page: FilePage, shown: Shown) -> Json:
    """Return a part of the list of files that hold no article."""
    return {
        "total": page.total,
        "offset": page.offset,
        "files": [
            {
                "path": shown.text(file.path),
                "state": file.state.value,
                "reason": _cut(shown.text(file.reason)),
                "link": article_path(file.path),
            }
            for file in page.items
        ],
    }


def job_to_json(job: IndexJob, shown: Shown = Shown()) -> Json:
    """Return an index job: its state, how far it has come, and its report when it is done."""
    return {
        "id": job.id,
        "version": job.version,
        "state": job.state.value,
        "started_at": job.started_at.isoformat(),
        "progress": _progress_to_json(job.progress) if job.progress else None,
        "report": report_to_json(job.report, shown) if job.report else None,
        "error": shown.text(job.error),
    }


def _progress_to_json(progress: Progress) -> Json:
    per_second, seconds_left = progress.per_second, progress.seconds_left
    return {
        "stage": progress.stage.value,
        "done": progress.done,
        "total": progress.total,
        "share": round(progress.share, 4),
        "per_second": None if per_second is None else round(per_second, 2),
        "seconds_left": None if seconds_left is None else round(seconds_left, 1),
    }


def status_to_json(status: IndexStatus) -> Json:
    """Return the description of the index in service."""
    return {
        "path": status.path,
        "generation": status.generation,
        "previous_generation": status.previous_generation,
        "created_at": status.created_at.isoformat(),
        "model": status.model,
        "articles": status.articles,
        "passages": status.passages,
        "languages": dict(status.languages),
        "sources": list(status.sources),
        "size_bytes": status.size_bytes,
        "damage": status.damage,
    }


def index_to_json(
    status: IndexStatus | None,
    problem: QaServiceError | None,
    job: IndexJob | None,
    unread: FilePage | None = None,
    shown: Shown = Shown(),
) -> Json:
    """Return the body of `GET /index` and of its events."""
    described = None
    if status is not None:
        described = status_to_json(status) | {
            "path": shown.text(status.path),
            "damage": shown.text(status.damage),
        }
    message = "" if problem is None else without_folders(str(problem), shown.folders)
    return {
        "index": described,
        "problem": error_to_json(problem.code, message)["error"] if problem else None,
        "job": job_to_json(job, shown) if job else None,
        "unread": None if unread is None else file_page_to_json(unread, shown),
    }


def explanation_to_json(explanation: Explanation) -> Json:
    """Return an article's way through the stages."""
    return {
        "question": explanation.question,
        "searched_for": explanation.searched_for,
        "article_id": explanation.article_id,
        "stages": [
            {
                "stage": stage.stage,
                "rank": stage.rank,
                "score": stage.score,
                "considered": stage.considered,
            }
            for stage in explanation.stages
        ],
        "lost_at": explanation.lost_at,
        "summary": explanation.summary,
    }


def evaluation_to_json(evaluation: Evaluation) -> Json:
    """Return how well known questions were answered."""
    return {
        "questions": evaluation.questions,
        "recall": {str(depth): share for depth, share in evaluation.recall.items()},
        "mrr": evaluation.mrr,
        "sentence_accuracy": evaluation.sentence_accuracy,
        "answered": evaluation.answered,
        "refused": evaluation.refused,
        "p50_ms": round(evaluation.p50_ms, 3),
        "p95_ms": round(evaluation.p95_ms, 3),
    }


def error_to_json(code: str, message: str, detail: Json | None = None) -> Json:
    """Return an error as every door reports it."""
    return {"error": {"code": code, "message": message, "detail": detail}}
