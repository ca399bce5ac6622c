"""The OpenAPI document: valid, complete, and true of every answer the app gives."""

from __future__ import annotations

import inspect
import io
import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import quote

import pytest
import schemathesis
from api_client import QUESTIONS, MakeApp
from fake_service import FakeService
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from typing_extensions import is_typeddict
from werkzeug.test import TestResponse

from qa_service.bodies import (
    AnswerOut,
    ArticleListOut,
    HealthOut,
    IndexOut,
    answers,
    articles,
    index,
    index_runs,
    questions,
)
from qa_service.bodies import operation as health
from qa_service.config import Settings
from qa_service.service import Service
from qa_service.web.app import create_app
from qa_service.web.errors import STATUS_OF_ERROR

WEB = Path(str(files("qa_service.web")))
JSON = {"Accept": "application/json"}
# What people and browsers fetch that is no part of the API.
UNDOCUMENTED = {"pages.static_file", "pages.favicon"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The document as clients get it."""
    return dict(client.get("/openapi.json").get_json())


def test_document_is_valid(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1, by the specification's own schema."""
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_endpoint_is_documented(client: FlaskClient, document: dict[str, Any]) -> None:
    """Each rule of the app stands in the document with a summary, and nothing else does."""
    served = {
        (rule.rule.replace("<article_id:", "{").replace("<", "{").replace(">", "}"), method.lower())
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint not in UNDOCUMENTED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    operations = dict(_operations(document))
    assert set(operations) == served
    assert all(operation["summary"] for operation in operations.values())
    identifiers = [operation["operationId"] for operation in operations.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_every_field_and_error_is_described(document: dict[str, Any]) -> None:
    """Parameters and request fields say what they mean; errors have the one documented form."""
    for (path, method), operation in _operations(document):
        for parameter in operation.get("parameters", []):
            described = parameter.get("description") or parameter["schema"].get("description")
            assert described, (path, parameter["name"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if status >= "400":
                assert response["content"]["application/json"]["schema"] == {
                    "$ref": "#/components/schemas/ErrorOut"
                }, (path, method, status)
    for name in ("AskIn", "ArticleIn", "FeedbackIn", "IndexIn"):
        for field in document["components"]["schemas"][name]["properties"].values():
            assert field["description"]


def test_every_status_of_an_error_is_documented(document: dict[str, Any]) -> None:
    """No error of the service has a status that the document doesn't know."""
    documented = {s for _, operation in _operations(document) for s in operation["responses"]}
    assert {str(status) for status in STATUS_OF_ERROR.values()} <= documented


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield (path, method), operation


def assert_documented(
    document: Mapping[str, Any], path: str, method: str, response: TestResponse
) -> None:
    """Hold a response against the document: status, media type, and every field."""
    responses = document["paths"][path][method]["responses"]
    described = responses.get(str(response.status_code))
    assert described, f"{method} {path} gave {response.status_code}, documented: {list(responses)}"
    content = described.get("content", {})
    assert not content or response.mimetype in content
    if response.mimetype == "application/json":
        schema = content["application/json"]["schema"]
        root = {**schema, "components": closed(document["components"])}
        Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
            response.get_json()
        )


def closed(schema: Any) -> Any:
    """Return a schema that refuses every property that it doesn't name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def test_a_field_that_is_not_documented_is_seen(
    client: FlaskClient, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply with a field more or a field less than the document is no documented reply."""
    good = client.get("/health")
    assert_documented(document, "/health", "get", good)
    for wrong in ({**good.get_json(), "surplus": 1}, {"status": "ok"}):
        monkeypatch.setattr(good, "get_json", lambda wrong=wrong: wrong)
        with pytest.raises(ValidationError):
            assert_documented(document, "/health", "get", good)


def test_document_is_made_of_the_models(document: dict[str, Any]) -> None:
    """Every schema of the document says what its model does, and every model stands in it."""
    models = {
        model.__name__: TypeAdapter(model).json_schema()
        for module in (answers, articles, health, index, index_runs, questions)
        for model in vars(module).values()
        if isinstance(model, type) and model.__module__ == module.__name__
        if is_typeddict(model) or issubclass(model, BaseModel)
    }
    for name, schema in document["components"]["schemas"].items():
        place = r'"#/components/schemas/(?:\w+\.)?(\w+)"'
        plain = re.sub(place, r'"#/$defs/\1"', json.dumps(schema))
        model = models[name.split(".")[-1]]
        assert json.loads(plain) == {key: model[key] for key in model if key != "$defs"}, name
    documented = {name.split(".")[-1] for name in document["components"]["schemas"]}
    # The command line alone tells whether an index is whole.
    assert set(models) - documented == {"VerificationOut"}


def test_replies_are_checked_once(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, service: FakeService
) -> None:
    """What a view made of a model goes out as it is; nothing is validated on the way."""
    service.start_index()
    for model in (AnswerOut, ArticleListOut, IndexOut, HealthOut):
        monkeypatch.setattr(model, "model_validate", _refuse)
    for path in ("/ask?q=bees", "/articles", "/index", "/health"):
        assert client.get(path, headers=JSON).status_code == 200, path


def _refuse(*given: object) -> None:
    raise AssertionError(f"validated once more: {given}")


@pytest.mark.parametrize("is_broken", [False, True], ids=["index", "no index"])
def test_every_response_is_as_documented(
    document: dict[str, Any], make_app: MakeApp, is_broken: bool
) -> None:
    """What each endpoint answers, well and badly asked, is what the document says."""
    service = FakeService(has_index=not is_broken)
    client = make_app(service).test_client()
    bees = "/articles/" + quote("science/bees.md")
    item = "/articles/{article_id}"
    hit: dict[str, Any] = {"article_id": "x", "id": "y", "link": f"{bees}?passage=1"}
    if not is_broken:
        asked = client.post("/ask", json={"question": QUESTIONS["en"]}).get_json()
        hit = asked["passages"][0]["citation"]
    verdict = {
        "question": "q",
        "article_id": hit["article_id"],
        "citation_id": hit["id"],
        "helpful": True,
    }
    requests: list[tuple[str, str, str, dict[str, Any]]] = [
        ("/ask", "post", "/ask", {"json": {"question": QUESTIONS["ar"]}}),
        ("/ask", "post", "/ask", {"json": {"question": "zzz"}}),
        ("/ask", "post", "/ask", {"json": {"question": 5}}),
        ("/ask", "post", "/ask", {"data": b"{", "content_type": "application/json"}),
        ("/ask", "post", "/ask", {"data": b"{}", "content_type": "text/plain"}),
        ("/ask", "post", "/ask", {"json": {"x": "y" * 600_000}}),
        ("/ask", "post", "/ask", {"json": {}, "headers": {"Host": "evil"}}),
        ("/ask", "post", "/ask", {"json": {}, "headers": {"Origin": "http://evil"}}),
        ("/ask", "get", "/ask?q=bees", {}),
        ("/ask", "get", "/ask?q=", {}),
        ("/feedback", "post", "/feedback", {"json": verdict}),
        ("/feedback", "post", "/feedback", {"json": {**verdict, "citation_id": "z"}}),
        ("/articles", "get", "/articles", {"headers": JSON}),
        ("/articles", "get", "/articles", {}),
        ("/articles", "get", "/articles?limit=0", {"headers": JSON}),
        (item, "get", hit["link"].partition("#")[0], {"headers": JSON}),
        (item, "get", bees, {}),
        (item, "get", "/articles/none", {"headers": JSON}),
        ("/articles", "post", "/articles", {"json": {"title": "t", "text": "words"}}),
        ("/articles", "post", "/articles", {"json": {"title": "t", "text": "words"}}),
        ("/articles", "post", "/articles", {"data": {"file": (io.BytesIO(b"a"), "a.txt")}}),
        ("/articles", "post", "/articles", {"data": {"file": (io.BytesIO(b"a"), "a.exe")}}),
        (item, "delete", "/articles/fr/phare%20de%20Cordouan.txt", {}),
        (item, "delete", "/articles/hi/ganga.txt", {}),
        (item, "delete", "/articles/none", {}),
        ("/index", "post", "/index", {"json": {}}),
        ("/index", "get", "/index", {}),
        ("/index/events", "get", "/index/events", {}),
        ("/health", "get", "/health", {}),
        ("/ready", "get", "/ready", {}),
        ("/metrics", "get", "/metrics", {}),
        ("/openapi.json", "get", "/openapi.json", {}),
        ("/", "get", "/", {}),
        ("/", "get", "/?q=bees", {}),
        ("/turn", "post", "/turn", {"json": {"question": QUESTIONS["ar"]}}),
        ("/turn", "post", "/turn?interface=ar", {"json": {"question": "zzz"}}),
        ("/turn", "post", "/turn", {"json": {"question": 5}}),
        ("/turn", "post", "/turn", {"json": {"question": 5}, "headers": {"Accept": "text/html"}}),
        ("/turn", "post", "/turn?x=1", {"json": {"question": "bees"}}),
        ("/turn", "post", "/turn", {"data": b"{}", "content_type": "text/plain"}),
        ("/turn", "post", "/turn", {"json": {}, "headers": {"Origin": "http://evil"}}),
        ("/docs", "get", "/docs", {}),
        ("/language/{code}", "get", "/language/ar", {}),
        ("/language/{code}", "get", "/language/xx", {}),
    ]
    assert {path for path, *_ in requests} == set(document["paths"])
    for path, method, address, given in requests:
        response = client.open(address, method=method.upper(), **given)
        assert_documented(document, path, method, response)


# Collected before any fixture exists, so it makes its own app, in a folder that goes with it.
_folder = TemporaryDirectory()
_app = create_app(cast("Service", FakeService()), Settings(index=Path(_folder.name)))
schema = schemathesis.openapi.from_wsgi("/openapi.json", _app)


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_generated_requests_get_documented_answers(case: Any) -> None:
    """Whatever fits the document, or just fails to, gets no 5xx and no undocumented answer."""
    response = case.call()
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_fake_keeps_the_promises_of_the_service() -> None:
    """What the web layer uses of the service, the stand-in has with the same parameters."""
    sources = [path.read_text(encoding="utf-8") for path in WEB.glob("*.py")]
    used = {name for text in sources for name in re.findall(r"\b_?service\.([a-z]\w+)", text)}
    used -= {"web", "bodies", "config", "errors", "text", "types", "service"}
    assert {"ask", "passage", "is_ready", "wait_for_job_change"} <= used
    for name in used:
        mine = inspect.getattr_static(FakeService, name)
        real = inspect.getattr_static(Service, name)
        assert type(mine) is type(real), name
        if inspect.isfunction(real):
            assert str(inspect.signature(mine)) == str(inspect.signature(real)), name
