"""axe-core finds nothing to object to, on any page, in any state, by day and by night."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import QUESTIONS
from browser_site import Pages, Serve, Site
from fake_service import FakeService
from playwright.sync_api import Page, expect

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, axe_source: str) -> list[str]:
    """Return what axe-core finds wrong, with the elements."""
    page.evaluate(axe_source)
    # Moving things are judged once they have arrived.
    page.evaluate("Promise.all(document.getAnimations().map((a) => a.finished.catch(() => 0)))")
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, { runOnly: { type: 'tag', values: rules } })", RULES
    )
    return [
        f"{violation['id']}: {[node['html'][:200] for node in violation['nodes']]}"
        for violation in found["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_conversation(
    site: Site, pages: Pages, axe_source: str, language: str, scheme: str
) -> None:
    """Welcome, answer, open article: each is accessible, in both directions and themes."""
    page = pages.open(site.address, language, color_scheme=scheme, reduced_motion="reduce")
    assert violations(page, axe_source) == []
    page.locator("#filters summary").click()
    page.locator("#question").fill(QUESTIONS[language])
    page.keyboard.press("Enter")
    expect(page.locator(".answer-text")).to_be_visible()
    assert violations(page, axe_source) == []
    page.locator(".chip").click()
    expect(page.locator("#panel .in-passage").first).to_be_visible()
    assert violations(page, axe_source) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "path", ["/articles", "/articles/science/bees.md", "/docs", "/nowhere", "/?q=zzz"]
)
def test_other_pages(
    site: Site, pages: Pages, axe_source: str, path: str, width: int, scheme: str
) -> None:
    """Library, article, reference, error page and "not found" are accessible."""
    page = pages.open(site.address + path, "en", width, color_scheme=scheme)
    assert violations(page, axe_source) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states(serve: Serve, pages: Pages, axe_source: str, scheme: str) -> None:
    """No index, a run in progress, a problem, a dialog: accessible as well."""
    empty = serve(FakeService((), has_index=False))
    page = pages.open(empty.address, "ar", color_scheme=scheme)
    assert violations(page, axe_source) == []
    running = FakeService(has_index=False)
    running.runs_jobs_to_the_end = False
    running.start_index()
    page = pages.open(serve(running).address, color_scheme=scheme)
    assert violations(page, axe_source) == []
    site = serve()
    page = pages.open(site.address, color_scheme=scheme)
    page.route("**/turn?*", lambda route: route.abort())
    page.locator("#question").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator(".notice-problem")).to_be_visible()
    assert violations(page, axe_source) == []
    page.goto(site.address + "/articles")
    page.locator("#paste summary").click()
    page.locator(".remove").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page, axe_source) == []


def test_without_javascript(site: Site, pages: Pages, axe_source: str) -> None:
    """The server-rendered answer is as accessible as the scripted one."""
    page = pages.open(site.address)
    markup = page.request.get(
        site.address, params={"q": QUESTIONS["ar"]}, headers={"Accept": "text/html"}
    ).text()
    assert 'role="status"' in markup
    # Scripts off, axe on: the page's own modules are kept from loading.
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{site.address}/?q={QUESTIONS['ar']}")
    assert violations(page, axe_source) == []
