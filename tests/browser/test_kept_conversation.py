"""The conversation that a browser keeps: shown as it was, whatever it is, never too large."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_client import QUESTIONS
from browser_site import Pages, Serve, Site
from fake_service import ARTICLES, HOSTILE, FakeService
from playwright.sync_api import Page, expect
from test_chat import ask

KEY = "qa-service.conversation"


def kept(page: Page) -> list[dict[str, Any]]:
    """Return what the browser kept."""
    text = page.evaluate("key => localStorage.getItem(key)", KEY)
    turns: list[dict[str, Any]] = json.loads(text)
    return turns


def keep(page: Page, text: str) -> None:
    """Make the browser have kept something, and open the page anew."""
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    page.reload()


def of_earlier_version(site: Site, page: Page, question: str, **more: Any) -> dict[str, Any]:
    """Return a turn as it was kept when scripts rendered it, the answer's JSON in it."""
    answer = page.request.post(f"{site.address}/ask", data={"question": question}).json()
    return {"answer": answer, "filters": {}, **more}


def test_turn_comes_back_as_it_was(site: Site, pages: Pages) -> None:
    """After a reload the same is shown without asking, and its buttons work."""
    page = pages.open(site.address, "ar")
    turn = ask(page, QUESTIONS["en"])
    turn.locator(".card").first.locator("[data-action=wrong]").click()
    expect(turn.locator("[aria-pressed=true]")).to_have_count(1)
    # A word of thanks stands on the button for a while.
    expect(turn.locator("[aria-pressed=true]")).to_have_text("مقطع خاطئ")
    before = turn.evaluate("element => element.innerText")
    page.reload()
    assert page.locator(".turn").evaluate("element => element.innerText") == before
    expect(page.locator("[aria-pressed=true]")).to_have_attribute("data-action", "wrong")
    assert len(site.service.asked) == 1
    page.locator(".card").first.locator("[data-action=helpful]").click()
    expect(page.locator("[aria-pressed=true]")).to_have_attribute("data-action", "helpful")
    (turn_kept,) = kept(page)
    assert list(turn_kept["verdicts"].values()) == [True]
    page.locator(".chip").click()
    expect(page.locator("#panel .in-passage").first).to_be_visible()


def test_conversation_of_an_earlier_version(site: Site, pages: Pages) -> None:
    """Turns that were kept as JSON are asked again with their filters, verdicts and history."""
    page = pages.open(site.address)
    first = of_earlier_version(site, page, QUESTIONS["en"])
    citation = first["answer"]["passages"][0]["citation"]["id"]
    first["verdicts"] = {citation: True}
    first["filters"] = {"source": "Field Notes"}
    second = of_earlier_version(site, page, "And when?")
    site.service.asked.clear()
    keep(page, json.dumps([first, second]))
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.locator(".card [aria-pressed=true]")).to_have_text("Helpful")
    expect(page.locator(".turn").last.locator(".searched-for")).to_contain_text(QUESTIONS["en"])
    asked = sorted(site.service.asked, key=lambda question: len(question.history))
    assert [(one.text, one.history, one.filters.source) for one in asked] == [
        (QUESTIONS["en"], (), "Field Notes"),
        ("And when?", (QUESTIONS["en"],), None),
    ]
    expect(page.locator(".waiting")).to_have_count(0)
    page.reload()
    expect(page.locator(".answer")).to_have_count(2)
    assert len(site.service.asked) == 2


def test_long_conversation_is_asked_again_as_it_is_looked_at(site: Site, pages: Pages) -> None:
    """Only turns that come into view cost a question, and a new one can be asked meanwhile."""
    page = pages.open(site.address, "en", 360, reduced_motion="reduce")
    old = [of_earlier_version(site, page, f"Which bees dance number {n}?") for n in range(30)]
    site.service.asked.clear()
    keep(page, json.dumps(old))
    expect(page.locator(".turn .cards").first).to_be_attached()
    expect(page.locator(".waiting")).to_have_count(0)
    assert 1 <= len(site.service.asked) < 30
    left = page.locator(".turn:not(:has(.cards))").first
    question = left.locator(".question").inner_text()
    left.scroll_into_view_if_needed()
    again = page.locator(".turn", has_text=question)
    expect(again.locator(".cards").first).to_be_visible()
    ask(page, QUESTIONS["en"])


