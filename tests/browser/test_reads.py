"""The net under the scripts: reading what a reply does not hold fails the test that does it."""

from __future__ import annotations

import pytest
from browser_site import Pages, Site

READERS = {
    "a reply": """async () => (await (await fetch("/index")).json()).jobs""",
    "what is in it": """async () => (await (await fetch("/index")).json()).index.foldr""",
    "a list": """async () => {
        const ask = { method: "POST", headers: { "Content-Type": "application/json" },
                      body: JSON.stringify({ question: "Who decoded the dance of bees?" }) };
        const { passages } = await (await fetch("/ask", ask)).json();
        return passages.map(({ citations }) => citations);
    }""",
    "an event": """() => new Promise((done) => {
        new EventSource("/index/events").addEventListener("index", (event) => {
            done(JSON.parse(event.data).jobs);
        });
    })""",
    "the page": """() => JSON.parse(document.getElementById("page-data").textContent).index.jobs""",
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_what_is_not_there_is_not_read(site: Site, pages: Pages, read: str) -> None:
    """A name that no reply holds is reported, wherever a script may read it."""
    page = pages.open(f"{site.address}/articles")
    page.evaluate(read)
    (complaint,) = set(pages.complaints)
    assert "a reply has no" in complaint
    pages.complaints.clear()


def test_what_is_there_is_read(site: Site, pages: Pages) -> None:
    """What replies hold is read as ever, and kept as it was."""
    page = pages.open(f"{site.address}/articles")
    read = """async () => {
        const body = await (await fetch("/index")).json();
        const { index, job } = body;
        return [index.articles, job, Object.keys(body), JSON.stringify(index.sources)];
    }"""
    articles, job, names, sources = page.evaluate(read)
    assert (articles, job, names) == (6, None, ["index", "problem", "job", "unread"])
    assert "سبوتنيك" in sources
