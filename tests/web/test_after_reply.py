"""What waits for a reply to be out: log and metrics, whatever kind of reply it is."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged, as it is logged."""
    monkeypatch.setattr(logging.getLogger("qa_service"), "propagate", True)
    caplog.set_level(logging.INFO, "qa_service")
    written: list[str] = []
    caplog.handler.addFilter(lambda record: written.append(record.getMessage()) is None)
    return written


def test_nobody_waits_for_the_log(client: FlaskClient, lines: list[str]) -> None:
    """A question is logged and counted after the last byte of its answer."""
    response = client.get("/ask?q=bees")
    assert response.get_json()["question"] == "bees"
    assert lines == []
    response.close()
    assert lines == ["question answered", "request"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("HEAD", "/health"),
        ("GET", "/static/chat.js"),
        ("GET", "/nowhere"),
        ("POST", "/ask"),
    ],
)
def test_every_kind_of_reply_is_logged_once(
    client: FlaskClient, lines: list[str], method: str, path: str
) -> None:
    """Files, replies without a body and refusals have their line like any other."""
    client.open(path, method=method, buffered=True).close()
    assert lines == ["request"]
