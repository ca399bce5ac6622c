"""What the views of one app share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from qa_service.config import Settings
from qa_service.web.feedback import FeedbackFile
from qa_service.web.metrics import Metrics
from qa_service.web.question_desk import Places, QuestionDesk

if TYPE_CHECKING:
    from qa_service.service import Service

_KEY = "qa_service"


@dataclass(frozen=True, slots=True)
class Context:
    """The collaborators of the views. `event_places` bounds the listeners to index events."""

    service: Service
    settings: Settings
    metrics: Metrics
    desk: QuestionDesk
    feedback: FeedbackFile
    event_places: Places


def set_context(app: Flask, context: Context) -> None:
    """Give an app its collaborators."""
    app.extensions[_KEY] = context


def context() -> Context:
    """Return the collaborators of the app that handles the current request."""
    return cast("Context", current_app.extensions[_KEY])
