"""The client against a served app: every method, every way it can fail."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import pytest
from api_client import QUESTIONS
from fake_service import ARTICLES, FakeService
from pydantic import BaseModel
from werkzeug.serving import make_server

import qa_service.client as client_module
from qa_service.bodies import AskIn, IndexIn, answers, articles, index_runs
from qa_service.bodies.questions import FiltersIn
from qa_service.client import Client, ClientError
from qa_service.config import Settings
from qa_service.web.app import create_app

if TYPE_CHECKING:
    from qa_service.service import Service

Serve = Callable[..., str]


@pytest.fixture
def service() -> FakeService:
    """Six articles in five languages."""
    return FakeService()


@pytest.fixture
def serve(service: FakeService, tmp_path: Path) -> Iterator[Serve]:
    """Serve the fake service; returns the address."""
    with ExitStack() as stack:

        def start(**settings: Any) -> str:
            app = create_app(cast("Service", service), Settings(index=tmp_path, **settings))
            server = make_server("127.0.0.1", 0, app, threaded=True)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.port}"

        yield start


@pytest.fixture
def client(serve: Serve) -> Client:
    """A client of an app with default settings."""
    return Client(serve())


@pytest.mark.parametrize(("language", "question"), QUESTIONS.items())
def test_answer(client: Client, language: str, question: str) -> None:
    """An answer comes as values whose quotes stand in the article, in any language."""
    answer = client.ask(question, top_k=3)
    assert answer.is_answered
    assert answer.language == language
    assert answer.message is None
    citation = answer.citation
    assert citation is not None
    article = client.article(citation.article_id)
    passage = answer.passages[0]
    assert article.text[citation.start : citation.end] == passage.text
    assert answer.text is not None
    assert answer.text in passage.text
    assert all(passage.text[start:end] for start, end in passage.highlights)
    assert citation.link.startswith("http://127.0.0.1:")


def test_other_articles_that_tell_the_same(client: Client) -> None:
    """Articles that carry nearly the same passage are named, with a link that opens each."""
    passage = client.ask("Who decoded the dance in 1944?").passages[0]
    assert passage.also_in == ("en/bees copied.md",)
    (other,) = passage.also_in_articles
    assert (other.id, other.title, other.language) == ("en/bees copied.md", "Bees, again", "en")
    assert other.link.startswith("http://127.0.0.1:")
    assert other.link.endswith("/articles/en/bees%20copied.md")


def test_place_of_a_passage(client: Client) -> None:
    """An article tells where a cited passage stands in it now, and nothing when it is gone."""
    citation = client.ask(QUESTIONS["ar"]).passages[0].citation
    article = client.article(citation.article_id, passage=citation.id)
    assert article.passage == {"id": citation.id, "start": citation.start, "end": citation.end}
    assert client.article(citation.article_id, passage="gone").passage is None
    assert client.article(citation.article_id).direction == "rtl"


def test_nothing_answers(client: Client) -> None:
    """Without an answer there is no text and no citation, but a message and what is nearest."""
    answer = client.ask("مراقبة الطيور في أستراليا وكندا")
    assert not answer.is_answered
    assert answer.text is answer.citation is answer.cited_rank is None
    assert "المقالات" in str(answer.message)
    assert answer.passages


def test_filters_and_history(client: Client, service: FakeService) -> None:
    """Everything a question can carry arrives."""
    client.ask(
        "phare", language="fr", source="Le Littoral", published_to="2022-01-01", history=["avant"]
    )
    asked = service.asked[0]
    assert (asked.filters.language, asked.filters.source) == ("fr", "Le Littoral")
    assert str(asked.filters.published_to) == "2022-01-01"
    assert asked.history == ("avant",)


def test_articles(client: Client) -> None:
    """All articles are listed, and can be searched."""
    assert {article.id for article in client.articles()} == {article.id for article in ARTICLES}
    assert [article.title for article in client.articles("长城")] == ["长城的长度"]


def test_list_goes_on_over_pages(
    client: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list longer than a page is fetched to its end."""
    whole = service.articles

    def by_twos(offset: int = 0, limit: int = 50, query: str | None = None) -> Any:
        return whole(offset, 2, query)

    monkeypatch.setattr(service, "articles", by_twos)
    assert len(list(client.articles())) == len(ARTICLES)


