"""JSON and addresses made from the service's values."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from fake_service import FakeService
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa_service.types import Question, Span
from qa_service.web import wire

IDS = ["a.txt", "folder/a b.md", "أخبار/مقال ١.txt", "中文/长城.txt", "ข่าว.txt", "a?b#c%d&e=f.txt"]


@pytest.mark.parametrize("article_id", [*IDS, "../up", "a/../b", "a//b", "/a", "a/", "./x", "a\nb"])
def test_article_path_leads_back_to_the_article(client: FlaskClient, article_id: str) -> None:
    """The app reads the same id from the path that was written into it, and browsers keep it."""
    path = wire.article_path(article_id)
    assert path.isascii()
    assert not {".", "..", ""} & set(path.split("/")[1:])
    adapter = client.application.url_map.bind("localhost")
    assert adapter.match(unquote(path)) == ("api.article", {"article_id": article_id})


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999))))
def test_citation_link_carries_everything(article_id: str, pairs: list[tuple[int, int]]) -> None:
    """Whatever an id holds, the link is plain ASCII and its parts can be read back."""
    article_id = article_id.encode("utf-8", "replace").decode()
    spans = [Span(*pair) for pair in pairs]
    parts = urlsplit("http://h" + wire.citation_link(article_id, "p 1/&", spans, Span(2, 9)))
    assert parts.geturl().isascii()
    assert unquote(parts.path) == "/articles/" + article_id
    query = parse_qs(parts.query)
    assert query["passage"] == ["p 1/&"]
    assert query["sentence"] == ["2-9"]
    expected = ",".join(f"{start}-{end}" for start, end in pairs[:60])
    assert query.get("highlight", [""]) == [expected]
    assert unquote(parts.fragment) == "passage-p 1/&"


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://example.org/ar/قره", "https://example.org/ar/قره"),
        (" http://example.org ", "http://example.org"),
        ("HTTPS://EXAMPLE.org", "HTTPS://EXAMPLE.org"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("//example.org", None),
        ("http:///path", None),
        ("http://[bad", None),
        ("", None),
        (None, None),
    ],
)
def test_web_address(url: str | None, linked: str | None) -> None:
    """Only what a browser would open as a web page becomes a link."""
    assert wire.web_address(url) == linked


def test_rounding_stays_between_0_and_1() -> None:
    """A probability that rounding pushed over its bounds is put back."""
    answer = FakeService().ask(Question("Who decoded the dance of bees?"))
    passage = dataclasses.replace(answer.passages[0], score=1.0000001)
    odd = dataclasses.replace(answer, confidence=-1e-9, passages=(passage,))
    body = wire.answer_to_json(odd)
    assert body["confidence"] == 0.0
    assert body["passages"][0]["score"] == 1.0


def test_only_the_cited_passage_links_to_the_sentence() -> None:
    """The answering sentence is marked in its own passage, not in others."""
    body = wire.answer_to_json(FakeService().ask(Question("What dance do honey bees dance?")))
    assert len(body["passages"]) > 1
    links = [hit["citation"]["link"] for hit in body["passages"]]
    assert ["sentence=" in link for link in links] == [True] + [False] * (len(links) - 1)


def test_unknown_language_reads_by_itself() -> None:
    """Text of unknown language gets direction auto, so that the browser decides."""
    answer = FakeService().ask(Question("Who decoded the dance of bees?"))
    passage = dataclasses.replace(answer.passages[0], language="und")
    body = wire.answer_to_json(dataclasses.replace(answer, passages=(passage,)))
    assert body["passages"][0]["direction"] == "auto"
