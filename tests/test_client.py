"""The client against a served app: every method, every way it can fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from api_client import QUESTIONS
from fake_service import ARTICLES, FakeService
from werkzeug.serving import make_server

import qa_service.client
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


def test_nothing_answers(client: Client) -> None:
    """Without an answer there is no text and no citation, but a message and what is nearest."""
    answer = client.ask("مراقبة الطيور في أستراليا وكندا")
    assert not answer.is_answered
    assert answer.text is answer.citation is None
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

    monkeypatch.setattr(qa_service.client.time, "sleep", wait)
    assert client.ask("dance of bees").is_answered
    assert waited == [1.0]
    assert len(answers) == 1


def test_overload_that_lasts_is_an_error(
    serve: Serve, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the retries the client gives up and says why."""
    monkeypatch.setattr(qa_service.client.time, "sleep", lambda seconds: None)
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


def test_client_stands_alone() -> None:
    """The file needs nothing but the standard library, so that it can be copied."""
    source = Path(str(qa_service.client.__file__)).read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert imports
    assert not [line for line in imports if "qa_service" in line or "requests" in line]
