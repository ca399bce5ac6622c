"""The sentence that says that the articles hold no answer."""

from __future__ import annotations

from qa_service.bodies.no_answer import no_answer_message, no_answer_messages
from qa_service.web.translations import INTERFACE_LANGUAGES


def test_not_found_is_known_in_many_languages() -> None:
    """At least 25 languages say "not found" each in their own words; others say it in English."""
    messages = no_answer_messages()
    assert len(messages) >= 25
    assert set(INTERFACE_LANGUAGES) <= set(messages)
    assert len(set(messages.values())) == len(messages)
    assert no_answer_message("pt-BR") == messages["pt"]
    assert no_answer_message("und") == no_answer_message("xx") == messages["en"]
