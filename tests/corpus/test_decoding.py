"""Bytes of any encoding to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.corpus.decoding import decode
from qa_service.errors import UnreadableFileError

SHORT_TEXTS = [
    ("cp1256", "مرحبا بالعالم، هذا خبر قصير"),
    ("cp1256", "دعا الاتحاد الأوروبي إلى وقف إطلاق النار"),
    ("cp1256", "مشاركة"),
    ("cp1256", "The minister said «مرحبا» in Cairo"),
    ("iso8859-6", "مرحبا بالعالم هذا خبر قصير"),
    ("cp1251", "Привет, мир"),
    ("cp1251", "ВНИМАНИЕ! НОВОСТИ"),
    ("cp1251", "Сьогодні у Києві відбулася зустріч їхніх міністрів"),
    ("cp1251", "Днес в София се проведе среща"),
    ("koi8-r", "Сегодня в Москве прошла встреча министров"),
    ("cp866", "Сегодня в Москве прошла встреча министров"),
    ("cp1253", "Καλημέρα κόσμε, αυτή είναι μια είδηση"),
    ("cp1255", "שלום עולם, זו ידיעה קצרה"),
    ("cp874", "วันนี้กรุงเทพมหานครมีฝนตก"),
    ("cp1254", "İstanbul'da bugün güneşli bir gün yaşanıyor, şehir kalabalık"),
    ("cp1252", "L’été dernier, la forêt a été dévastée"),
    ("cp1252", "Die Straße ist heute für Fußgänger geöffnet"),
    ("cp1252", "Mañana llegará el señor Núñez a España"),
    ("cp1252", "It’s a “test” of the café menu"),
    ("cp1250", "Zażółć gęślą jaźń, dziś w Łodzi"),
    ("cp1250", "Dnes se v Praze uskutečnilo setkání ministrů, řekl mluvčí"),
    ("cp1250", "Tegnap este a fővárosban esőzés volt, közölte a rendőrség"),
    ("cp1257", "Šiandien Vilniuje įvyko ministrų susitikimas, pranešė žiniasklaida"),
    ("gb18030", "今天北京举行了新闻发布会。"),
    ("big5", "今天臺北舉行了新聞發布會。"),
    ("shift_jis", "東京で新しい会議が開かれました。"),
    ("euc_jp", "東京で新しい会議が開かれました。"),
    ("cp949", "오늘 서울에서 회의가 열렸습니다."),
    ("utf-16", "今天北京 Hello"),
    ("utf-16-le", "مرحبا بالعالم، هذا خبر قصير"),
    ("utf-16-be", "Hôm nay tại Hà Nội có mưa lớn"),
    ("utf-8-sig", "हिन्दी समाचार"),
    ("utf-32", "สวัสดี"),
]


@pytest.mark.parametrize(("encoding", "text"), SHORT_TEXTS)
def test_a_line_comes_out_as_written(encoding: str, text: str) -> None:
    """One line is enough to tell the encoding."""
    assert decode(text.encode(encoding)).text == text


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_utf_8_always_comes_out_as_written(text: str) -> None:
    """Whatever is valid UTF-8 is read as such, whatever its script."""
    data = text.encode()
    if data.startswith((b"PK\x03\x04", b"%PDF-", b"GIF8", b"{\\rtf", b"\xef\xbb\xbf")):
        return
    assert decode(data).text == text


def test_declared_encoding_is_honoured() -> None:
    """What the file says about itself settles what its few letters cannot."""
    assert decode("caf\u00e9".encode("cp1252"), "iso-8859-1").text == "café"
    assert decode("Ґанок".encode("cp1251"), "windows-1251").text == "Ґанок"


def test_valid_utf_8_wins_over_what_is_declared() -> None:
    """Many pages still declare what they were written in once."""
    assert decode("مرحبا".encode(), "windows-1256").text == "مرحبا"


def test_unknown_declared_encoding_is_ignored() -> None:
    """A made-up charset is no reason to fail."""
    assert decode("مرحبا بالعالم".encode("cp1256"), "x-made-up").text == "مرحبا بالعالم"


def test_a_few_damaged_bytes_do_not_change_the_encoding() -> None:
    """A file cut inside a character stays UTF-8, and the damage is counted."""
    decoded = decode("مرحبا بالعالم، هذا خبر قصير. ".encode() * 20 + b"\xd8")
    assert decoded.encoding == "utf-8"
    assert decoded.damaged == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.4 \xff", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"PK\x03\x04...", "ZIP"),
        (b"some text\0with zero", "NUL"),
        (bytes(range(1, 32)) * 10, "control codes"),
        (bytes(range(256)) * 4, "NUL"),
        (b"\x01\x02\x03\x04" * 50, "control codes"),
    ],
)
def test_binary_files_are_refused(data: bytes, expected: str) -> None:
    """What is not text says what it is, or why it cannot be text."""
    with pytest.raises(UnreadableFileError, match=expected):
        decode(data)


@given(st.binary(min_size=1, max_size=3000))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but text or a clear refusal comes back."""
    try:
        decoded = decode(data)
    except UnreadableFileError:
        return
    assert "\0" not in decoded.text
