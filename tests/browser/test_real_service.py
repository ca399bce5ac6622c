"""The chat page on the real service: asked, answered, cited and found in the article."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser_site import Pages
from playwright.sync_api import expect
from werkzeug.serving import make_server

from qa_service.config import load_settings
from qa_service.web.app import create_app

if TYPE_CHECKING:
    from qa_service.service import Service

ASKED = {
    "ar": ("كم نقطة مراقبة أقامت روسيا في قره باغ؟", "karabakh-peacekeepers.md", "rtl"),
    "en": ("When was the Suez Canal opened?", "suez-canal.md", "ltr"),
}


@pytest.fixture(scope="module")
def address(sample_service: Service) -> Iterator[str]:
    """The real app over the sample articles, on a free port."""
    server = make_server("127.0.0.1", 0, create_app(sample_service, load_settings()), threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.block_on_close = False  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.mark.parametrize("language", ASKED)
def test_ask_and_follow_a_citation(
    address: str, sample_service: Service, pages: Pages, language: str
) -> None:
    """The first passage comes from the right article, and its link leads to it, marked."""
    question, article, direction = ASKED[language]
    page = pages.open(address, language)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").last
    card = turn.locator(".card").first
    expect(card).to_be_visible()
    quote = card.locator(".quote")
    expect(quote).to_have_attribute("lang", language)
    expect(card.locator("mark").first).to_be_visible()
    quote_text = quote.inner_text()
    link = card.locator("a[href*='/articles/']").first
    assert article in str(link.get_attribute("href"))
    page.goto(address + str(link.get_attribute("href")))
    passage = page.locator(".article .in-passage")
    expect(passage.first).to_be_visible()
    marked = "".join(passage.all_inner_texts())
    stored = sample_service.article(f"{language}/{article}").text
    # Paragraphs are blocks of their own on the page.
    assert "".join(marked.split()) in "".join(stored.split())
    assert "".join(quote_text.split()) == "".join(marked.split())
    assert passage.first.evaluate("element => getComputedStyle(element).direction") == direction


@pytest.mark.parametrize("language", ASKED)
def test_suggested_question_finds_its_article(address: str, pages: Pages, language: str) -> None:
    """A question that the page suggests is answered from the articles that it was made of."""
    page = pages.open(address, language)
    example = page.locator("#examples a").first
    expect(example).to_be_visible()
    topic = example.inner_text()
    example.click()
    turn = page.locator(".turn").last
    expect(turn.locator(".card").first).to_be_visible()
    assert topic.strip() in turn.inner_text()
