"""Pages that work without scripts, and the turn that the chat page's script puts into it."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from api_client import QUESTIONS, MakeApp, error_of
from fake_service import FakeService
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qa_service.types import Filters

# As the page's script asks.
SCRIPT = {"Accept": "application/json, text/html;q=0.9"}
# As Java's own client sends it with every request.
BROWSERLIKE = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}


def text_of(response: TestResponse) -> str:
    """Return a page that is as it should be."""
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    return response.get_data(as_text=True)


def attribute(markup: str, name: str) -> str:
    """Return an attribute's value where it stands first."""
    found = re.search(rf'\s{name}="([^"]*)"', markup)
    assert found, name
    return unescape(found[1])


@pytest.mark.parametrize("interface", ["ar", "en", "hi", "zh"])
@pytest.mark.parametrize("question", [*QUESTIONS.values(), "zzz", "<b>&amp; \"'"])
def test_turn_is_what_the_page_shows(client: FlaskClient, interface: str, question: str) -> None:
    """There is one rendering of a turn: the page holds the very markup that scripts get."""
    turn = text_of(
        client.post(f"/turn?interface={interface}", json={"question": question}, headers=SCRIPT)
    )
    client.set_cookie("qa_language", interface)
    page = text_of(client.get("/", query_string={"q": question}))
    assert turn.strip().startswith('<article class="turn"')
    assert turn.strip() in page


@pytest.mark.parametrize("accept", [{}, {"Accept": "*/*"}, SCRIPT, BROWSERLIKE])
def test_each_door_has_one_form(client: FlaskClient, accept: dict[str, str]) -> None:
    """A client gets JSON from the API and a turn from the page's door, whatever it accepts."""
    asked = {"json": {"question": QUESTIONS["en"]}, "headers": accept}
    assert client.post("/ask", **asked).get_json()["answered"] is True
    assert "answer-text" in text_of(client.post("/turn", **asked))


def test_turn_is_in_the_language_of_its_page(client: FlaskClient) -> None:
    """What the page is written in wins over a language that was chosen since, in another tab."""
    client.set_cookie("qa_language", "ru")
    asked = {"json": {"question": QUESTIONS["en"]}, "headers": {"Accept-Language": "fr"}}
    arabic = client.post("/turn?interface=ar", **asked)
    assert "نسخ" in text_of(arabic)
    assert arabic.headers["Content-Language"] == "ar"
    for other in ("", "?interface=", "?interface=%3Cscript%3E"):
        assert client.post(f"/turn{other}", **asked).headers["Content-Language"] == "ru"


def test_turn_takes_what_the_api_takes(client: FlaskClient, service: FakeService) -> None:
    """Filters, history and the number of passages reach the service; its link asks them again."""
    asked = {
        "question": "And when?",
        "history": [QUESTIONS["fr"]],
        "filters": {"language": "fr", "published_from": "2021-01-01"},
        "top_k": 1,
    }
    turn = text_of(client.post("/turn", json=asked))
    (question,) = service.asked
    assert question.filters == Filters(language="fr", published_from=dt.date(2021, 1, 1))
    assert (question.top_k, question.history) == (1, (QUESTIONS["fr"],))
    assert turn.count('class="card"') == 1
    searched_for = f"{QUESTIONS['fr']} And when?"
    assert attribute(turn, "data-searched-for") == searched_for
    link = urlsplit(attribute(turn, "data-link"))
    assert link.path == "/"
    assert parse_qs(link.query) == {
        "q": [searched_for],
        "language": ["fr"],
        "published_from": ["2021-01-01"],
    }
    again = text_of(client.get(attribute(turn, "data-link")))
    assert attribute(again, "data-link") == attribute(turn, "data-link")


