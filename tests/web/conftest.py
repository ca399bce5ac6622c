"""An app on the fake service, and a client that speaks to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from api_client import MakeApp
from apiflask import APIFlask
from fake_service import FakeService
from flask.testing import FlaskClient

from qa_service.config import Settings
from qa_service.web.app import create_app

if TYPE_CHECKING:
    from qa_service.service import Service


@pytest.fixture
def service() -> FakeService:
    """A service that holds six articles in five languages."""
    return FakeService()


@pytest.fixture
def make_app(service: FakeService, tmp_path: Path) -> MakeApp:
    """Make apps on the fake service, by default with default settings."""

    def make(service: FakeService = service, **settings: object) -> APIFlask:
        given = {"index": tmp_path, "question_wait_s": 0.0, **settings}
        return create_app(cast("Service", service), Settings(**given))  # type: ignore[arg-type]

    return make


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    """A client of an app with default settings."""
    return make_app().test_client()
