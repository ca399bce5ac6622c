"""Errors over HTTP: the status of each QaServiceError, and JSON or a page for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from apiflask import APIFlask, HTTPError
from flask import Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from qa_service import errors
from qa_service.bodies import ErrorOut, Json
from qa_service.web.paths import without_folders

log = logging.getLogger("qa_service.web")

STATUS_OF_ERROR: Final[Mapping[type[errors.QaServiceError], int]] = {
    errors.QaServiceError: 500,
    errors.InvalidSettingError: 500,
    errors.InvalidQuestionError: 422,
    errors.ModelUnavailableError: 503,
    errors.CorpusError: 422,
    errors.UnreadableFileError: 422,
    errors.TooLargeFileError: 413,
    errors.UnsupportedFormatError: 415,
    errors.ArticleNotFoundError: 404,
    errors.ArticleConflictError: 409,
    errors.StoredIndexError: 503,
    errors.NoIndexError: 503,
    errors.IndexMismatchError: 503,
    errors.IndexCorruptError: 503,
    errors.IndexBusyError: 409,
    errors.IndexWriteError: 503,
    errors.NoPreviousGenerationError: 409,
    errors.AddressInUseError: 500,
}

PROBLEM_KEY: Final = "qa_service.problem"
"""Where the environ of a request holds the HttpProblem that it gets whatever it asks for."""

# What a client can do about a 503 that time alone may mend.
_RETRY_AFTER_S: Final = "5"

CODE_OF_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "too_slow",
    413: "too_large",
    414: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    431: "too_large",
    500: "internal_error",
    501: "not_implemented",
}
_MESSAGE_OF_STATUS: Final[Mapping[int, str]] = {
    404: "There is nothing at this address. GET /openapi.json lists what there is.",
    405: "This address does not take that method; the header Allow names those it takes.",
    413: "The request is too large.",
    500: "Something went wrong here; the log has the details under this request's id.",
}


class HttpProblem(Exception):  # noqa: N818 - an answer, not a failure of ours
    """A request that gets an error for a reason that lies in HTTP itself."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})


def problem_of(error: errors.QaServiceError) -> HttpProblem:
    """Return what a request gets for an error of the service."""
    status = next(STATUS_OF_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_OF_ERROR)
    headers = {"Retry-After": _RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    message = str(error)
    if not isinstance(error, errors.ArticleNotFoundError | errors.InvalidQuestionError):
        # Those two repeat what the client sent; the others may name files of the server.
        message = without_folders(message)
    return HttpProblem(status, error.code, message, headers=headers)


def problem_of_validation(error: ValidationError) -> HttpProblem:
    """Return what a request gets whose fields are not as documented; names each of them."""
    fields: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False, include_context=True):
        name = ".".join(str(part) for part in found["loc"]) or "request"
        fields.setdefault(_printable(name), _explain(found["type"], found["msg"], found.get("ctx")))
    first_name, first_reason = next(iter(fields.items()))
    message = f"{first_name}: {first_reason}"
    if len(fields) > 1:
        message += f" ({len(fields) - 1} more in detail)"
    return HttpProblem(422, "invalid_request", message, detail={"fields": fields})


def _explain(kind: str, message: str, context: Mapping[str, object] | None) -> str:
    context = context or {}
    match kind:
        case "missing":
            return "is missing; it is required."
        case "extra_forbidden":
            return "is not a known field; see /docs for those that are."
        case "string_too_short":
            return "is empty; write at least one character."
        case "string_too_long":
            return f"is longer than {context.get('max_length')} characters."
        case "string_unicode":
            return "is not valid Unicode: it holds half of a surrogate pair."
        case "string_pattern_mismatch":
            return f"does not match {context.get('pattern')!r}."
        case "model_type":
            return "must be an object of the documented fields."
        case _:
            return message.removeprefix("Value error, ")


def _printable(name: str) -> str:
    """Keep a field's name, which anyone may send, short and encodable."""
    return name[:100].encode("utf-8", "backslashreplace").decode("utf-8")


def wants_page() -> bool:
    """True when the request asks for HTML rather than JSON."""
    accepted = request.accept_mimetypes
    if "text/html" not in [kind for kind, _ in accepted]:
        return False
    return accepted["text/html"] >= accepted["application/json"]


def register_error_handlers(app: APIFlask, render_page: Callable[[HttpProblem], Response]) -> None:
    """Answer every error with the documented JSON, or with a page where a page was asked for."""

    def respond(problem: HttpProblem) -> Response:
        if wants_page():
            response = render_page(problem)
        else:
            body = ErrorOut.of(problem.code, problem.message, problem.detail)
            response = jsonify(body.model_dump(mode="json"))
        response.status_code = problem.status
        response.headers.update(problem.headers)
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(HttpProblem)
    def on_problem(error: HttpProblem) -> Response:
        return respond(error)

    @app.errorhandler(errors.QaServiceError)
    def on_service_error(error: errors.QaServiceError) -> Response:
        problem = problem_of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("%s: %s", error.code, error)
        return respond(problem)

    @app.errorhandler(HTTPException)
    def on_http_exception(error: HTTPException) -> Response:
        status = error.code or 500
        headers = {
            name: value for name, value in error.get_headers() if name in ("Allow", "Location")
        }
        if status < HTTPStatus.BAD_REQUEST:
            # A redirect, such as to an address without a trailing slash.
            return Response(status=status, headers=headers)
        return respond(
            HttpProblem(
                status,
                CODE_OF_STATUS.get(status, "error"),
                _MESSAGE_OF_STATUS.get(status, error.description or "The request failed."),
                headers=headers,
            )
        )

    def on_api_error(error: HTTPError) -> Response:
        if isinstance(error.__cause__, ValidationError):
            return respond(problem_of_validation(error.__cause__))
        code = CODE_OF_STATUS.get(error.status_code, "error")
        return respond(HttpProblem(error.status_code, code, error.message or "The request failed."))

    # Not `error_processor`, which would take over the errors handled above, too.
    app.error_callback = on_api_error
