"""The pages for people: chat, article, library, API reference; all of them work without scripts."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlencode

from apiflask import APIBlueprint, APIFlask
from flask import (
    Response,
    current_app,
    make_response,
    redirect,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

import qa_service
from qa_service.bodies import AnswerOut, AskIn, IndexOut, UnreadFilesOut
from qa_service.bodies.questions import FiltersIn
from qa_service.bodies.request_fields import MAX_HISTORY
from qa_service.errors import NoIndexError, QaServiceError, StoredIndexError
from qa_service.types import (
    MAX_QUESTION_CHARACTERS,
    Article,
    ArticlePage,
    IndexStatus,
    JobState,
    Passage,
    Span,
)
from qa_service.web.context import context
from qa_service.web.errors import HttpProblem, problem_of
from qa_service.web.highlighting import (
    Marks,
    mark_paragraphs,
    marks_of_passage,
    parse_spans,
)
from qa_service.web.openapi import returns_text
from qa_service.web.paths import excerpt_without_folders, without_folders
from qa_service.web.queries import ArticleListQuery, AskQuery, TurnQuery
from qa_service.web.rendering import (
    LANGUAGE_COOKIE,
    STATIC,
    current_interface,
    own_path,
    render,
    static_address,
    static_version,
)
from qa_service.web.requests import read_as
from qa_service.web.translations import INTERFACE_LANGUAGES, Interface

pages = APIBlueprint("pages", __name__, enable_openapi=True)

UNREAD_SHOWN: Final = 50
_A_YEAR_S: Final = 365 * 24 * 3600
_ASK_FIELDS: Final = frozenset(AskQuery.model_fields)


@pages.get("/")
@pages.doc(
    tags=["Pages"],
    operation_id="chatPage",
    responses=returns_text("text/html", "The page.", errors=(422, 503)),
)
def chat() -> Response:
    """Show the chat page; with `?q=` the answer to that question, as `GET /ask` gives it."""
    shared = context()
    interface = current_interface()
    status, problem = _status()
    question = request.args.get("q", "")
    answered: dict[str, object] = {}
    if question.strip() and status is not None:
        try:
            answered = _answer(_question_of_address())
        except QaServiceError as error:
            problem = problem_of(error)
        except HttpProblem as error:
            problem = error
    job = shared.service.job()
    response = render(
        "chat.html",
        interface,
        **answered,
        problem=problem,
        question=question,
        history=[*request.args.getlist("history"), question][-MAX_HISTORY:] if question else [],
        status=status,
        is_indexing=job is not None and job.state is JobState.RUNNING,
        examples=_examples(interface) if status and not question.strip() else (),
        chosen={name: request.args.get(name, "") for name in _ASK_FIELDS},
        max_characters=MAX_QUESTION_CHARACTERS,
        version=qa_service.__version__,
    )
    if problem is not None and question.strip():
        response.status_code = problem.status
        response.headers.update(problem.headers)
    return response


@pages.post("/turn")
@pages.input(AskIn, location="json")
@pages.input(TurnQuery, location="query")
@pages.doc(
    tags=["Pages"],
    operation_id="askForTurn",
    responses=returns_text(
        "text/html", "The question with its answer and passages.", errors=(409, 413, 415, 503)
    ),
)
def turn(json_data: AskIn, query_data: TurnQuery) -> Response:
    """Answer a question as the chat page shows it, without the page around it.

    Takes what `POST /ask` takes and answers the same; that one replies with JSON, this one with
    HTML, whatever the header Accept says. Errors are JSON unless it likes HTML as well.
    """
    return render("_turn.html", current_interface(query_data.interface), **_answer(json_data))


@pages.get("/docs")
@pages.doc(
    tags=["Pages"],
    operation_id="docsPage",
    responses=returns_text("text/html", "The page."),
)
def docs() -> Response:
    """Show the API's reference, made from `/openapi.json`."""
    return render("docs.html", current_interface(), document=cast("APIFlask", current_app).spec)


