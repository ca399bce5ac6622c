"""The chat page in a browser: ask, read, follow citations, carry on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from api_client import QUESTIONS
from browser_site import Pages, Serve, Site, shoot
from fake_service import ARTICLES, HOSTILE, FakeService
from playwright.sync_api import Locator, Page, expect

WORDS = {
    "ar": {"answer": "25 نقطة مراقبة", "direction": "rtl", "page": "rtl"},
    "en": {
        "answer": "Karl von Frisch decoded the dance in 1944.",
        "direction": "ltr",
        "page": "ltr",
    },
}


def ask(page: Page, question: str) -> Locator:
    """Ask as a person does and return the last turn, answered."""
    turns = page.locator(".turn")
    before = turns.count()
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    expect(turns).to_have_count(before + 1)
    turn = turns.last
    expect(turn.locator(".answer")).to_be_visible()
    return turn


def direction(locator: Locator) -> str:
    """Return the direction in which a browser sets a text."""
    return str(locator.evaluate("element => getComputedStyle(element).direction"))


def is_in_view(locator: Locator) -> bool:
    """True when an element stands inside the window."""
    return bool(
        locator.evaluate(
            """element => {
                const box = element.getBoundingClientRect();
                return box.top >= 0 && box.bottom <= innerHeight && box.height > 0;
            }"""
        )
    )


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_ask_and_follow_the_citation(site: Site, pages: Pages, language: str, width: int) -> None:
    """A question gets its answer, and the citation leads to the marked passage in the article."""
    page = pages.open(site.address, language, width)
    shoot(page, f"home-{language}-{width}")
    expect(page.locator("html")).to_have_attribute("dir", WORDS[language]["direction"])
    turn = ask(page, QUESTIONS[language])
    answer = turn.locator(".answer-text")
    expect(answer).to_contain_text(WORDS[language]["answer"])
    expect(answer).to_have_attribute("lang", language)
    assert direction(answer) == WORDS[language]["direction"]
    expect(turn.locator(".card").first.locator("mark").first).to_be_visible()
    shoot(page, f"answer-{language}-{width}")
    turn.locator(".chip").click()
    if width == 1280:
        passage = page.locator("#panel .in-passage").first
        expect(page.locator("#question")).to_be_visible()
    else:
        page.wait_for_url("**/articles/**")
        passage = page.locator("article .in-passage").first
    expect(passage).to_be_visible()
    assert is_in_view(passage)
    expect(page.locator(".article .in-sentence").first).to_be_visible()
    expect(page.locator(".article mark").first).to_be_visible()
    shoot(page, f"cited-{language}-{width}")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_dark(site: Site, pages: Pages, language: str) -> None:
    """At night the page is dark, marks included."""
    page = pages.open(site.address, language, color_scheme="dark")
    ask(page, QUESTIONS[language]).locator(".chip").click()
    expect(page.locator("#panel .in-passage").first).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", background)) < 60
    shoot(page, f"dark-{language}-1280")
    narrow = pages.open(site.address, language, 360, color_scheme="dark")
    ask(narrow, QUESTIONS[language])
    shoot(narrow, f"dark-{language}-360")


def test_each_text_has_its_own_direction(site: Site, pages: Pages) -> None:
    """An Arabic quote in an English page runs from the right, and the other way round."""
    page = pages.open(site.address, "en")
    turn = ask(page, QUESTIONS["ar"])
    assert direction(page.locator("body")) == "ltr"
    for place in (".question bdi", ".answer-text", ".quote", ".card-title bdi"):
        assert direction(turn.locator(place).first) == "rtl", place
    page = pages.open(site.address, "ar")
    turn = ask(page, QUESTIONS["en"])
    assert direction(page.locator("body")) == "rtl"
    for place in (".question bdi", ".answer-text", ".quote", ".card-title bdi"):
        assert direction(turn.locator(place).first) == "ltr", place
        isolation = turn.locator(place).first.evaluate("e => getComputedStyle(e).unicodeBidi")
        assert isolation == "isolate", place


def test_marks_count_code_points(site: Site, pages: Pages) -> None:
    """Marks stand on the right words behind characters that JavaScript counts twice."""
    page = pages.open(site.address)
    turn = ask(page, "What gives the distance of a waggle dance?")
    assert turn.locator(".card").first.locator(".quote").inner_text().startswith("🐝🐝")
    marked = turn.locator(".card").first.locator("mark").all_inner_texts()
    assert {"waggle", "distance", "dance"} <= set(marked)
    sentence = "".join(turn.locator(".card").first.locator(".in-sentence").all_inner_texts())
    assert sentence == turn.locator(".answer-text").inner_text()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_without_javascript(site: Site, pages: Pages, language: str) -> None:
    """A plain form asks, and the page says what the page with scripts says."""
    plain = pages.open(site.address, language, java_script_enabled=False)
    plain.locator("#question").fill(QUESTIONS[language])
    plain.locator(".send").click()
    expect(plain.locator(".answer-text")).to_contain_text(WORDS[language]["answer"])
    shoot(plain, f"plain-{language}-1280")
    rich = pages.open(site.address, language)
    ask(rich, QUESTIONS[language])
    for place in (".question", ".answer-text", ".chip", ".card-title", ".meta", ".quote", "mark"):
        shown = [page.locator(f".turn {place}").all_inner_texts() for page in (plain, rich)]
        assert shown[0] == shown[1] != [], place
    addresses = [page.locator(".chip").get_attribute("href") for page in (plain, rich)]
    assert addresses[0] == addresses[1]
    plain.locator(".chip").click()
    passage = plain.locator(".in-passage").first
    expect(passage).to_be_visible()
    assert is_in_view(passage)


def test_follow_up_without_javascript(site: Site, pages: Pages) -> None:
    """The plain form carries the earlier question on."""
    page = pages.open(site.address, java_script_enabled=False)
    page.locator("#question").fill(QUESTIONS["en"])
    page.locator(".send").click()
    page.locator("#question").fill("And when?")
    page.locator(".send").click()
    expect(page.locator(".searched-for")).to_contain_text(QUESTIONS["en"])


def test_keyboard_alone(site: Site, pages: Pages) -> None:
    """Everything from the question to the passage and back works without a mouse."""
    page = pages.open(site.address)
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTIONS["en"])
    page.keyboard.press("Enter")
    expect(page.locator(".answer-text")).to_be_visible()
    expect(page.locator("#announcer")).to_contain_text("Karl von Frisch")
    page.reload()
    expect(page.locator(".chip")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    assert is_in_view(page.locator(".skip-link"))
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "chip":
            break
    expect(page.locator(".chip")).to_be_focused()
    outline = page.locator(".chip").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#panel .in-passage").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".chip")).to_be_focused()


def test_input_methods_keep_their_enter(site: Site, pages: Pages) -> None:
    """Enter that ends the composing of a Chinese word does not send the question."""
    page = pages.open(site.address, "zh")
    page.locator("#question").fill("长城")
    page.locator("#question").dispatch_event(
        "keydown", {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    )
    page.locator("#question").press("Shift+Enter")
    assert page.locator(".turn").count() == 0
    page.locator("#question").press("Enter")
    expect(page.locator(".turn")).to_have_count(1)


def test_empty_question_is_not_sent(site: Site, pages: Pages) -> None:
    """Blanks are no question, and the page says so to those who listen."""
    page = pages.open(site.address)
    page.locator("#question").fill("   ")
    page.keyboard.press("Enter")
    expect(page.locator("#announcer")).to_have_text("Write a question first.")
    assert site.service.asked == []


def test_conversation_carries_on_and_starts_anew(site: Site, pages: Pages) -> None:
    """Follow-ups know what was asked; a reload keeps the conversation; a new one forgets it."""
    page = pages.open(site.address)
    ask(page, QUESTIONS["en"])
    turn = ask(page, "And when?")
    expect(turn.locator(".searched-for")).to_contain_text(QUESTIONS["en"])
    assert site.service.asked[-1].history == (QUESTIONS["en"],)
    shoot(page, "follow-up-en-1280")
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last.locator(".searched-for")).to_be_visible()
    assert len(site.service.asked) == 2
    page.locator("#new-conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#question")).to_be_focused()
    page.reload()
    expect(page.locator(".turn")).to_have_count(0)
    ask(page, QUESTIONS["fr"])
    assert site.service.asked[-1].history == ()


def test_narrow_reader_comes_back_to_the_conversation(site: Site, pages: Pages) -> None:
    """From the article's own page the way back leads to the conversation as it was."""
    page = pages.open(site.address, "ar", 360)
    ask(page, QUESTIONS["ar"]).locator(".chip").click()
    page.wait_for_url("**/articles/**")
    page.locator("#back").click()
    expect(page.locator(".answer-text")).to_contain_text("25")


