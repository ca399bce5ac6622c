"""Serve the fake service with the production server: `python serve_fake.py INDEX ARTICLES [GATE]`.

With GATE, a named pipe, every question waits until somebody writes to it, and only one more than
the one being answered may wait.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fake_service import FakeService

from qa_service.config import Settings
from qa_service.types import Answer, Question
from qa_service.web.server import serve

if TYPE_CHECKING:
    from qa_service.service import Service


class GatedService(FakeService):
    """Answers once its pipe has been written to."""

    def __init__(self, pipe: Path) -> None:
        super().__init__()
        self._pipe = pipe

    def ask(self, question: Question) -> Answer:
        self._pipe.read_bytes()
        return super().ask(question)


def main(index: Path, articles: Path, gate: Path | None = None) -> None:
    """Serve until told to stop."""
    settings = Settings(
        index=index,
        articles=articles,
        port=0,
        concurrent_questions=1 if gate else 8,
        waiting_questions=1 if gate else 32,
        question_wait_s=60.0,
    )
    serve(
        settings,
        lambda: cast("Service", GatedService(gate) if gate else FakeService()),
        watch=True,
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