@pages.get("/language/<code>")
@pages.doc(
    tags=["Pages"],
    operation_id="chooseLanguage",
    responses=returns_text(
        "text/html",
        "The language is kept in a cookie; back to the page.",
        status=303,
        errors=(404,),
    ),
)
def choose(code: str) -> Response:
    """Show the pages in another language from now on."""
    if code not in INTERFACE_LANGUAGES:
        raise NotFound
    response = make_response(redirect(own_path(request.args.get("next", "/")), 303))
    response.set_cookie(
        LANGUAGE_COOKIE,
        code,
        max_age=_A_YEAR_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


@pages.get("/static/<version>/<path:name>")
@pages.doc(hide=True)
def static_file(version: str, name: str) -> Response:
    """Return a style sheet, script or picture; its address changes when any of them does."""
    response = send_from_directory(
        STATIC, name, mimetype=_media_type(name), conditional=True, etag=True
    )
    is_current = version == static_version()
    response.headers["Cache-Control"] = (
        f"public, max-age={_A_YEAR_S}, immutable" if is_current else "no-cache"
    )
    return response


@pages.get("/favicon.ico")
@pages.doc(hide=True)
def favicon() -> Response:
    """Lead browsers that look for an icon here to the one there is."""
    return make_response(redirect(static_address("icon.svg"), 302))


def render_article(found: Article, passage: Passage | None, *, is_passage_asked: bool) -> Response:
    """Return an article's page, the passage and what the address names in it marked."""
    marks = Marks()
    if passage is not None:
        sentences = parse_spans(request.args.get("sentence", ""))
        marks = marks_of_passage(
            Span(passage.start, passage.end),
            parse_spans(request.args.get("highlight", "")),
            sentences[0] if sentences else None,
        )
    return render(
        "article.html",
        current_interface(),
        article=found,
        passage=passage,
        paragraphs=mark_paragraphs(found.text, marks),
        has_changed=is_passage_asked and passage is None,
    )


def render_library(query: ArticleListQuery) -> Response:
    """Return the library page: what is indexed and its state."""
    service = context().service
    status, problem = _status()
    if status is not None and status.damage is not None:
        problem = HttpProblem(HTTPStatus.OK, "index_damaged", without_folders(status.damage))
    page = (
        service.articles(query.offset, query.limit, query.q or None)
        if status
        else ArticlePage(total=0, offset=0, items=())
    )
    job = service.job()
    excerpt = excerpt_without_folders(service.folders(), limit=UNREAD_SHOWN)
    unread = service.unread_files(0, UNREAD_SHOWN) if status else None
    return render(
        "library.html",
        current_interface(),
        page=page,
        query=query,
        page_number=query.offset // query.limit + 1,
        page_count=max(1, -(-page.total // query.limit)),
        status=status,
        problem=problem,
        index=IndexOut.from_index(status, None, job, None, excerpt).model_dump(mode="json"),
        unread=UnreadFilesOut.from_page(unread, excerpt) if unread else None,
        max_upload_mb=context().settings.max_upload_mb,
    )


def render_error_page(problem: HttpProblem) -> Response:
    """Return a page that says what is wrong and what to do next."""
    return render("error.html", current_interface(), problem=problem)


def wants_json() -> bool:
    """True when the request names JSON and does not like a page better."""
    accepted = request.accept_mimetypes
    if "application/json" not in [kind for kind, _ in accepted]:
        return False
    return accepted["application/json"] >= accepted["text/html"]


@pages.after_request
def keep_fresh(response: Response) -> Response:
    """Keep pages, which depend on cookie and language, out of shared caches."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _answer(asked: AskIn | AskQuery) -> dict[str, object]:
    """Answer a question and return what `_turn.html` needs to show it."""
    answer = context().desk.ask(asked.to_question())
    filters = asked.filters if isinstance(asked, AskIn) else asked
    chosen = filters.model_dump(mode="json", include=set(FiltersIn.model_fields), exclude_none=True)
    # What a follow-up left unsaid would be lost on the reader of the link.
    link = {"q": answer.searched_for} | {name: value for name, value in chosen.items() if value}
    return {
        "answer": answer,
        "body": AnswerOut.from_answer(answer),
        "question_link": "/?" + urlencode(link),
    }


def _question_of_address() -> AskQuery:
    """Read a question from the page's address, which may hold other things, too."""
    given = {
        name: value
        for name, value in request.args.to_dict().items()
        if name in _ASK_FIELDS and value != ""
    }
    return read_as(AskQuery, given)


def _status() -> tuple[IndexStatus | None, HttpProblem | None]:
    try:
        return context().service.status(), None
    except NoIndexError:
        return None, None
    except StoredIndexError as error:
        return None, problem_of(error)


def _examples(interface: Interface) -> tuple[str, ...]:
    try:
        return context().service.example_questions(interface.language)
    except StoredIndexError:
        return ()


def _media_type(name: str) -> str:
    # What the system's own tables say about scripts varies; browsers refuse modules served as text.
    if name.endswith(".js"):
        return "text/javascript"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
