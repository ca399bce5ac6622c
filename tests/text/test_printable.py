"""What others wrote cannot drive a terminal, and loses nothing that words are written with."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.text.printable import printable, printable_json, printable_passage

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u206a-\u206f\ud800-\udfff]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("invoice\u202egpj.exe", r"invoice\u202egpj.exe"),
        ("\u2066user\u2069", r"\u2066user\u2069"),
        ("one\ntwo\r\nthree\tfour", r"one\ntwo\r\nthree\tfour"),
        ("a\u0085b\u2028c\u2029d", r"a\x85b\u2028c\u2029d"),
        ("name-\udcff.txt", r"name-\udcff.txt"),
        ("\ufeffhead", r"\ufeffhead"),
        ("a\U000e0001\U000e0068\U000e007f", r"a\U000e0001\U000e0068\U000e007f"),
        ("\U0001f3f4\U000e0068\U000e0069", "\U0001f3f4" + r"\U000e0068\U000e0069"),
        (
            "\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f",
            "\U0001f3f4" + r"\U000e0061" * 7 + r"\U000e007f",
        ),
        ("\x00\x08\x7f", r"\x00\x08\x7f"),
    ],
)
def test_what_drives_a_terminal_is_escaped(text: str, shown: str) -> None:
    """Control characters, directions, line ends and surrogates are shown, not done."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "العربية: «نصّ» مع تشكيلٌ",
        "עברית עם ניקוד: שָׁלוֹם",
        "می‌خواهم کتاب‌ها را",
        "ශ්‍රී ලංකාව",
        "മലയാളം: അവന്‍, ന്‍റെ",
        "क्‍ष और हिन्दी",
        "👨‍👩‍👧‍👦 👩🏽‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️",
        "e\u0301 ก็ ไม่",
        "中文，日本語、한국어",
        "\u200fעברית\u200e (A\u061c)",
        "so\u00adft",
    ],
)
def test_what_words_are_written_with_stays(text: str) -> None:
    """Scripts, joiners, marks and emoji are left as they are."""
    assert printable(text) == text
    assert printable_passage(text) == text
    assert json.loads(printable_json(json.dumps(text, ensure_ascii=False))) == text


def test_what_is_hidden_in_tags_is_escaped_in_json_too() -> None:
    """A document says the same, with nothing in it that a reader would not see."""
    text = "\ufeffseen\U000e0068\U000e0069 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e007f"
    shown = printable_json(json.dumps(text, ensure_ascii=False))
    assert shown.startswith(r'"\ufeffseen\udb40\udc68\udb40\udc69')
    assert json.loads(shown) == text


def test_a_passage_keeps_its_layout() -> None:
    """Lines and tabs of a quoted passage stay, all else is escaped."""
    assert printable_passage("a\tb\r\nc\n\x1b[2J\rd") == "a\tb\nc\n\\x1b[2J\\rd"


@given(st.text(st.characters()))
def test_no_text_gets_through(text: str) -> None:
    """Whatever the text, nothing unsafe is left, and JSON says the same."""
    assert not UNSAFE.search(printable(text))
    assert not UNSAFE.search(printable_passage(text).replace("\n", "").replace("\t", ""))
    document = printable_json(json.dumps({"text": text, text: 1}, ensure_ascii=False, indent=2))
    assert not UNSAFE.search(document.replace("\n", ""))
    assert json.loads(document) == {"text": text, text: 1} if text != "text" else {"text": 1}


def test_every_control_character_of_unicode() -> None:
    """No character that is a control character by Unicode's own table gets through."""
    import unicodedata

    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or (
            unicodedata.bidirectional(character)
            in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        ):
            assert printable(character) != character, hex(code)