def test_article_that_has_changed(site: Site, pages: Pages) -> None:
    """A citation whose passage was edited away opens the article and says so."""
    page = pages.open(site.address)
    turn = ask(page, QUESTIONS["en"])
    site.service.edit("science/bees.md", "Everything here is new.")
    turn.locator(".chip").click()
    expect(page.locator("#panel .notice-changed")).to_be_visible()
    expect(page.locator("#panel")).to_contain_text("Everything here is new.")
    shoot(page, "changed-en-1280")


def test_article_that_is_gone(site: Site, pages: Pages) -> None:
    """A citation of a removed article says that it is gone, in place."""
    page = pages.open(site.address, "ar")
    turn = ask(page, QUESTIONS["en"])
    site.service.remove_article("science/bees.md")
    turn.locator(".chip").click()
    expect(page.locator("#panel .notice")).to_contain_text("لم يعد هذا المقال هنا")


def test_citation_link_in_another_browser(site: Site, pages: Pages) -> None:
    """A pasted link opens the article at the passage, for anyone."""
    page = pages.open(site.address)
    link = ask(page, QUESTIONS["ar"]).locator(".chip").get_attribute("href")
    other = pages.open(site.address + str(link), "fr", 360)
    passage = other.locator(".in-passage").first
    expect(passage).to_be_visible()
    assert is_in_view(passage)
    expect(other.locator("#back")).to_have_text("Retour aux questions")


