"""The pages for people: chat, article, library, API reference; all of them work without scripts."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from apiflask import APIBlueprint, APIFlask
from flask import (
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

from qa_service.errors import NoIndexError, QaServiceError, StoredIndexError
from qa_service.types import (
    Answer,
    Article,
    ArticlePage,
    IndexStatus,
    JobState,
    Passage,
    Span,
    text_direction,
)
from qa_service.web import wire
from qa_service.web.context import context
from qa_service.web.errors import HttpProblem, problem_of
from qa_service.web.marking import (
    Marks,
    Stretch,
    mark_paragraphs,
    mark_text,
    marks_of_passage,
    parse_spans,
)
from qa_service.web.openapi import returns_text
from qa_service.web.requests import read_as
from qa_service.web.schemas.articles import ArticleListQuery
from qa_service.web.schemas.fields import MAX_HISTORY, MAX_QUESTION_CHARACTERS
from qa_service.web.schemas.questions import AskQuery
from qa_service.web.translations import INTERFACE_LANGUAGES, Interface, choose_language, own_name

pages = APIBlueprint("pages", __name__, enable_openapi=True)

LANGUAGE_COOKIE: Final = "qa_language"
_A_YEAR_S: Final = 365 * 24 * 3600
_STATIC: Final = Path(str(files("qa_service.web") / "static"))
_ASK_FIELDS: Final = frozenset(AskQuery.model_fields)

# The last words of a problem's key in messages/*.json; every other code reads as "generic".
_PROBLEM_KEYS: Final[Mapping[str, str]] = {
    "api_key_needed": "api_key_needed",
    "article_conflict": "article_conflict",
    "article_not_found": "article_not_found",
    "index_busy": "index_busy",
    "index_corrupt": "index",
    "index_error": "index",
    "index_mismatch": "index",
    "index_write_failed": "index",
    "invalid_question": "invalid_request",
    "invalid_request": "invalid_request",
    "model_unavailable": "model_unavailable",
    "not_found": "not_found",
    "overloaded": "overloaded",
    "rate_limited": "rate_limited",
    "too_large": "too_large",
    "unreadable_file": "invalid_request",
}


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
    answer: Answer | None = None
    if question.strip() and status is not None:
        try:
            answer = shared.desk.ask(_question_of_address().to_question())
        except QaServiceError as error:
            problem = problem_of(error)
        except HttpProblem as error:
            problem = error
    job = shared.service.job()
    response = _render(
        "chat.html",
        interface,
        answer=answer,
        body=wire.answer_to_json(answer) if answer else None,
        problem=problem,
        question=question,
        history=[*request.args.getlist("history"), question][-MAX_HISTORY:] if question else [],
        status=status,
        is_indexing=job is not None and job.state is JobState.RUNNING,
        examples=_examples(interface) if status and not question.strip() else (),
        chosen={name: request.args.get(name, "") for name in _ASK_FIELDS},
        max_characters=MAX_QUESTION_CHARACTERS,
    )
    if problem is not None and question.strip():
        response.status_code = problem.status
        response.headers.update(problem.headers)
    return response


@pages.get("/docs")
@pages.doc(
    tags=["Pages"],
    operation_id="docsPage",
    responses=returns_text("text/html", "The page."),
)
def docs() -> Response:
    """Show the API's reference, made from `/openapi.json`."""
    return _render("docs.html", current_interface(), document=cast("APIFlask", current_app).spec)


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
    response = make_response(redirect(_own_path(request.args.get("next", "/")), 303))
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
        _STATIC, name, mimetype=_media_type(name), conditional=True, etag=True
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
    return _render(
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
    page = (
        service.articles(query.offset, query.limit, query.q or None)
        if status
        else ArticlePage(total=0, offset=0, items=())
    )
    job = service.job()
    return _render(
        "library.html",
        current_interface(),
        page=page,
        query=query,
        page_number=query.offset // query.limit + 1,
        page_count=max(1, -(-page.total // query.limit)),
        status=status,
        problem=problem,
        index=wire.index_to_json(status, None, job),
        max_upload_mb=context().settings.max_upload_mb,
    )


def render_error_page(problem: HttpProblem) -> Response:
    """Return a page that says what is wrong and what to do next."""
    return _render("error.html", current_interface(), problem=problem)


def wants_json() -> bool:
    """True when the request names JSON and does not like a page better."""
    accepted = request.accept_mimetypes
    if "application/json" not in [kind for kind, _ in accepted]:
        return False
    return accepted["application/json"] >= accepted["text/html"]


def current_interface() -> Interface:
    """Return the interface in the language chosen before, or the browser's, or English."""
    wishes = [request.cookies.get(LANGUAGE_COOKIE), *request.accept_languages.values()]
    return Interface(choose_language(wishes))


@cache
def static_version() -> str:
    """Return a fingerprint of all static files, so that they can be cached for ever."""
    digest = hashlib.sha256()
    for path in sorted(_STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(_STATIC).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def static_address(name: str) -> str:
    """Return the address of a static file."""
    return f"{request.script_root}/static/{static_version()}/{name}"


@pages.after_request
def keep_fresh(response: Response) -> Response:
    """Keep pages, which depend on cookie and language, out of shared caches."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _render(template: str, interface: Interface, **values: Any) -> Response:
    response = make_response(
        render_template(
            template,
            t=interface.say,
            ui=interface,
            languages=[(code, own_name(code)) for code in INTERFACE_LANGUAGES],
            asset=static_address,
            root=request.script_root,
            here=_own_path(request.full_path.rstrip("?")),
            direction=text_direction,
            link=wire.citation_link,
            article_path=wire.article_path,
            web_address=wire.web_address,
            strength=strength,
            assurance=assurance,
            problem_key=lambda problem: _PROBLEM_KEYS.get(problem.code, "generic"),
            marked=_marked,
            **values,
        )
    )
    response.vary.update(("Cookie", "Accept-Language"))
    response.content_language.add(interface.language)
    return response


def strength(score: float) -> int:
    """Grade a passage's score from 1, weak, to 4, very strong."""
    return 1 + sum(score >= least for least in (0.3, 0.55, 0.8))


def assurance(confidence: float) -> str:
    """Put a probability into the key of a word."""
    if confidence >= 0.85:
        return "high"
    return "medium" if confidence >= 0.6 else "low"


def _marked(answer: Answer, rank: int) -> tuple[Stretch, ...]:
    """Return the text of the passage of a rank, its matches and the answering sentence marked."""
    hit = next(hit for hit in answer.passages if hit.rank == rank)
    is_cited = answer.answer is not None and answer.answer.citation == rank
    sentence = answer.answer.span if is_cited and answer.answer else None
    return mark_text(hit.text, Marks(sentence=sentence, matches=hit.highlights))


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


def _own_path(path: str) -> str:
    """Return a path of this site; "/" for anything that could lead to another."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own and len(path) < 8000 else "/"


def _media_type(name: str) -> str:
    # What the system's own tables say about scripts varies; browsers refuse modules served as text.
    if name.endswith(".js"):
        return "text/javascript"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
