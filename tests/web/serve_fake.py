"""Serve the fake service with the production server: `python serve_fake.py INDEX ARTICLES`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fake_service import FakeService

from qa_service.config import Settings
from qa_service.web.server import serve

if TYPE_CHECKING:
    from qa_service.service import Service

if __name__ == "__main__":
    index, articles = map(Path, sys.argv[1:3])
    serve(
        Settings(index=index, articles=articles, port=0, server_threads=4),
        lambda: cast("Service", FakeService()),
        watch=True,
    )