def test_question_link(site: Site, pages: Pages) -> None:
    """The copied link asks the same again in another browser."""
    page = pages.open(site.address, permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, QUESTIONS["ar"])
    turn.get_by_role("button", name="Copy link").click()
    expect(turn.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(site.address + "/?q=")
    other = pages.open(link, "ar", 360)
    expect(other.locator(".answer-text")).to_contain_text("25")
    turn = ask(other, "ومتى؟")
    assert site.service.asked[-1].history == (QUESTIONS["ar"],)
    expect(other).to_have_url(site.address + "/")


def test_copied_quote_carries_its_citation(site: Site, pages: Pages) -> None:
    """A copied quote comes with title, source, date and link."""
    page = pages.open(site.address, permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, QUESTIONS["en"])
    turn.locator(".answer").get_by_role("button", name="Copy quote").click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    quote, origin, link = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert quote == "“Karl von Frisch decoded the dance in 1944.”"
    assert origin == "— How bees tell each other the way 🐝, Field Notes, May 3, 2021"
    assert link.startswith(site.address + "/articles/science/bees.md?passage=")


def test_feedback(site: Site, pages: Pages, tmp_path: Path) -> None:
    """A reader's verdict is kept on the server and shown as given, also after a reload."""
    page = pages.open(site.address)
    card = ask(page, QUESTIONS["en"]).locator(".card").first
    helpful = card.get_by_role("button", name="Helpful")
    helpful.click()
    expect(card.locator("[aria-pressed=true]")).to_have_count(1)
    (line,) = (tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    kept = json.loads(line)
    assert kept["relevant"] == ["science/bees.md"]
    assert kept["answers"] == ["Karl von Frisch decoded the dance in 1944."]
    page.reload()
    expect(page.locator(".card [aria-pressed=true]")).to_have_text("Helpful")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_nothing_answers(site: Site, pages: Pages, language: str, width: int) -> None:
    """Without an answer the page says so in the asker's language and shows what is nearest."""
    page = pages.open(site.address, language, width)
    question = {
        "ar": "من فاز ببطولة العالم وكم نقطة سجل؟",
        "en": "Which team won the flowers cup final yesterday evening?",
    }[language]
    turn = ask(page, question)
    expect(turn.locator(".not-found")).to_be_visible()
    expect(turn.locator(".not-found")).to_have_attribute("lang", language)
    assert turn.locator(".card").count() >= 1
    shoot(page, f"not-found-{language}-{width}")


@pytest.mark.parametrize(
    ("interface", "article", "face"),
    [
        ("ar", "science/bees.md", "Noto Serif"),
        ("zh", "science/bees.md", "Noto Serif"),
        ("en", "أخبار/قره باغ.txt", "Noto Naskh Arabic"),
        ("ar", "中文/长城.txt", "Noto Serif CJK SC"),
        ("zh", "hi/ganga.txt", "Noto Serif Devanagari"),
    ],
)
def test_article_is_set_in_type_for_its_own_script(
    site: Site, pages: Pages, interface: str, article: str, face: str
) -> None:
    """The face of an article is that of its language, not that of the interface around it."""
    page = pages.open(f"{site.address}/articles/{quote(article)}", interface)
    for place in ("h1", ".article-text p"):
        faces = page.locator(f"#article {place}").first.evaluate(
            "element => getComputedStyle(element).fontFamily"
        )
        noto = [name.strip(' "') for name in faces.split(",") if "Noto" in name]
        assert noto == [face]


def test_same_story_elsewhere(site: Site, pages: Pages) -> None:
    """A passage that other articles tell, too, names them and leads to them."""
    page = pages.open(site.address)
    card = ask(page, QUESTIONS["en"]).locator(".card").first
    also = card.locator(".also-in a")
    expect(also).to_have_text("Bees, again")
    also.click()
    expect(page.locator("#panel h1")).to_have_text("Bees, again")


@pytest.mark.parametrize(("language", "more"), [("ar", "و٢ أخرى"), ("en", "and 2 more")])
def test_story_that_many_tell(serve: Serve, pages: Pages, language: str, more: str) -> None:
    """Three other articles are named at once, the rest on demand, in the reader's digits."""
    copies = [replace(ARTICLES[-1], id=f"copy-{n}.md", title=f"नकल {n} 副本") for n in range(6)]
    site = serve(FakeService(copies))
    page = pages.open(site.address, language, 360)
    also = ask(page, QUESTIONS["en"]).locator(".card").first.locator(".also-in")
    expect(also.locator("a:visible")).to_have_count(3)
    also.locator("summary").click()
    expect(also.locator("a:visible")).to_have_count(5)
    expect(also.locator("summary")).to_have_text(more)
    shoot(page, f"also-in-{language}-360")


def test_examples_ask(site: Site, pages: Pages) -> None:
    """An example question asks itself when clicked."""
    page = pages.open(site.address, "ar")
    example = page.locator("#examples a").first
    question = example.inner_text()
    example.click()
    expect(page.locator(".answer-text")).to_be_visible()
    assert site.service.asked[0].text == question
    expect(page).to_have_url(site.address + "/")


def test_filters(site: Site, pages: Pages) -> None:
    """Filters restrict what may answer and stay visible as set."""
    page = pages.open(site.address)
    page.locator("#filters summary").click()
    page.get_by_label("Article language").select_option("fr")
    page.get_by_label("Published from").fill("2021-01-01")
    expect(page.locator("#filter-count")).to_have_text("2")
    shoot(page, "filters-en-1280")
    page.locator("#question").fill("phare")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_be_visible()
    filters = site.service.asked[0].filters
    assert (filters.language, str(filters.published_from)) == ("fr", "2021-01-01")


def test_language_can_be_changed(site: Site, pages: Pages) -> None:
    """The language chosen on the page stays, whatever the browser asks for."""
    page = pages.open(site.address, "en")
    page.locator("#language-menu summary").click()
    shoot(page, "languages-en-1280")
    page.get_by_role("link", name="हिन्दी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    page.reload()
    expect(page.locator("#welcome h1")).to_have_text("आप क्या जानना चाहते हैं?")


@pytest.mark.parametrize("language", ["es", "fr", "hi", "ru", "tr", "zh"])
def test_other_interface_languages(site: Site, pages: Pages, language: str) -> None:
    """Every interface language fits a phone and a desk."""
    for width in (1280, 360):
        page = pages.open(site.address, language, width)
        expect(page.locator("html")).to_have_attribute("lang", language)
        ask(page, QUESTIONS.get(language, QUESTIONS["en"]))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shoot(page, f"answer-{language}-{width}")


def test_hostile_article_is_only_text(serve: Serve, pages: Pages) -> None:
    """Markup in every field of an article is shown as it is, by scripts as by templates."""
    site = serve(FakeService((*ARTICLES, HOSTILE)))
    page = pages.open(site.address)
    turn = ask(page, "What does the hostile zebra hide?")
    expect(turn.locator(".quote").first).to_contain_text("<script>alert('text')</script>")
    expect(turn.locator(".card-title").first).to_contain_text("</title><script>")
    turn.locator(".card-title a").first.click()
    expect(page.locator("#panel .article-text")).to_contain_text("<svg onload=alert(2)>")
    assert page.locator("#panel script, #panel svg[onload], #panel img").count() == 0
    page.goto(site.address + "/articles")
    expect(page.locator(".article-list")).to_contain_text("<b onmouseover=alert(3)>")
    shoot(page, "hostile-en-1280")


@pytest.mark.parametrize("path", ["/", "/articles", "/docs", "/?q=dance+of+bees"])
@pytest.mark.parametrize("language", ["ar", "en", "ru"])
def test_no_page_scrolls_sideways(site: Site, pages: Pages, path: str, language: str) -> None:
    """At 320 px, and at 200 % on a small laptop, nothing is cut off or out of reach."""
    for width in (320, 640):
        page = pages.open(site.address + path, language, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_targets_are_large_enough(site: Site, pages: Pages) -> None:
    """Whatever can be pressed is at least 24 px wide and high, or stands in a line of text."""
    page = pages.open(site.address, "en", 360)
    ask(page, QUESTIONS["en"])
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, input, select, nav a, a.chip")]
            .filter((element) => element.checkVisibility())
            .map((element) => ({ element, box: element.getBoundingClientRect() }))
            .filter(({ box }) => box.width < 24 || box.height < 24)
            .map(({ element }) => element.outerHTML)"""
    )
    assert small == []


def test_motion_can_be_reduced(site: Site, pages: Pages) -> None:
    """Who wants no motion gets none."""
    page = pages.open(site.address, reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    turn = ask(page, QUESTIONS["en"])
    assert turn.evaluate("e => parseFloat(getComputedStyle(e).animationDuration)") < 0.001


def test_assets_are_cached_for_ever(site: Site, pages: Pages) -> None:
    """Scripts and styles have addresses that change with them, and stay in the cache."""
    page = pages.open(site.address)
    address = page.locator("link[rel=stylesheet]").get_attribute("href")
    response = page.request.get(site.address + str(address))
    assert "immutable" in response.headers["cache-control"]
    stale = re.sub(r"/static/\w+/", "/static/older/", str(address))
    assert page.request.get(site.address + stale).headers["cache-control"] == "no-cache"
