"""The application factory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiflask import APIFlask
from flask import Response, request
from werkzeug.routing import PathConverter

import qa_service
from qa_service.config import Settings
from qa_service.web.api import api
from qa_service.web.client_address import believe_proxies
from qa_service.web.context import Context, set_context
from qa_service.web.errors import PROBLEM_KEY, register_error_handlers
from qa_service.web.feedback import FILE_NAME, FeedbackFile
from qa_service.web.logs import log_requests
from qa_service.web.metrics import Metrics
from qa_service.web.openapi import describe
from qa_service.web.pages import pages, render_error_page
from qa_service.web.question_desk import Places, QuestionDesk
from qa_service.web.requests import StrictRequest, max_body_bytes
from qa_service.web.security import Guard, set_headers

if TYPE_CHECKING:
    from qa_service.service import Service

EVENT_LISTENERS = 8


class ArticleIdConverter(PathConverter):
    """An article's id in an address: anything at all, slashes and line breaks too."""

    regex = r"[\s\S]+"
    part_isolating = False


class QaServiceApp(APIFlask):
    """An APIFlask app whose requests are read strictly."""

    request_class = StrictRequest


def create_app(service: Service, settings: Settings, bound_to: str | None = None) -> APIFlask:
    """Return the WSGI application that serves the chat page and the API of a service.

    Args:
        service: what answers.
        settings: what the application keeps to.
        bound_to: the address that the server listens on; by default the one of the settings.
    """
    app = QaServiceApp(
        "qa_service.web",
        title="qa-service",
        version=qa_service.__version__,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    app.url_map.converters["article_id"] = ArticleIdConverter
    describe(app)

    metrics = Metrics(service)
    set_context(
        app,
        Context(
            service=service,
            settings=settings,
            metrics=metrics,
            desk=QuestionDesk(service, metrics, settings),
            feedback=FeedbackFile(settings.index / FILE_NAME),
            event_places=Places(EVENT_LISTENERS, 0, 0.0, "listeners to index events"),
        ),
    )
    log_requests(app)
    _check_requests(app, settings, bound_to)
    register_error_handlers(app, render_error_page)
    app.register_blueprint(api)
    app.register_blueprint(pages)

    if settings.trusted_proxies:
        app.wsgi_app = believe_proxies(  # type: ignore[method-assign, assignment]
            app.wsgi_app, settings.trusted_proxies
        )
    return app


def _check_requests(app: APIFlask, settings: Settings, bound_to: str | None) -> None:
    guard = Guard(settings, bound_to)

    @app.before_request
    def check() -> None:
        problem = request.environ.get(PROBLEM_KEY)
        if problem is not None:
            raise problem
        request.max_content_length = max_body_bytes(request.method, request.path, settings)
        guard.check(request)

    @app.after_request
    def protect(response: Response) -> Response:
        set_headers(response)
        return response
