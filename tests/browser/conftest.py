"""A real Chromium, an app served on a free port, and pages that report all that goes wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from browser_site import Pages, Serve, Site
from fake_service import FakeService
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from qa_service.config import Settings
from qa_service.web.app import create_app

if TYPE_CHECKING:
    from qa_service.service import Service

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here, and skip them where there is no Chromium, except in CI."""
    is_missing = not Path(CHROMIUM).exists() and not os.environ.get("CI")
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.browser)
            if is_missing:
                item.add_marker(pytest.mark.skip(reason=f"there is no {CHROMIUM}"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve apps on the fake service, each on a port of its own."""
    with contextlib.ExitStack() as stack:

        def start(service: FakeService | None = None, **settings: object) -> Site:
            service = service or FakeService()
            given: dict[str, Any] = {"index": tmp_path, "question_wait_s": 0.0, **settings}
            app = create_app(cast("Service", service), Settings(**given))
            server = make_server("127.0.0.1", 0, app, threaded=True)
            # Streams of events may still be open when a test ends.
            server.daemon_threads = True  # type: ignore[attr-defined]
            server.block_on_close = False  # type: ignore[attr-defined]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            stack.callback(server.shutdown)
            stack.callback(service.gate.set)
            return Site(service, server)

        yield start


@pytest.fixture
def site(serve: Serve) -> Site:
    """The app with its six articles."""
    return serve()


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Open pages; errors, dialogs, policy violations and requests elsewhere fail the test."""
    opened = Pages(browser)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.complaints == []


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checks, installed from npm where they are not yet."""
    if not AXE.exists():
        npm = shutil.which("npm")
        installed = (
            npm is not None
            and not subprocess.run(
                [npm, "ci", "--prefix", str(HERE), "--ignore-scripts", "--no-audit", "--no-fund"],
                capture_output=True,
            ).returncode
        )
        if not installed and not os.environ.get("CI"):
            pytest.skip("axe-core is not installed and npm cannot get it")
    return AXE.read_text(encoding="utf-8")
