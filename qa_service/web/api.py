"""The JSON API. What it takes and returns is in `bodies`; what can go wrong in `errors.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

import qa_service
from qa_service.bodies import (
    AnswerOut,
    ArticleAcceptedOut,
    ArticleIn,
    ArticleListOut,
    ArticleOut,
    AskIn,
    Body,
    FeedbackIn,
    FeedbackOut,
    HealthOut,
    IndexIn,
    IndexOut,
    JobAcceptedOut,
    ReadyOut,
)
from qa_service.errors import StoredIndexError
from qa_service.types import IndexJob, IndexStatus, JobState
from qa_service.web import metrics, pages
from qa_service.web.context import context
from qa_service.web.errors import HttpProblem
from qa_service.web.openapi import returns_text
from qa_service.web.paths import excerpt_without_folders, without_folders
from qa_service.web.queries import ArticleListQuery, AskQuery, IndexQuery
from qa_service.web.requests import read_as
from qa_service.web.uploads import Upload, safe_name, upload_of_article

if TYPE_CHECKING:
    from qa_service.service import Service

api = APIBlueprint("api", __name__)

_EVENT_WAIT_S = 10.0


@api.post("/ask")
@api.input(AskIn, location="json")
@api.output(AnswerOut, description="The answer, or the nearest passages when nothing answers.")
@api.doc(tags=["Questions"], operation_id="ask", responses=[409, 413, 415, 503])
def ask(json_data: AskIn) -> AnswerOut:
    """Answer a question with quotes from the articles.

    Every quote is an exact slice of a stored article. When the articles hold no answer,
    `answered` is false, `message` says so in the language of the question, and `passages` are the
    nearest there are.
    """
    return AnswerOut.from_answer(context().desk.ask(json_data.to_question()))


@api.get("/ask")
@api.input(AskQuery, location="query")
@api.output(AnswerOut, description="The same as from `POST /ask`.")
@api.doc(tags=["Questions"], operation_id="askByAddress", responses=[409, 503])
def ask_by_address(query_data: AskQuery) -> AnswerOut:
    """Answer a question given in the address."""
    return AnswerOut.from_answer(context().desk.ask(query_data.to_question()))


@api.post("/feedback")
@api.input(FeedbackIn, location="json")
@api.output(FeedbackOut, status_code=201, description="The verdict is kept.")
@api.doc(tags=["Questions"], operation_id="giveFeedback", responses=[404, 413, 415, 503])
def feedback(json_data: FeedbackIn) -> FeedbackOut:
    """Tell whether a passage answers a question.

    Verdicts are kept in `feedback.jsonl` in the index folder, as `qa-service eval` reads them.
    """
    shared = context()
    article = shared.service.article(json_data.article_id)
    passage = shared.service.passage(json_data.article_id, json_data.citation_id)
    if passage is None:
        raise HttpProblem(
            404,
            "passage_not_found",
            f"Article {json_data.article_id!r} holds no passage {json_data.citation_id!r}; it may "
            "have changed since. Ask again and judge the new passage.",
        )
    if json_data.answer is not None and json_data.answer not in article.text:
        raise HttpProblem(
            422,
            "invalid_request",
            "answer: is not in the article; give the words exactly as they stand there.",
            detail={"fields": {"answer": "is not in the article."}},
        )
    shared.feedback.record(json_data)
    shared.metrics.record_feedback(is_helpful=json_data.helpful)
    return FeedbackOut(recorded=True)


@api.get("/articles")
@api.input(ArticleListQuery, location="query")
@api.output(ArticleListOut, description="A part of the list, or the library page.")
@api.doc(tags=["Articles"], operation_id="listArticles", responses=[503])
def articles(query_data: ArticleListQuery) -> ResponseReturnValue:
    """List the articles by title; browsers get the library page.

    `Accept: application/json` gets JSON.
    """
    service = context().service
    if pages.wants_json():
        page = service.articles(query_data.offset, query_data.limit, query_data.q)
        return _varied(_reply(ArticleListOut.from_page(page, query_data.limit)))
    return _varied(pages.render_library(query_data))


@api.get("/articles/<article_id:article_id>")
@api.output(ArticleOut, description="The article as stored, or its page.")
@api.doc(tags=["Articles"], operation_id="getArticle", responses=[404, 503])
def article(article_id: str) -> ResponseReturnValue:
    """Return an article; browsers get its page, with a cited passage marked.

    `Accept: application/json` gets JSON. With `?passage=<citation id>` the place of that passage
    comes along, or null when the article no longer holds it.
    """
    service = context().service
    found = service.article(article_id)
    passage_id = request.args.get("passage", "")[:200]
    passage = service.passage(article_id, passage_id) if passage_id else None
    if pages.wants_json():
        return _varied(_reply(ArticleOut.from_article(found, passage)))
    return _varied(pages.render_article(found, passage, is_passage_asked=bool(passage_id)))


@api.post("/articles")
@api.output(ArticleAcceptedOut, status_code=202, description="Stored; being indexed.")
@api.doc(tags=["Articles"], operation_id="addArticle", responses=[409, 413, 415, 422, 503])
def add_article() -> ArticleAcceptedOut:
    """Add an article: its fields as JSON, or a file as multipart form data.

    The file is stored in the articles folder under a safe version of its name, with a number when
    that is taken, then indexed; `name` is the one it got. 415 when no reader takes its format, 413
    when its format is not read at that size, 422 when it is empty, 409 while another process
    writes the index; nothing is stored then.
    """
    upload = _read_upload()
    added = context().service.add_article(upload.name, upload.content)
    return ArticleAcceptedOut.from_added(added, excerpt_without_folders())


@api.delete("/articles/<article_id:article_id>")
@api.output(JobAcceptedOut, status_code=202, description="Removed; the index is being updated.")
@api.doc(tags=["Articles"], operation_id="removeArticle", responses=[404, 409, 503])
def remove_article(article_id: str) -> JobAcceptedOut:
    """Remove an article: its file is moved out of the articles folder.

    409 when its file holds other articles, too, or while another process writes the index. A file
    that no article could be read from goes by its path, as `GET /index` lists it under `unread`.
    """
    job = context().service.remove_article(article_id)
    return JobAcceptedOut.from_job(job, excerpt_without_folders())


@api.post("/index")
@api.input(IndexIn, location="json")
@api.output(JobAcceptedOut, status_code=202, description="The run that was started, or runs.")
@api.doc(tags=["Index"], operation_id="startIndex", responses=[409, 413, 415, 503])
def start_index(json_data: IndexIn) -> JobAcceptedOut:
    """Start to bring the index in step with the articles folder.

    The index in service goes on answering. When a run is under way already, it is returned; 409
    when it is another process's.
    """
    job = context().service.start_index(rebuild=json_data.rebuild)
    return JobAcceptedOut.from_job(job, excerpt_without_folders())


@api.get("/index")
@api.input(IndexQuery, location="query")
@api.output(IndexOut, description="What is indexed, and the running or last job.")
@api.doc(tags=["Index"], operation_id="getIndex")
def index(query_data: IndexQuery) -> IndexOut:
    """Describe the index in service, and the running or last job with its report.

    Lists of files are told in parts: `?offset=100` goes on after the first hundred.
    """
    return _index_of(context().service, query_data)


@api.get("/index/events")
@api.doc(
    tags=["Index"],
    operation_id="watchIndex",
    responses=returns_text(
        "text/event-stream",
        "Server-sent events named `index`; the data of each is the body of `GET /index`. The "
        "stream ends when no job is running.",
        errors=(503,),
    ),
)
def index_events() -> Response:
    """Follow an index job as it goes."""
    shared = context()
    held = ExitStack()
    held.enter_context(shared.event_places.take())
    response = Response(_index_events(shared.service), mimetype="text/event-stream")
    response.call_on_close(held.close)
    # A proxy that collects the response would keep the events back.
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    return response


@api.get("/health")
@api.output(HealthOut, description="The process is alive.")
@api.doc(tags=["Operation"], operation_id="health")
def health() -> HealthOut:
    """Tell that the process is alive."""
    return HealthOut(status="ok", version=qa_service.__version__)


@api.get("/ready")
@api.output(ReadyOut, description="Index and model are loaded.")
@api.doc(tags=["Operation"], operation_id="ready", responses=[503])
def ready() -> ReadyOut:
    """Tell whether index and model are loaded, so that questions can come."""
    service = context().service
    if service.is_ready:
        return ReadyOut(ready=True)
    _, problem = _index_in_service(service)
    message = (
        without_folders(str(problem))
        if problem
        else "Index and model are being loaded; try again soon."
    )
    raise HttpProblem(503, "not_ready", message, headers={"Retry-After": "2"})


@api.get("/metrics")
@api.doc(
    tags=["Operation"],
    operation_id="metrics",
    responses=returns_text("text/plain", "Figures in Prometheus' text format."),
)
def show_metrics() -> Response:
    """Return latencies by stage, answers and abstentions, and the index's size."""
    return Response(context().metrics.to_text(), content_type=metrics.CONTENT_TYPE)


