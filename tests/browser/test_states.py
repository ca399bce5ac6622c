"""What the page shows when things are not as they should be, and its library."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_client import QUESTIONS
from browser_site import Pages, Serve, Site, shoot
from fake_service import FakeService
from playwright.sync_api import Page, expect

from qa_service.types import Stage

BOTH_WIDTHS = pytest.mark.parametrize("width", [1280, 360])
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["ar", "en"])


def send(page: Page, question: str) -> None:
    """Send a question without waiting for its answer."""
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")


@BOTH_WIDTHS
@BOTH_LANGUAGES
def test_first_visit_without_index(serve: Serve, pages: Pages, language: str, width: int) -> None:
    """With nothing indexed the page names the next step instead of taking questions."""
    site = serve(FakeService((), has_index=False))
    page = pages.open(site.address, language, width)
    expect(page.locator("#no-index")).to_be_visible()
    expect(page.locator("#no-index code")).to_have_text("qa-service index PATH/TO/ARTICLES")
    expect(page.locator("#composer")).to_be_hidden()
    shoot(page, f"no-index-{language}-{width}")
    page.locator("#no-index a.button").click()
    expect(page.locator("#add")).to_be_visible()
    shoot(page, f"library-empty-{language}-{width}", whole=True)


@BOTH_WIDTHS
@BOTH_LANGUAGES
def test_first_index_in_progress(serve: Serve, pages: Pages, language: str, width: int) -> None:
    """While the first index is made the page shows how far it is, and opens by itself."""
    service = FakeService(has_index=False)
    service.runs_jobs_to_the_end = False
    site = serve(service)
    service.start_index()
    page = pages.open(site.address, language, width)
    expect(page.locator("#indexing-notice")).to_be_visible()
    service.advance(Stage.EMBEDDING, 40, 120, per_second=2.5, seconds_left=8400.0)
    expect(page.locator("#indexing-text")).to_contain_text("٤٠" if language == "ar" else "40")
    assert page.locator("#indexing-progress").evaluate("e => e.value / e.max") == pytest.approx(
        1 / 3, abs=1e-4
    )
    shoot(page, f"indexing-{language}-{width}")
    service.finish()
    expect(page.locator("#composer")).to_be_visible()


def test_first_index_that_fails(serve: Serve, pages: Pages) -> None:
    """When the first run fails the page says why."""
    service = FakeService(has_index=False)
    service.runs_jobs_to_the_end = False
    site = serve(service)
    service.start_index()
    page = pages.open(site.address)
    expect(page.locator("#indexing-notice")).to_be_visible()
    service.finish("seeds holds no article; add some")
    expect(page.locator(".notice-problem")).to_contain_text("seeds holds no article")


@BOTH_WIDTHS
@BOTH_LANGUAGES
def test_server_gone(serve: Serve, pages: Pages, language: str, width: int) -> None:
    """When the server is gone the question stays, and can be sent again once it is back."""
    site = serve()
    page = pages.open(site.address, language, width)
    page.route("**/turn?*", lambda route: route.abort("connectionrefused"))
    send(page, QUESTIONS[language])
    expect(page.locator(".notice-problem")).to_be_visible()
    expect(page.locator(".question")).to_have_text(QUESTIONS[language])
    shoot(page, f"server-gone-{language}-{width}")
    page.unroute("**/turn?*")
    page.locator(".notice-problem button").click()
    expect(page.locator(".answer-text")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_server_really_gone(serve: Serve, pages: Pages) -> None:
    """The same with a server that was shut down, for questions and for articles."""
    site = serve()
    page = pages.open(site.address)
    send(page, QUESTIONS["en"])
    expect(page.locator(".answer-text")).to_be_visible()
    site.stop()
    send(page, "And when?")
    expect(page.locator(".notice-problem")).to_contain_text("The server does not answer")
    page.locator(".chip").first.click()
    expect(page.locator("#panel .notice-problem")).to_contain_text("The server does not answer")


@BOTH_LANGUAGES
def test_slow_answer(serve: Serve, pages: Pages, language: str) -> None:
    """A slow answer is announced as slow, can be cancelled, and arrives when it is not."""
    site = serve()
    site.service.gate.clear()
    page = pages.open("about:blank", language)
    page.clock.install()
    page.goto(site.address)
    pages.complaints.clear()  # about:blank made the site's own address look foreign
    send(page, QUESTIONS[language])
    expect(page.locator(".waiting")).to_be_visible()
    assert page.locator(".waiting button").count() == 0
    page.clock.fast_forward(7000)
    expect(page.locator(".waiting button")).to_be_visible()
    shoot(page, f"slow-{language}-1280")
    page.locator(".waiting button").click()
    expect(page.locator(".waiting")).to_contain_text("أُلغي" if language == "ar" else "Cancelled")
    site.service.gate.set()
    page.locator(".waiting button").click()
    expect(page.locator(".answer-text")).to_be_visible()
    pages.complaints.clear()


def test_crowd(serve: Serve, pages: Pages) -> None:
    """Overload is told in friendly words, with a way to try again."""
    site = serve(concurrent_questions=1)
    site.service.gate.clear()
    first = pages.open(site.address)
    send(first, QUESTIONS["en"])
    expect(first.locator(".waiting")).to_be_visible()
    page = pages.open(site.address)
    send(page, QUESTIONS["en"])
    expect(page.locator(".notice-problem")).to_contain_text("Many questions at once")
    shoot(page, "overloaded-en-1280")
    site.service.gate.set()
    expect(first.locator(".answer-text")).to_be_visible()
    page.locator(".notice-problem button").click()
    expect(page.locator(".answer-text")).to_be_visible()


@BOTH_LANGUAGES
def test_unusable_index(serve: Serve, pages: Pages, language: str) -> None:
    """An index of another model is explained, with the remedy for whoever runs the service."""
    site = serve()
    site.service.break_index()
    page = pages.open(site.address, language)
    expect(page.locator(".notice-problem .detail")).to_contain_text("qa-service index --rebuild")
    shoot(page, f"broken-index-{language}-1280")


def test_unknown_address(site: Site, pages: Pages) -> None:
    """A mistyped address leads to a page that leads on."""
    page = pages.open(site.address + "/nothing/here", "ar", 360)
    expect(page.locator("h1")).to_have_text("لا يوجد شيء هنا")
    shoot(page, "unknown-ar-360")
    page.locator("main a.button").click()
    expect(page.locator("#question")).to_be_visible()


@BOTH_WIDTHS
@BOTH_LANGUAGES
def test_library(site: Site, pages: Pages, language: str, width: int) -> None:
    """The library shows what is indexed, in readers' own digits and names."""
    page = pages.open(site.address + "/articles", language, width)
    expect(page.locator(".article-list li")).to_have_count(6)
    shoot(page, f"library-{language}-{width}", whole=True)


