"""What the OpenAPI document says beyond what the views say themselves."""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIFlask

from qa_service.bodies import ArticleIn, ErrorOut
from qa_service.web.translations import INTERFACE_LANGUAGES

Document = dict[str, Any]
Responses = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]

_ERROR_SCHEMA: Final = {"$ref": "#/components/schemas/ErrorOut"}
_ERROR: Final = {"application/json": {"schema": _ERROR_SCHEMA}}
_DESCRIPTIONS: Final = {
    "400": "The request cannot be read, or is for a host name that is not served here.",
    "401": "The API key is needed.",
    "403": "A page of another site sent this.",
    "404": "There is no such article or passage.",
    "409": "Another process is writing the index, or the article cannot be added or removed so.",
    "413": "The body is too large.",
    "415": "The body is neither what is expected nor declared as such.",
    "422": "A field is missing, unknown or out of range; `detail.fields` names it.",
    "429": "Too many requests from this address; see the header Retry-After.",
    "500": "An error of ours; the log has it under the id in the header X-Request-ID.",
    "503": "No usable index, the model cannot be loaded, or overload; see Retry-After.",
}
_TEXT: Final = {"schema": {"type": "string"}}
_KEYLESS: Final = frozenset({"/health", "/ready", "/docs", "/openapi.json"})
_PAGES: Final = frozenset({"/", "/docs", "/turn"})


def returns_text(
    media_type: str, description: str, *, status: int = 200, errors: tuple[int, ...] = ()
) -> Responses:
    """Describe a view that returns text, and the errors that only it has."""
    # What a schema of a whole event stream would mean, OpenAPI 3.1 leaves open.
    content = {media_type: {} if media_type == "text/event-stream" else _TEXT}
    responses: Responses = {status: {"description": description, "content": content}}
    return responses | {error: {"description": "An error."} for error in errors}


def describe(app: APIFlask) -> None:
    """Fill in title, keys, error format and what APIFlask cannot express."""
    app.config.update(
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=False,
        AUTO_404_RESPONSE=False,
        HTTP_ERROR_SCHEMA=_ERROR_SCHEMA,
        VALIDATION_ERROR_SCHEMA=_ERROR_SCHEMA,
        INFO={
            "description": (
                "Questions in any language, answered with exact quotes from your own articles.\n\n"
                "Offsets are half-open and count Unicode code points. Every error is "
                '`{"error": {"code", "message", "detail"}}`.'
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        SECURITY_SCHEMES={
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic", "description": "The key as password."},
        },
        TAGS=[
            {"name": "Questions", "description": "Ask, and say whether the answer helped."},
            {"name": "Articles", "description": "What can answer."},
            {"name": "Index", "description": "How the articles are made searchable."},
            {"name": "Operation", "description": "For those who run the service."},
            {"name": "Pages", "description": "For people with a browser."},
        ],
    )
    app.spec_processor(_complete)  # type: ignore[arg-type]


def _complete(document: Document) -> Document:
    paths: dict[str, Document] = document["paths"]
    _describe_error_body(document)
    _describe_upload(document)
    _describe_article_parameters(paths)
    _describe_language_parameters(paths["/language/{code}"]["get"])
    for path in ("/articles", "/articles/{article_id}"):
        content = paths[path]["get"]["responses"]["200"]["content"]
        content["text/html"] = _TEXT
    paths["/openapi.json"] = {
        "get": {
            "tags": ["Operation"],
            "operationId": "openapi",
            "summary": "Return this document.",
            "responses": {
                "200": {
                    "description": "OpenAPI 3.1.",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
            },
        }
    }
    for path, operations in paths.items():
        for method, operation in operations.items():
            _describe_errors(path, method, operation)
    return document


def _describe_errors(path: str, method: str, operation: Document) -> None:
    statuses = {"400", "429", "500"}
    if path not in _KEYLESS:
        statuses.add("401")
        operation["security"] = [{}, {"header": []}, {"bearer": []}, {"basic": []}]
    if method != "get":
        statuses.add("403")
    responses: dict[str, Document] = operation["responses"]
    for status in sorted(statuses | {status for status in responses if status >= "400"}):
        content = dict(_ERROR)
        if path in _PAGES or path.startswith("/articles"):
            content["text/html"] = _TEXT
        responses[status] = {"description": _DESCRIPTIONS[status], "content": content}
    operation["responses"] = dict(sorted(responses.items()))


def _describe_error_body(document: Document) -> None:
    schemas = document["components"]["schemas"]
    schema = ErrorOut.model_json_schema(ref_template="#/components/schemas/ErrorOut.{model}")
    for name, part in schema.pop("$defs").items():
        schemas[f"ErrorOut.{name}"] = part
    schemas["ErrorOut"] = schema
    for unused in ("HTTPError", "ValidationError"):
        schemas.pop(unused, None)


def _describe_upload(document: Document) -> None:
    schema = ArticleIn.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"]["ArticleIn"] = schema
    document["paths"]["/articles"]["post"]["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ArticleIn"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "contentMediaType": "application/octet-stream",
                            "description": ".txt .md .html .pdf .docx .jsonl or .csv",
                        }
                    },
                }
            },
        },
    }


def _describe_article_parameters(paths: dict[str, Document]) -> None:
    item = paths["/articles/{article_id}"]
    for operation in item.values():
        for parameter in operation["parameters"]:
            if parameter["name"] == "article_id":
                parameter["description"] = "The article's id; it may hold slashes."
                parameter["schema"] = {"type": "string", "minLength": 1}
    item["get"]["parameters"].append(
        {
            "name": "passage",
            "in": "query",
            "required": False,
            "description": "A citation's id.",
            "schema": {"type": "string", "maxLength": 200},
        }
    )
    for name, what in (("highlight", "words"), ("sentence", "the answering sentence")):
        item["get"]["parameters"].append(
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": f"What to mark in the passage ({what}), such as 3-8,12-20.",
                "schema": {"type": "string"},
            }
        )


def _describe_language_parameters(operation: Document) -> None:
    (code,) = operation["parameters"]
    code["description"] = "The language of the pages."
    code["schema"] = {"type": "string", "enum": list(INTERFACE_LANGUAGES)}
    operation["parameters"].append(
        {
            "name": "next",
            "in": "query",
            "required": False,
            "description": "The path of the page to return to; / by default.",
            "schema": {"type": "string"},
        }
    )