def test_turn_tells_scripts_what_they_send(client: FlaskClient) -> None:
    """A verdict can be given with what stands in the markup, and a quote copied with its origin."""
    turn = text_of(client.post("/turn?interface=ar", json={"question": QUESTIONS["en"]}))
    body = client.post("/ask", json={"question": QUESTIONS["en"]}).get_json()
    first = body["passages"][0]["citation"]
    (card, *others) = re.findall(r'<li class="card"[^>]*>', turn)
    assert attribute(card, "data-card") == first["id"]
    assert attribute(card, "data-article") == first["article_id"]
    assert card.endswith(" data-cited>")
    assert not [other for other in others if "data-cited" in other]
    origin = "How bees tell each other the way 🐝, Field Notes, ٣ مايو ٢٠٢١"
    assert attribute(card, "data-origin") == origin
    answer = re.search(r'<section class="answer"[^>]*>', turn)
    assert answer
    assert attribute(answer[0], "data-origin") == origin
    assert set(re.findall(r'data-citation="([^"]*)"', turn)) == set(
        re.findall(r'data-card="([^"]*)"', turn)
    )


def test_what_needs_a_script_waits_for_it(client: FlaskClient) -> None:
    """Buttons that nothing would answer are hidden until the script has come."""
    page = text_of(client.get("/", query_string={"q": QUESTIONS["en"]}))
    actions = re.findall(r'<\w+ class="card-actions"[^>]*>', page)
    assert len(actions) == page.count('class="card"') + 1
    assert all(tag.endswith(" hidden>") for tag in actions)
    before = page.partition('class="card-actions" hidden')[0]
    assert "data-action" not in before


def test_page_holds_an_answer_once(client: FlaskClient) -> None:
    """What is shown does not come along a second time as data for scripts."""
    page = text_of(client.get("/", query_string={"q": QUESTIONS["hi"]}))
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    held = json.loads(data)
    del held["messages"]
    assert "गंगा" in page
    assert "गंगा" not in json.dumps(held, ensure_ascii=False)


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"json": {"question": " "}}, 422, "invalid_request"),
        ({"json": {"question": "x", "surplus": 1}}, 422, "invalid_request"),
        ({"json": {"question": "x" * 1001}}, 422, "invalid_request"),
        ({"data": b"{", "content_type": "application/json"}, 400, "invalid_json"),
        ({"data": b"question=x"}, 415, "unsupported_media_type"),
        ({"json": {"question": "x" * 600_000}}, 413, "too_large"),
    ],
)
def test_what_is_wrong_comes_as_json(
    client: FlaskClient, given: dict[str, object], status: int, code: str
) -> None:
    """A script reads the reason in the form that all errors have; a browser gets a page."""
    assert error_of(client.post("/turn", **{"headers": SCRIPT, **given})) == (status, code)  # type: ignore[arg-type]
    page = client.post("/turn", **{"headers": {"Accept": "text/html"}, **given})  # type: ignore[arg-type]
    assert (page.status_code, page.mimetype) == (status, "text/html")


def test_turn_keeps_to_the_limits_of_questions(make_app: MakeApp, service: FakeService) -> None:
    """The rate and the number of questions at once are those of the API."""
    outside = {"REMOTE_ADDR": "203.0.113.7"}
    client = make_app(host="0.0.0.0", rate_limit_per_minute=2).test_client()
    for path in ("/ask", "/turn"):
        assert client.post(path, json={"question": "bees"}, environ_base=outside).status_code == 200
    refused = client.post("/turn", json={"question": "bees"}, environ_base=outside)
    assert error_of(refused) == (429, "rate_limited")
    app = make_app(concurrent_questions=1, waiting_questions=0)
    service.gate.clear()
    first = threading.Thread(
        target=lambda: app.test_client().post("/ask", json={"question": "bees"})
    )
    asked = len(service.asked)
    first.start()
    try:
        while len(service.asked) == asked:
            first.join(0.001)
        crowded = app.test_client().post("/turn", json={"question": "bees"}, headers=SCRIPT)
    finally:
        service.gate.set()
        first.join()
    assert error_of(crowded) == (503, "overloaded")


def test_turn_without_an_index(make_app: MakeApp) -> None:
    """Before the first index there is an error that says so, not an empty turn."""
    client = make_app(FakeService(has_index=False)).test_client()
    refused = client.post("/turn", json={"question": "bees"}, headers=SCRIPT)
    assert error_of(refused) == (503, "no_index")
