"""`/ask`: the contract of its body, and every way a request can be wrong."""

from __future__ import annotations

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_client import QUESTIONS, MakeApp, error_of
from fake_service import FakeService
from flask.testing import FlaskClient

from qa_service.errors import InvalidQuestionError, ModelUnavailableError
from qa_service.types import Answer, Filters, Question


@pytest.mark.parametrize(("language", "question"), QUESTIONS.items())
def test_answer_has_the_documented_form(client: FlaskClient, language: str, question: str) -> None:
    """An answer carries exact quotes, their places, directions and links, in any language."""
    body = client.post("/ask", json={"question": question}).get_json()
    assert body["question"] == body["searched_for"] == question
    assert body["language"] == language
    assert body["answered"] is True
    assert body["message"] is None
    assert 0 <= body["confidence"] <= 1
    assert set(body["index"]) == {"generation", "articles", "passages"}
    assert "total" in body["timings_ms"]
    cited = body["passages"][body["answer"]["citation"] - 1]
    assert body["answer"]["direction"] == ("rtl" if language == "ar" else "ltr")
    assert cited["text"][body["answer"]["start"] : body["answer"]["end"]] == body["answer"]["text"]
    for rank, hit in enumerate(body["passages"], start=1):
        assert hit["rank"] == rank
        citation = hit["citation"]
        article = client.get(
            citation["link"].split("?")[0], headers={"Accept": "application/json"}
        ).get_json()
        assert article["id"] == citation["article_id"]
        assert article["text"][citation["start"] : citation["end"]] == hit["text"]
        for mark in hit["highlights"]:
            assert 0 <= mark["start"] < mark["end"] <= len(hit["text"])


def test_get_gives_the_same_as_post(client: FlaskClient) -> None:
    """`GET /ask` answers as `POST /ask` does."""
    posted = client.post("/ask", json={"question": QUESTIONS["ar"], "top_k": 2}).get_json()
    got = client.get("/ask", query_string={"q": QUESTIONS["ar"], "top_k": 2}).get_json()
    posted.pop("timings_ms")
    got.pop("timings_ms")
    assert got == posted


def test_everything_reaches_the_service(client: FlaskClient, service: FakeService) -> None:
    """Question, number, filters and history arrive as typed values, trimmed."""
    body = {
        "question": "  bees \n",
        "top_k": 7,
        "filters": {
            "language": "en",
            "source": "Field Notes",
            "published_from": "2020-01-01",
            "published_to": "2022-12-31",
        },
        "history": ["first", "second"],
    }
    assert client.post("/ask", json=body).status_code == 200
    query = {"q": "bees", "top_k": "7", **body["filters"], "history": ["first", "second"]}
    assert client.get("/ask", query_string=query).status_code == 200
    expected = Question(
        "bees",
        7,
        Filters("en", "Field Notes", dt.date(2020, 1, 1), dt.date(2022, 12, 31)),
        ("first", "second"),
    )
    assert service.asked == [expected, expected]


def test_one_earlier_question_in_the_address(client: FlaskClient, service: FakeService) -> None:
    """A single `history` parameter is a history of one."""
    client.get("/ask?q=why&history=who+dances")
    assert service.asked[0].history == ("who dances",)


def test_no_answer_is_said_in_the_language_of_the_question(client: FlaskClient) -> None:
    """When nothing answers, the nearest passages stay and the message speaks the asker's tongue."""
    body = client.post("/ask", json={"question": "ما عاصمة أستراليا وكم سكان مراقبة؟"}).get_json()
    assert body["answered"] is False
    assert body["answer"] is None
    assert "المقالات" in body["message"]
    assert body["passages"]
    body = client.post("/ask", json={"question": "zzz qqq"}).get_json()
    assert body["passages"] == []
    assert body["message"] == "The articles hold no answer to this question."


