"""Whether a string can be written down."""

from __future__ import annotations

import pytest

from qa_service.text.encoding import half_surrogate_at, has_utf8_form


@pytest.mark.parametrize("text", ["", "العربية", "中文", "ไทย", "हिन्दी", "👩‍👩‍👧", "\0\ufeff"])
def test_text_of_any_script_has_a_form(text: str) -> None:
    """Whatever a person can write."""
    assert has_utf8_form(text)
    assert half_surrogate_at(text) is None


@pytest.mark.parametrize(
    ("text", "place"), [("\ud800", 0), ("سلام\udcff", 4), ("中\ude00\ud83d", 1)]
)
def test_half_a_pair_has_none(text: str, place: int) -> None:
    """As names of files, arguments and broken JSON hold them; the first one is named."""
    assert not has_utf8_form(text)
    assert half_surrogate_at(text) == place