def test_article_is_pasted_and_removed(site: Site, pages: Pages) -> None:
    """A pasted article shows in the list, and goes after being asked once more."""
    page = pages.open(site.address + "/articles")
    page.locator("#paste summary").click()
    page.get_by_label("Title", exact=True).fill("برج الساعة")
    page.get_by_label("Text", exact=True).fill("يبلغ ارتفاع برج الساعة 40 مترا.")
    page.get_by_label("Published on").fill("2024-05-06")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".article-list li")).to_have_count(7)
    expect(page.locator("#messages")).to_have_text("The index is up to date.")
    page.get_by_role("button", name="Remove “برج الساعة”").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("برج الساعة")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    shoot(page, "library-remove-en-1280")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.locator(".article-list li").count() == 7
    page.get_by_role("button", name="Remove “برج الساعة”").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.locator(".article-list li")).to_have_count(6)


def test_file_is_uploaded(site: Site, pages: Pages, tmp_path: Path) -> None:
    """An uploaded file shows in the list; one that cannot be read is explained."""
    good = tmp_path / "мост.txt"
    good.write_text("Мост открыт в 1932 году.", encoding="utf-8")
    page = pages.open(site.address + "/articles", "ru")
    page.locator("#file").set_input_files(good)
    page.get_by_role("button", name="Загрузить", exact=True).click()
    expect(page.locator(".article-list")).to_contain_text("мост.txt")
    page.locator("#file").set_input_files(good)
    page.get_by_role("button", name="Загрузить", exact=True).click()
    expect(page.locator(".notice-problem")).to_contain_text("already; rename yours")


def test_rebuild_shows_progress_and_report(serve: Serve, pages: Pages) -> None:
    """A rebuild is followed to its end, and its report names the files that failed."""
    service = FakeService()
    service.runs_jobs_to_the_end = False
    site = serve(service)
    page = pages.open(site.address + "/articles")
    page.get_by_role("button", name="Rebuild everything").click()
    expect(page.locator("#job")).to_be_visible()
    expect(page.locator("#update")).to_be_disabled()
    service.advance(Stage.READING, 3, 12)
    expect(page.locator("#job-text")).to_have_text("Reading files: 3 of 12")
    service.advance(Stage.EMBEDDING, 60, 120, per_second=38.4, seconds_left=200.0)
    expect(page.locator("#job-text")).to_have_text(
        "Reading for meaning: 60 of 120 · 38 per second · 3 minutes left"
    )
    shoot(page, "library-rebuild-en-1280")
    service.finish()
    expect(page.locator("#messages")).to_have_text("The index is up to date.")
    page.locator("#report summary").click()
    expect(page.locator("#report")).to_contain_text("seeds/b.bin: not text: byte 0 is NUL")


def test_rebuild_that_fails(serve: Serve, pages: Pages) -> None:
    """A run that fails says why, and another can be started."""
    service = FakeService()
    service.runs_jobs_to_the_end = False
    site = serve(service)
    page = pages.open(site.address + "/articles", "ar")
    page.locator("#update").click()
    expect(page.locator("#job")).to_be_visible()
    service.finish("disk full")
    expect(page.locator("#messages")).to_contain_text("disk full")
    expect(page.locator("#messages")).to_contain_text("فشلت الفهرسة")
    expect(page.locator("#update")).to_be_enabled()


def test_protected_service_asks_for_the_key(serve: Serve, pages: Pages) -> None:
    """Where reading needs the key, the browser's own prompt opens the page, and scripts work."""
    site = serve(api_key="the-key-itself", protect_reading=True)
    credentials = {"username": "me", "password": "the-key-itself"}
    page = pages.open(site.address, http_credentials=credentials)
    send(page, QUESTIONS["en"])
    expect(page.locator(".answer-text")).to_be_visible()
    page.goto(site.address + "/articles")
    page.get_by_role("button", name="Update", exact=True).click()
    expect(page.locator("#messages")).to_have_text("The index is up to date.")