def test_follow_up_shows_what_was_searched(client: FlaskClient) -> None:
    """A follow-up is searched with what it left unsaid, and says so."""
    body = client.post(
        "/ask", json={"question": "And when?", "history": ["Who decoded the dance of bees?"]}
    ).get_json()
    assert body["question"] == "And when?"
    assert "dance" in body["searched_for"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": " \n\t　"}, "question"),
        ({"question": "x" * 1001}, "question"),
        ({"question": "长" * 1001}, "question"),
        ({"question": None}, "question"),
        ({"question": 5}, "question"),
        ({"question": ["x"]}, "question"),
        ({"question": {"text": "x"}}, "question"),
        ({"question": "a\0b"}, "question"),
        ({"question": "x", "top_k": 0}, "top_k"),
        ({"question": "x", "top_k": 51}, "top_k"),
        ({"question": "x", "top_k": "5"}, "top_k"),
        ({"question": "x", "top_k": 5.5}, "top_k"),
        ({"question": "x", "top_k": True}, "top_k"),
        ({"question": "x", "top_k": None}, "top_k"),
        ({"question": "x", "top_k": 10**400}, "top_k"),
        ({"question": "x", "filters": []}, "filters"),
        ({"question": "x", "filters": None}, "filters"),
        ({"question": "x", "filters": {"lang": "en"}}, "filters.lang"),
        ({"question": "x", "filters": {"language": "english!"}}, "filters.language"),
        ({"question": "x", "filters": {"published_from": "16.11.2020"}}, "filters.published_from"),
        ({"question": "x", "filters": {"published_from": "2020-02-30"}}, "filters.published_from"),
        ({"question": "x", "filters": {"published_to": 1605484800}}, "filters.published_to"),
        ({"question": "x", "filters": {"published_to": "2020-W01-1"}}, "filters.published_to"),
        ({"question": "x", "filters": {"source": "a\0"}}, "filters.source"),
        ({"question": "x", "history": "y"}, "history"),
        ({"question": "x", "history": ["y"] * 21}, "history"),
        ({"question": "x", "history": ["y" * 1001]}, "history.0"),
        ({"question": "x", "history": [5]}, "history.0"),
        ({"question": "x", "language": "en"}, "language"),
        ({"question": "x", "__proto__": {}}, "__proto__"),
    ],
)
def test_bad_field_is_named(client: FlaskClient, body: object, field: str) -> None:
    """A field that is missing, unknown or out of range gets 422 with its name."""
    response = client.post("/ask", json=body)
    assert error_of(response) == (422, "invalid_request")
    assert field in response.get_json()["error"]["detail"]["fields"]


def test_longest_question_is_taken(client: FlaskClient) -> None:
    """A thousand characters count after trimming, whatever they take in bytes."""
    assert client.post("/ask", json={"question": " " + "नि" * 500 + " "}).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"question": "x",}',
        b"question=x",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 200_000,
        b'{"question":' * 40_000,
        b'{"question": NaN}',
        b'{"question": -Infinity}',
        b'{"top_k": ' + b"9" * 5000 + b"}",
        b'{"question": "a\x01"}',
    ],
)
def test_broken_json_gets_400(client: FlaskClient, data: bytes) -> None:
    """What is not JSON is refused as such, however it is broken."""
    response = client.post("/ask", data=data, content_type="application/json")
    assert error_of(response) == (400, "invalid_json")


@pytest.mark.parametrize("data", [b'{"question": "\\ud800"}', b'{"\\udfff": 1}'])
def test_half_a_character_gets_422(client: FlaskClient, data: bytes) -> None:
    """Lone surrogates, which no text can hold, are refused and do no harm."""
    response = client.post("/ask", data=data, content_type="application/json")
    assert error_of(response) == (422, "invalid_request")


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"5", b"true"])
def test_json_that_is_no_object_gets_422(client: FlaskClient, data: bytes) -> None:
    """The body is an object; other JSON is refused."""
    response = client.post("/ask", data=data, content_type="application/json")
    assert error_of(response) == (422, "invalid_request")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
def test_other_content_type_gets_415(client: FlaskClient, content_type: str) -> None:
    """JSON must be declared, which keeps forms of other sites out, too."""
    response = client.post("/ask", data=b'{"question": "x"}', content_type=content_type)
    assert error_of(response) == (415, "unsupported_media_type")


def test_charset_parameter_is_fine(client: FlaskClient) -> None:
    """Clients that name the character set are served."""
    response = client.post(
        "/ask", data=b'{"question": "bees"}', content_type="application/json; charset=utf-8"
    )
    assert response.status_code == 200


def test_too_large_body_gets_413(client: FlaskClient) -> None:
    """A body larger than any question is refused before it is read."""
    data = json.dumps({"question": "x", "history": ["y" * 600_000]})
    response = client.post("/ask", data=data, content_type="application/json")
    assert error_of(response) == (413, "too_large")


@pytest.mark.parametrize("query", ["", "q=", "q=%20", "q=x&top_k=0", "q=x&top_k=a", "q=x&lang=en"])
def test_bad_address_gets_422(client: FlaskClient, query: str) -> None:
    """The address is checked as strictly as the body."""
    assert error_of(client.get(f"/ask?{query}")) == (422, "invalid_request")


def test_repeated_parameter_is_refused(client: FlaskClient) -> None:
    """Two questions at once are not one."""
    assert error_of(client.get("/ask?q=a&q=b")) == (422, "invalid_request")