def test_add_and_remove(client: Client, tmp_path: Path) -> None:
    """Articles are added as text and as files, and removed."""
    name = client.add_article(
        "برج الساعة", "يبلغ ارتفاعه 40 مترا.", language="ar", source="البلدية"
    )
    assert client.article(name).source == "البلدية"
    file = tmp_path / 'мост "новый".txt'
    file.write_text("Мост открыт в 1932 году.", encoding="utf-8")
    stored = client.upload(file)
    assert stored == "мост _новый_.txt"
    assert client.article(stored).text == "Мост открыт в 1932 году."
    assert client.remove_article(stored).state == "running"
    with pytest.raises(ClientError, match="article_not_found"):
        client.article(stored)


def test_index_is_waited_for(client: Client, service: FakeService) -> None:
    """An index run can be started and waited for; its report is there afterwards."""
    assert client.wait_for_index() is None
    service.runs_jobs_to_the_end = False
    assert client.start_index(rebuild=True).state == "running"
    with pytest.raises(TimeoutError, match="has not ended"):
        client.wait_for_index(timeout_s=0)
    service.finish()
    done = client.wait_for_index()
    assert done is not None
    assert done.report is not None
    assert done.report["articles"] == len(ARTICLES)


def test_readiness(client: Client, service: FakeService) -> None:
    """Readiness is yes or no, not an error."""
    assert client.is_ready()
    service.is_warm = False
    assert not client.is_ready()


