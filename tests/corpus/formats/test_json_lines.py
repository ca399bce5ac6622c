"""JSON Lines files: one article a line."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from corpus_files import ReadBytes

from qa_service.errors import UnreadableFileError


class TestJsonLines:
    """`.jsonl` files."""

    def test_articles_with_all_fields(self, read_bytes: ReadBytes) -> None:
        """Known fields describe the article; the others are metadata."""
        line = {
            "id": "news/1", "title": "Новость", "text": "Первая строка.\n\nВторая строка.",
            "source": "ТАСС", "url": "https://example.org/1", "author": ["А. Б.", "В. Г."],
            "published": "16 ноября 2020", "language": "ru-RU", "views": 3, "tags": ["а"],
        }  # fmt: skip
        (article,) = read_bytes("a.jsonl", json.dumps(line).encode()).articles
        assert (article.id, article.title, article.source) == ("news/1", "Новость", "ТАСС")
        assert article.text == "Первая строка.\n\nВторая строка."
        assert (article.author, article.language) == ("А. Б., В. Г.", "ru")
        assert article.published == dt.date(2020, 11, 16)
        assert article.metadata == {"views": 3, "tags": ["а"]}

    def test_only_text_is_required(self, read_bytes: ReadBytes) -> None:
        """Without an id the content gives one, the same every time."""
        lines = '{"text": "今天北京下雨了。"}\n\n{"text": "اليوم مشمس في القاهرة."}\n'.encode()
        first, second = read_bytes("a.jsonl", lines).articles
        assert first.title == first.text == "今天北京下雨了。"
        assert len(first.id) == len(second.id) == 32
        assert [article.id for article in read_bytes("b.jsonl", lines).articles] == [
            first.id,
            second.id,
        ]

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("{bad", "not JSON"),
            ("[1, 2]", "a list"),
            ('{"title": "x"}', "missing"),
            ('{"text": 5}', "a number"),
            ('{"text": null}', "missing"),
            ('{"text": " "}', "empty"),
            ('{"text": "a\\u0000b"}', "NUL"),
            ('{"text": "!!!"}', "no article text"),
            ('{"text": "a", "n": NaN}', "NaN"),
            ("[" * 100_000, "nested too deeply|not JSON"),
            ('{"text": "a", "n": ' + "9" * 5000 + "}", "not JSON"),
        ],
    )
    def test_a_bad_line_is_reported_and_the_rest_goes_on(
        self, read_bytes: ReadBytes, line: str, expected: str
    ) -> None:
        """The warning carries the line's number and what is wrong with it."""
        read = read_bytes("a.jsonl", f'{{"text": "Good one."}}\n{line}\n{{"text": "خبر"}}'.encode())
        assert [article.text for article in read.articles] == ["Good one.", "خبر"]
        (warning,) = read.warnings
        assert warning.startswith("line 2: ")
        assert any(part in warning for part in expected.split("|"))

    def test_no_article_is_lost_to_a_repeated_id(self, read_bytes: ReadBytes) -> None:
        """The first keeps the id, others get a number; only what is said again is left out."""
        texts = ["واحد", "二", "واحد", "สาม", "चार"]
        ids = ["x", "x", "x", "x~2", "x"]
        lines = [json.dumps({"id": i, "text": text}) for i, text in zip(ids, texts, strict=True)]
        read = read_bytes("a.jsonl", "\n".join(lines).encode())
        assert {article.id: article.text for article in read.articles} == {
            "x": "واحد",
            "x~2": "二",
            "x~2~2": "สาม",
            "x~3": "चार",
        }
        assert read.warnings == (
            "line 2: its id is taken by line 1; this article goes by 'x~2'",
            "line 3: repeats line 1; left out",
            "line 4: its id is taken by line 2; this article goes by 'x~2~2'",
            "line 5: its id is taken by line 1; this article goes by 'x~3'",
        )

    def test_times_in_seconds_and_milliseconds(self, read_bytes: ReadBytes) -> None:
        """Numbers as dates count from 1970, in seconds or, as JavaScript does, in milliseconds."""
        lines = b'{"text":"a","published":1605520200}\n{"text":"b","published":1605520200000}'
        days = [article.published for article in read_bytes("a.jsonl", lines).articles]
        assert days == [dt.date(2020, 11, 16)] * 2

    def test_half_surrogate_pairs_are_replaced(self, read_bytes: ReadBytes) -> None:
        """Such text could not be stored as it is."""
        line = b'{"text":"\\ud83d\\ude00 \\ud800 ok","meta":{"k":["\\udfff"]}}'
        (article,) = read_bytes("a.jsonl", line).articles
        assert article.text == "😀 \ufffd ok"
        assert article.metadata == {"meta": {"k": ["\ufffd"]}}

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
    def test_other_unicode_encodings(self, read_bytes: ReadBytes, encoding: str) -> None:
        """A byte order mark, or UTF-16, is understood."""
        content = '{"text": "مرحبا"}\n{"text": "สวัสดี"}\n'.encode(encoding)
        assert [a.text for a in read_bytes("a.jsonl", content).articles] == ["مرحبا", "สวัสดี"]

    def test_a_file_of_bad_lines_is_refused(self, read_bytes: ReadBytes) -> None:
        """When no line holds an article, the message says what was expected."""
        with pytest.raises(UnreadableFileError, match=r"line 1: not JSON.*Expected one JSON"):
            read_bytes("a.jsonl", b"{\n'text': 'pretty printed'\n}\n")

    def test_many_bad_lines_do_not_flood_the_report(self, read_bytes: ReadBytes) -> None:
        """Warnings are capped, and the cap is said."""
        read = read_bytes("a.jsonl", b'{"text":"ok"}\n' + b"x\n" * 1000)
        assert len(read.warnings) == 201
        assert read.warnings[-1] == "… and 800 more"
