"""A served app, and pages that report all that goes wrong on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fake_service import FakeService
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import BaseWSGIServer

SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
SIZES = {1280: {"width": 1280, "height": 800}, 360: {"width": 360, "height": 740}}


@dataclass
class Site:
    """An app that is being served."""

    service: FakeService
    server: BaseWSGIServer
    address: str = field(init=False)

    def __post_init__(self) -> None:
        self.address = f"http://127.0.0.1:{self.server.port}"

    def stop(self) -> None:
        """Go away, as a server that was shut down."""
        self.server.shutdown()
        self.server.server_close()


Serve = Callable[..., Site]


# What a script reads of a reply must be there: a field that the API doesn't tell is an error on
# the console. Replies hold every field of their models and no other (tests/web/test_openapi.py).
READS = """(() => {
    const guarded = (value) => {
        if (value === null || typeof value !== "object") return value;
        return new Proxy(value, {
            get(target, name, self) {
                const isKnown = name in target || typeof name === "symbol";
                // What JSON.stringify and await look for in anything.
                if (!isKnown && name !== "toJSON" && name !== "then") {
                    console.error(`a reply has no ${name}, only ${Object.keys(target)}`);
                }
                return guarded(Reflect.get(target, name, self));
            },
        });
    };
    const { json } = Response.prototype;
    Response.prototype.json = async function () {
        return guarded(await json.call(this));
    };
    const { parse } = JSON;
    JSON.parse = (text) => {
        const value = parse(text);
        if (value === null || typeof value !== "object") return value;
        // The data of a page: its own, but for the body in it.
        if ("messages" in value) {
            if ("index" in value) value.index = guarded(value.index);
            return value;
        }
        // A list is the conversation that the browser kept; anything else is an event's body.
        return Array.isArray(value) ? value : guarded(value);
    };
})()"""


@dataclass
class Pages:
    """Opens pages and keeps what they complain about."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str, language: str = "en", width: int = 1280, **options: Any) -> Page:
        """Open an address as a person with that language and window does."""
        viewport: Any = SIZES.get(width, {"width": width, "height": 800})
        context = self.browser.new_context(
            locale=language, viewport=options.pop("viewport", viewport), **options
        )
        context.set_default_timeout(10_000)
        context.add_init_script(READS)
        self.contexts.append(context)
        page = context.new_page()
        host = urlsplit(address).netloc
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._on_console)
        page.on("dialog", lambda dialog: self._on_dialog(dialog.message))
        page.on(
            "request",
            lambda request: (
                None
                if urlsplit(request.url).netloc == host
                else self.complaints.append(f"request to {request.url}")
            ),
        )
        page.goto(address)
        return page

    def _on_console(self, message: Any) -> None:
        # The browser itself reports every 4xx and every refused connection.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _on_dialog(self, text: str) -> None:
        self.complaints.append(f"dialog: {text}")


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the page for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.evaluate(
        """() => {
            document.documentElement.style.scrollBehavior = "auto";
            const finite = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
            for (const one of document.getAnimations().filter(finite)) one.finish();
        }"""
    )
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