@api.after_request
def keep_fresh(response: Response) -> Response:
    """Keep browsers and proxies from answering out of their memory."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _read_upload() -> Upload:
    if request.mimetype == "multipart/form-data":
        # A part without a name has None for one.
        unknown = sorted({name or "" for name in (*request.form, *request.files)} - {"file"})
        if unknown or len(request.files.getlist("file")) != 1:
            found = f"also holds {unknown[0][:100]!r}" if unknown else "does not hold exactly that"
            raise HttpProblem(
                422,
                "invalid_request",
                f"file: send one file in the field 'file'; the form {found}.",
            )
        file = request.files["file"]
        return Upload(name=safe_name(file.filename or ""), content=file.read())
    return upload_of_article(read_as(ArticleIn, request.get_json()))


def _index_in_service(
    service: Service,
) -> tuple[IndexStatus | None, StoredIndexError | None]:
    try:
        return service.status(), None
    except StoredIndexError as error:
        return None, error


def _index_of(
    service: Service, part: IndexQuery, job: IndexJob | None = None, *, is_event: bool = False
) -> IndexOut:
    excerpt = excerpt_without_folders(service.folders(), offset=part.offset, limit=part.limit)
    status, problem = _index_in_service(service)
    job = job or service.job()
    # While a run goes on its progress is told many times a second; the list is that of before.
    is_progress = is_event and job is not None and job.state is JobState.RUNNING
    unread = None
    if status is not None and not is_progress:
        unread = service.unread_files(part.offset, part.limit)
    return IndexOut.from_index(status, problem, job, unread, excerpt)


def _index_events(service: Service) -> Iterator[str]:
    # Browsers come back by themselves after this long.
    yield "retry: 5000\n\n"
    job = service.job()
    yield _event(service, job)
    while job is not None and job.state is JobState.RUNNING:
        later = service.wait_for_job_change(job.version, _EVENT_WAIT_S)
        if later == job:
            yield ": still running\n\n"
            continue
        job = later
        yield _event(service, job)


def _event(service: Service, job: IndexJob | None) -> str:
    body = _index_of(service, IndexQuery(), job, is_event=True)
    return f"event: index\ndata: {body.to_text()}\n\n"


def _reply(body: Body) -> Response:
    return jsonify(body.model_dump(mode="json"))


def _varied(response: Response) -> Response:
    response.vary.add("Accept")
    return response
