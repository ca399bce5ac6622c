"""Plain text files, with or without a head of fields."""

from __future__ import annotations

import datetime as dt

import pytest
from corpus_files import ReadBytes

from qa_service.errors import UnreadableFileError


class TestPlainText:
    """`.txt` files."""

    def test_head_title_and_body(self, read_bytes: ReadBytes) -> None:
        """Fields at the head describe the article; unknown ones are kept."""
        read = read_bytes(
            "新闻.txt",
            (
                "---\ntitle: 长城\ndate: 2020年11月16日\nlang: zh-CN\nmood: calm\n---\n\n"
                "长城很长。\n"
            ).encode(),
        )
        (article,) = read.articles
        assert (article.id, article.title, article.text) == ("新闻.txt", "长城", "长城很长。")
        assert (article.language, article.published) == ("zh", dt.date(2020, 11, 16))
        assert article.metadata == {"mood": "calm"}
        assert read.warnings == ()

    def test_legacy_encoding_is_read_and_named(self, read_bytes: ReadBytes) -> None:
        """A Windows-1256 file comes out as Arabic, and the report says how it was read."""
        read = read_bytes("a.txt", "عنوان\r\n\r\nهذا خبر قصير عن المدينة.".encode("cp1256"))
        assert read.articles[0].title == "عنوان"
        assert read.articles[0].text == "هذا خبر قصير عن المدينة."
        assert read.articles[0].language == "ar"
        assert read.warnings == ("not in UTF-8: read as cp1256",)

    def test_text_without_title_is_named_by_its_beginning(self, read_bytes: ReadBytes) -> None:
        """The first sentence stands in for a title and stays in the text."""
        read = read_bytes("a.txt", b"Ein Satz. Noch ein Satz.")
        assert read.articles[0].title == "Ein Satz."
        assert read.articles[0].text == "Ein Satz. Noch ein Satz."

    def test_long_thai_text_is_named_by_its_beginning(self, read_bytes: ReadBytes) -> None:
        """Where no space offers itself, the title is cut at its length."""
        (article,) = read_bytes("a.txt", ("เพนกวินอาศัยอยู่ในเขตหนาว" * 20).encode()).articles
        assert article.title.endswith("…")
        assert len(article.title) <= 101

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "empty"),
            (b" \n\n\t", "no article text"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"abc\0def", "NUL"),
            (b"---\ntitle: only a head\n---\n", "no article text"),
        ],
    )
    def test_unreadable_files_say_why(
        self, read_bytes: ReadBytes, content: bytes, expected: str
    ) -> None:
        """The message names the file and the reason."""
        with pytest.raises(UnreadableFileError, match=rf"(?s)a\.txt: .*{expected}"):
            read_bytes("a.txt", content)

    def test_wrong_field_values_are_reported(self, read_bytes: ReadBytes) -> None:
        """A date or language that is not understood is a warning, not a failure."""
        read = read_bytes("a.txt", b"---\ndate: soon\nlanguage: Klingon!\n---\nPenguins are birds.")
        assert read.articles[0].language == "en"
        assert read.articles[0].published is None
        assert ["soon" in read.warnings[1], "Klingon!" in read.warnings[0]] == [True, True]
