"""The sentence "not found" in many languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def no_answer_message(language: str) -> str:
    """Say in `language` that the articles hold no answer; in English where it isn't known."""
    messages = no_answer_messages()
    return messages.get(language) or messages.get(language.split("-")[0]) or messages["en"]


@cache
def no_answer_messages() -> Mapping[str, str]:
    """Return the sentence by language."""
    text = (files("qa_service.bodies") / "no_answer.json").read_text(encoding="utf-8")
    messages: dict[str, str] = json.loads(text)
    return messages