def test_feedback(client: Client, tmp_path: Path) -> None:
    """A verdict on a passage is kept."""
    answer = client.ask(QUESTIONS["hi"])
    client.give_feedback(answer, 1, is_helpful=True)
    client.give_feedback(answer, 1, is_helpful=False)
    assert len((tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_error_names_what_is_wrong(client: Client) -> None:
    """A refused request raises with status, code, message and detail."""
    with pytest.raises(ClientError) as caught:
        client.ask("x", top_k=99)
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    assert caught.value.detail == {"fields": {"top_k": "Input should be less than or equal to 50"}}


@pytest.mark.parametrize("key", ["a-long-enough-key", "مفتاح-طويل"])
def test_key_is_sent(serve: Serve, key: str) -> None:
    """A protected service is reached with its key, in any script."""
    address = serve(api_key=key, protect_reading=True)
    with pytest.raises(ClientError, match="api_key_needed"):
        Client(address).ask("bees")
    assert Client(address, api_key=key).ask("dance of bees").is_answered


def test_overload_is_waited_out(
    serve: Serve, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the service is overloaded the client waits as long as it is told to, then succeeds."""
    waited: list[float] = []
    client = Client(serve(concurrent_questions=1, question_wait_s=0.0))
    service.gate.clear()
    answers: list[object] = []
    first = threading.Thread(target=lambda: answers.append(client.ask("dance of bees")))
    first.start()
    while not service.asked:
        first.join(0.001)

    def wait(seconds: float) -> None:
        waited.append(seconds)
        service.gate.set()
        first.join()

    monkeypatch.setattr(client_module.time, "sleep", wait)
    assert client.ask("dance of bees").is_answered
    assert waited == [1.0]
    assert len(answers) == 1


def test_overload_that_lasts_is_an_error(
    serve: Serve, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the retries the client gives up and says why."""
    monkeypatch.setattr(client_module.time, "sleep", lambda seconds: None)
    client = Client(serve(concurrent_questions=1, question_wait_s=0.0), retries=2)
    service.gate.clear()
    held = threading.Thread(target=lambda: client.ask("dance of bees"))
    held.start()
    try:
        while not service.asked:
            held.join(0.001)
        with pytest.raises(ClientError, match="overloaded"):
            client.ask("dance of bees")
    finally:
        service.gate.set()
        held.join()


def test_nobody_there() -> None:
    """An address where nothing listens is named."""
    with pytest.raises(ClientError, match=r"does not answer .* Is qa-service running"):
        Client("http://127.0.0.1:9").ask("x")


# The client's classes and the models that they tell.
TWINS: Mapping[type, type] = {
    client_module.Answer: answers.AnswerOut,
    client_module.AnswerText: answers.AnswerTextOut,
    client_module.Article: articles.ArticleOut,
    client_module.ArticleName: answers.ArticleNameOut,
    client_module.ArticleSummary: articles.ArticleSummaryOut,
    client_module.Citation: answers.CitationOut,
    client_module.IndexState: answers.IndexStateOut,
    client_module.Job: index_runs.JobOut,
    client_module.Passage: answers.PassageOut,
}
RENAMED = {"is_answered": "answered"}
# Bodies of which the client hands on what is in them: a mapping, an iterator, an exception, yes.
TOLD_OTHERWISE = {
    "ArticleAcceptedOut": "its name and its job",
    "ArticleListOut": "its articles, one after the other",
    "ErrorOut": "raised",
    "FeedbackOut": "nothing to tell",
    "HealthOut": "nothing to tell",
    "HighlightOut": "a pair of offsets",
    "IndexOut": "its job",
    "IndexReportOut": "a mapping",
    "JobAcceptedOut": "its job",
    "PlaceOut": "a mapping",
    "ProblemOut": "raised",
    "ProgressOut": "a mapping",
    "ReadyOut": "yes or no",
}
# What is in those that are handed on as mappings or not at all.
NESTED = {
    *("DroppedOut", "FileOutcomeOut", "IndexStatusOut", "StatesOut", "UnreadFileOut"),
    "UnreadFilesOut",
}


def meaning(kind: Any) -> object:
    """Say what values of a type mean in JSON, the same for the client's types and the API's."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return meaning(parts[0])
    if origin in (Union, UnionType):
        return frozenset(meaning(part) for part in parts)
    if origin is Literal:
        (name,) = {type(part).__name__ for part in parts}
        return name
    if kind == tuple[int, int] or kind is answers.HighlightOut:
        return "span"
    if origin in (tuple, list):
        return "list", meaning(parts[0])
    if kind == Mapping[str, Any] or kind in (index_runs.IndexReportOut, index_runs.ProgressOut):
        return "object"
    if kind is articles.PlaceOut:
        return "object"
    if origin in (dict, Mapping):
        return "map", meaning(parts[1])
    if kind in TWINS or kind in TWINS.values():
        return TWINS.get(kind, kind).__name__
    if kind in (str, dt.date, dt.datetime) or issubclass(kind, StrEnum):
        return "str"
    return kind.__name__


@pytest.mark.parametrize(("mine", "model"), TWINS.items(), ids=lambda kind: kind.__name__)
def test_client_tells_every_field(mine: type, model: type[BaseModel]) -> None:
    """What the API tells, the client tells with the same meaning; no field is missing."""
    hints = get_type_hints(mine)
    client_fields = {
        RENAMED.get(field.name, field.name): meaning(hints[field.name])
        for field in dataclasses.fields(mine)
    }
    told = get_type_hints(model)
    assert client_fields == {name: meaning(told[name]) for name in model.model_fields}


def test_client_knows_every_body(client: Client) -> None:
    """Whatever the API replies has its twin in the client, or a reason why it needs none."""
    with urllib.request.urlopen(f"{client._address}/openapi.json") as response:
        document = json.load(response)
    names = {name.split(".")[-1] for name in document["components"]["schemas"]}
    told = {name for name in names if name.endswith("Out")}
    twins = {model.__name__ for model in TWINS.values()}
    assert told == twins | set(TOLD_OTHERWISE) | NESTED


def test_client_can_ask_whatever_the_api_takes() -> None:
    """Every field of a question is a parameter of `ask`, every field of an article one to add."""
    asked = set(inspect.signature(Client.ask).parameters) - {"self"}
    assert asked == (set(AskIn.model_fields) - {"filters"}) | set(FiltersIn.model_fields)
    assert set(inspect.signature(Client.start_index).parameters) - {"self"} == set(
        IndexIn.model_fields
    )


def test_client_stands_alone() -> None:
    """The file needs nothing but the standard library, so that it can be copied."""
    source = Path(str(client_module.__file__)).read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert imports
    assert not [line for line in imports if "qa_service" in line or "requests" in line]
