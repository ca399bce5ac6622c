"""What pages are made with."""

from __future__ import annotations

import pytest

from qa_service.web.rendering import web_address


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
    assert web_address(url) == linked
