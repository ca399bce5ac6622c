"""The interface's languages: complete, alike in their placeholders, as their readers write."""

from __future__ import annotations

import datetime as dt
import re
from importlib.resources import files
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa_service.web.translations import (
    INTERFACE_LANGUAGES,
    Interface,
    choose_language,
)

WEB = Path(str(files("qa_service.web")))
ENGLISH = Interface("en").messages
PLACEHOLDER = re.compile(r"\{\w+\}")
SCRIPTS = {
    "ar": r"[\u0600-\u06ff]",
    "hi": r"[\u0900-\u097f]",
    "ru": r"[\u0400-\u04ff]",
    "zh": r"[\u4e00-\u9fff]",
}


@pytest.mark.parametrize("language", INTERFACE_LANGUAGES)
def test_language_is_complete(language: str) -> None:
    """Every language has every message, with the same placeholders, none of them empty."""
    messages = Interface(language).messages
    assert list(messages) == list(ENGLISH)
    for key, message in messages.items():
        assert message.strip() == message != "", key
        assert sorted(PLACEHOLDER.findall(message)) == sorted(PLACEHOLDER.findall(ENGLISH[key])), (
            key
        )


@pytest.mark.parametrize("language", [code for code in INTERFACE_LANGUAGES if code != "en"])
def test_language_is_translated(language: str) -> None:
    """Hardly a message is left in English; those in another script are written in it."""
    messages = Interface(language).messages
    same = [key for key in messages if messages[key] == ENGLISH[key] and len(ENGLISH[key]) > 12]
    assert same == []
    if language in SCRIPTS:
        foreign = [key for key in messages if not re.search(SCRIPTS[language], messages[key])]
        assert set(foreign) <= {"title.api", "index.progress"}


def test_every_message_is_used_and_every_used_one_exists() -> None:
    """Templates and scripts name messages that exist, and no message lies idle."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for pattern in ("templates/*.html", "static/*.js")
        for path in WEB.glob(pattern)
    )
    named = set(re.findall(r"""["'`]([a-z_]+(?:\.[a-z0-9_]+)*)["'`]""", sources))
    # Keys whose last part is computed: "strength." ~ grade, `strength.${grade}`.
    computed = tuple(set(re.findall(r"""["'`]([a-z_.]+\.)(?:["'`] ~|\$\{)""", sources)))
    assert {"strength.", "index.stage.", "error."} <= set(computed)
    idle = [
        k for k in ENGLISH if k not in named and not k.startswith((*computed, "state.no_index"))
    ]
    assert idle == []
    used = set(re.findall(r"""(?<!#)\b(?:t|say)\(\s*["']([\w.]+)["'][,)]""", sources))
    assert used - set(ENGLISH) == set()


def test_every_problem_has_its_words() -> None:
    """Each problem that pages name has a title and an advice in the messages."""
    for source in ("rendering.py", "static/api.js"):
        text = (WEB / source).read_text(encoding="utf-8")
        table = re.search(r"(?:_PROBLEM_KEYS|const KEYS)[^{]*\{(.*?)\}", text, re.DOTALL)
        assert table
        for key in re.findall(r""": "(\w+)",""", table[1]):
            assert f"error.{key}.title" in ENGLISH
            assert f"error.{key}.text" in ENGLISH


@pytest.mark.parametrize(
    ("wishes", "chosen"),
    [
        (["ar"], "ar"),
        (["fr-CA", "en"], "fr"),
        (["zh-Hant-TW"], "zh"),
        (["de", "tr"], "tr"),
        (["de"], "en"),
        ([None, "ES"], "es"),
        (["", "*", "../x"], "en"),
        ([], "en"),
    ],
)
def test_choose_language(wishes: list[str | None], chosen: str) -> None:
    """The first wish that can be met is; regions don't matter; English is the last resort."""
    assert choose_language(wishes) == chosen


def test_browser_and_cookie_choose(client: FlaskClient) -> None:
    """The page follows the browser's languages, and what was chosen on it wins."""
    headers = {"Accept-Language": "de;q=0.9, hi;q=0.8, en;q=0.1"}
    assert '<html lang="hi" dir="ltr"' in client.get("/", headers=headers).get_data(as_text=True)
    client.set_cookie("qa_language", "ar")
    assert '<html lang="ar" dir="rtl"' in client.get("/", headers=headers).get_data(as_text=True)
    client.set_cookie("qa_language", "<script>")
    assert '<html lang="hi"' in client.get("/", headers=headers).get_data(as_text=True)


@pytest.mark.parametrize(
    ("language", "date", "number", "name"),
    [
        ("ar", "١٦ نوفمبر ٢٠٢٠", "١٬٢٣٤", "الصينية"),
        ("en", "November 16, 2020", "1,234", "Chinese"),
        ("fr", "16 novembre 2020", "1\u202f234", "chinois"),
        ("hi", "16 नवंबर 2020", "1,234", "चीनी"),
        ("zh", "2020年11月16日", "1,234", "中文"),
    ],
)
def test_dates_numbers_and_names(language: str, date: str, number: str, name: str) -> None:
    """Dates, digits and names of languages are the readers' own."""
    interface = Interface(language)
    assert interface.date(dt.date(2020, 11, 16)) == date
    assert interface.number(1234) == number
    assert interface.language_name("zh") == name
    assert interface.language_name("und") == ""
    assert interface.language_name("q-not") == "q-not"