def test_page_in_another_language(site: Site, pages: Pages) -> None:
    """A conversation follows the page into the language that is chosen for it."""
    page = pages.open(site.address, "en")
    ask(page, QUESTIONS["en"]).locator("[data-action=helpful]").first.click()
    expect(page.locator("[aria-pressed=true]")).to_have_count(1)
    page.locator("#language-menu summary").click()
    page.get_by_role("link", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator(".passages h3")).to_have_text("المقاطع")
    expect(page.locator("[aria-pressed=true]")).to_have_attribute("data-action", "helpful")


def test_language_chosen_in_another_tab(site: Site, pages: Pages) -> None:
    """A page that is open already goes on in its own language."""
    page = pages.open(site.address, "en")
    other = page.context.new_page()
    other.goto(f"{site.address}/language/ar")
    expect(other.locator("html")).to_have_attribute("lang", "ar")
    expect(ask(page, QUESTIONS["en"]).locator(".passages h3")).to_have_text("Passages")


def test_server_gone_while_turns_are_asked_again(serve: Serve, pages: Pages) -> None:
    """A kept question that cannot be asked now stands there with a way to try again in place."""
    site = serve()
    page = pages.open(site.address)
    old = [of_earlier_version(site, page, QUESTIONS[language]) for language in ("en", "fr")]
    page.route("**/turn?*", lambda route: route.abort("connectionrefused"))
    keep(page, json.dumps(old))
    expect(page.locator(".notice-problem")).to_have_count(2)
    page.unroute("**/turn?*")
    page.locator(".notice-problem button").first.click()
    expect(page.locator(".turn").first.locator(".answer-text")).to_be_visible()
    expect(page.locator(".turn").first.locator(".question")).to_have_text(QUESTIONS["en"])
    expect(page.locator(".turn")).to_have_count(2)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "null",
        "{}",
        "[null, 1, [], {}]",
        '[{"answer": null}]',
        '[{"question": 5, "markup": "<article>"}]',
    ],
)
def test_what_is_no_conversation_is_left(site: Site, pages: Pages, text: str) -> None:
    """Whatever stands in the browser's storage, the page opens and takes questions."""
    page = pages.open(site.address)
    keep(page, text)
    expect(page.locator("#welcome")).to_be_visible()
    ask(page, QUESTIONS["en"])
    page.reload()
    expect(page.locator(".answer-text")).to_be_visible()


def test_markup_without_a_turn_is_asked_for_again(site: Site, pages: Pages) -> None:
    """Kept markup that holds no turn is replaced by one."""
    page = pages.open(site.address)
    ask(page, QUESTIONS["en"])
    (turn,) = kept(page)
    keep(page, json.dumps([{**turn, "markup": "<p>elsewhere"}]))
    expect(page.locator(".answer-text")).to_be_visible()
    assert len(site.service.asked) == 2


def test_oldest_turns_go_first(site: Site, pages: Pages) -> None:
    """A conversation that has grown too large for the browser keeps its end."""
    page = pages.open(site.address)
    ask(page, QUESTIONS["en"])
    (turn,) = kept(page)
    large = [
        {**turn, "question": f"{n}", "markup": turn["markup"] + "<!--" + "x" * 400_000 + "-->"}
        for n in range(9)
    ]
    keep(page, json.dumps(large))
    expect(page.locator(".turn")).to_have_count(9)
    ask(page, QUESTIONS["fr"])
    texts = [turn["question"] for turn in kept(page)]
    assert texts == ["5", "6", "7", "8", QUESTIONS["fr"]]


def test_hostile_article_is_only_text_when_it_comes_back(serve: Serve, pages: Pages) -> None:
    """What an article holds stays text in kept markup, too; complaints of the browser fail this."""
    site = serve(FakeService((*ARTICLES, HOSTILE)))
    page = pages.open(site.address)
    question = 'What does the <img src=x onerror=alert(1)> "hostile" zebra hide?'
    shown = ask(page, question).inner_text()
    page.reload()
    turn = page.locator(".turn")
    assert turn.inner_text() == shown
    expect(turn.locator(".question")).to_have_text(question)
    expect(turn.locator(".quote").first).to_contain_text("<script>alert('text')</script>")
    assert turn.locator("script, img, b, i, [onload], [onerror], [onmouseover]").count() == 0
    assert len(site.service.asked) == 1