def test_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    """405 says in Allow which methods there are."""
    response = client.put("/ask", json={})
    assert error_of(response) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(response.headers["Allow"].replace(" ", "").split(","))


def test_no_index_gets_503(make_app: MakeApp) -> None:
    """Without an index the answer says what to run, and when to come back."""
    client = make_app(FakeService(has_index=False)).test_client()
    response = client.post("/ask", json={"question": "x"})
    assert error_of(response) == (503, "no_index")
    assert "qa-service index" in response.get_json()["error"]["message"]
    assert response.headers["Retry-After"]


@pytest.mark.parametrize(
    ("failure", "status"),
    [(InvalidQuestionError("too odd"), 422), (ModelUnavailableError("no weights"), 503)],
)
def test_errors_of_the_service_have_their_status(
    client: FlaskClient, service: FakeService, failure: Exception, status: int
) -> None:
    """What the service raises on purpose arrives with its own code and message."""
    service.failure = failure
    response = client.post("/ask", json={"question": "x"})
    assert response.status_code == status
    assert response.get_json()["error"]["message"] == str(failure)


def test_unforeseen_error_tells_nothing(make_app: MakeApp, service: FakeService) -> None:
    """A bug gets 500 with the request's id and without a word of the cause."""
    service.failure = RuntimeError("secret path /etc/passwd")
    app = make_app()
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = app.test_client().post("/ask", json={"question": "x"})
    assert error_of(response) == (500, "internal_error")
    assert "secret" not in response.get_data(as_text=True)
    assert response.headers["X-Request-ID"]


def test_crowd_gets_503_and_leaves_its_places(make_app: MakeApp, service: FakeService) -> None:
    """While every place is taken a question gets 503 + Retry-After; afterwards it is answered."""
    app = make_app(concurrent_questions=1)
    service.gate.clear()
    first: list[int] = []

    def ask() -> None:
        first.append(app.test_client().post("/ask", json={"question": "bees"}).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        while not service.asked:
            thread.join(0.001)
        response = app.test_client().post("/ask", json={"question": "bees"})
        assert error_of(response) == (503, "overloaded")
        assert response.headers["Retry-After"] == "1"
    finally:
        service.gate.set()
        thread.join()
    assert first == [200]
    assert app.test_client().post("/ask", json={"question": "bees"}).status_code == 200
    metrics = app.test_client().get("/metrics").get_data(as_text=True)
    assert "qa_questions_refused_total 1.0" in metrics


def test_same_story_elsewhere(client: FlaskClient) -> None:
    """`also_in` is a list of ids; `also_in_articles` gives each its title and a link that works."""
    (passage,) = [
        passage
        for passage in client.post("/ask", json={"question": QUESTIONS["en"]}).get_json()[
            "passages"
        ]
        if passage["also_in"]
    ]
    assert passage["also_in"] == ["en/bees copied.md"]
    (other,) = passage["also_in_articles"]
    assert (other["id"], other["title"], other["language"]) == (
        "en/bees copied.md",
        "Bees, again",
        "en",
    )
    found = client.get(other["link"], headers={"Accept": "application/json"}).get_json()
    assert found["id"] == other["id"]


def test_same_story_elsewhere_on_the_page(client: FlaskClient) -> None:
    """Without scripts, too, other articles are links under their titles, never ids."""
    page = client.get("/", query_string={"q": QUESTIONS["en"]}).get_data(as_text=True)
    assert '<bdi dir="auto" lang="en">Bees, again</bdi></a>' in page
    assert ">en/bees copied.md<" not in page


def test_few_threads_answer(make_app: MakeApp, service: FakeService) -> None:
    """However many threads serve requests, questions are answered by as many as may be at once."""
    answered_by: set[str] = set()
    ask = service.ask

    def watched(question: Question) -> Answer:
        answered_by.add(threading.current_thread().name)
        return ask(question)

    service.ask = watched  # type: ignore[method-assign]
    app = make_app(concurrent_questions=2, question_wait_s=60.0)
    with ThreadPoolExecutor(16) as crowd:
        statuses = crowd.map(
            lambda _: app.test_client().post("/ask", json={"question": "bees"}).status_code,
            range(64),
        )
        assert set(statuses) == {200}
    assert 1 <= len(answered_by) <= 2
    assert threading.current_thread().name not in answered_by


def test_text_is_sent_as_itself(client: FlaskClient) -> None:
    """Arabic travels as Arabic, not as escapes of six characters each."""
    data = client.post("/ask", json={"question": QUESTIONS["ar"]}).get_data(as_text=True)
    assert "قوات حفظ السلام" in data
