"""Each format's reader, from bytes to articles."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from corpus_files import ReadBytes

from qa_service.errors import UnreadableFileError

ARABIC_PAGE = """<!doctype html>
<html lang="ar" dir="rtl"><head><meta charset="utf-8"><title>قناة السويس - موقع الأخبار</title>
<meta property="og:site_name" content="موقع الأخبار">
<meta property="article:published_time" content="2021-03-23T10:00:00Z">
<meta name="author" content="أحمد علي"><link rel="canonical" href="https://example.org/suez">
</head><body><nav><ul><li><a href="/">الرئيسية</a></li><li><a href="/w">العالم</a></li></ul></nav>
<article><h1>جنوح سفينة في قناة السويس</h1>
<p>جنحت سفينة الحاويات إيفر غيفن في قناة السويس يوم 23 مارس 2021 وبقيت عالقة ستة أيام كاملة.</p>
<p>بلغ طول السفينة نحو 400 متر، وعُوِّمت في 29 مارس بعد جهود شاركت فيها <b>قاطرات</b> وحفارات.</p>
<h2>الآثار</h2><p>انتظرت مئات السفن دورها للعبور، وقدرت الخسائر اليومية بمليارات الدولارات.</p>
<div class="share">مشاركة <a>فيسبوك</a></div></article>
<footer>جميع الحقوق محفوظة</footer></body></html>"""


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


class TestMarkdown:
    """`.md` files."""

    def test_markup_goes_and_text_stays(self, read_bytes: ReadBytes) -> None:
        """Paragraphs, lists, tables and code read as on the rendered page."""
        read = read_bytes(
            "a.md",
            (
                "# Penguins\n\n"
                "Penguins are *flightless* **birds**; see [the\narticle](http://x.y) & `code`.\n\n"
                "## الحجم\n\nيبلغ طوله [مترًا](u) واحدًا.\n\n"
                "- one\n- two\n  - three\n\n1. first\n2. second\n\n"
                "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
                "```\nkept   as is\n```\n\n企鹅是\n一种鸟。\n\n"
                '> quoted ![pic](a.png)\n\n<div class="x">inside &amp; out</div>\n'
                "<script>alert(1)</script>\n"
            ).encode(),
        )
        (article,) = read.articles
        assert article.title == "Penguins"
        assert article.text == (
            "Penguins are flightless birds; see the article & code.\n\n"
            "الحجم\n\nيبلغ طوله مترًا واحدًا.\n\n"
            "- one\n- two\n  - three\n\n1. first\n2. second\n\n"
            "a | b\n1 | 2\n\nkept   as is\n\n企鹅是一种鸟。\n\nquoted\n\ninside & out"
        )
        assert [dropped.text for dropped in read.dropped] == ["pic"]

    def test_head_wins_over_heading(self, read_bytes: ReadBytes) -> None:
        """The title given at the head is the title; an equal heading is not repeated."""
        read = read_bytes("a.md", "---\ntitle: หัวข้อ\n---\n# หัวข้อ\n\nเนื้อหาของบทความ\n".encode())
        assert read.articles[0].title == "หัวข้อ"
        assert read.articles[0].text == "เนื้อหาของบทความ"

    def test_a_heading_alone_is_the_text(self, read_bytes: ReadBytes) -> None:
        """Where the title is all there is, it is the text, too."""
        (article,) = read_bytes("a.md", "# وقف إطلاق النار\n".encode()).articles
        assert article.title == article.text == "وقف إطلاق النار"

    def test_deep_nesting_is_harmless(self, read_bytes: ReadBytes) -> None:
        """Thousands of nested quotes and brackets neither hang nor crash the reader."""
        read = read_bytes("a.md", (">" * 5000 + " deep\n\n" + "[" * 5000 + " text").encode())
        assert "text" in read.articles[0].text


class TestHtml:
    """`.html`, `.htm` files."""

    @pytest.mark.parametrize("charset", ["utf-8", "windows-1256"])
    def test_article_and_what_the_page_says_of_it(
        self, read_bytes: ReadBytes, charset: str
    ) -> None:
        """The body is the article alone; title, site, author, date and address are found."""
        page = ARABIC_PAGE.replace("utf-8", charset)
        read = read_bytes("a.html", page.encode(charset))
        (article,) = read.articles
        assert article.title == "جنوح سفينة في قناة السويس"
        assert article.text.startswith("جنحت سفينة الحاويات")
        assert article.text.count("\n\n") == 3
        assert "شاركت فيها قاطرات وحفارات." in article.text
        assert (article.source, article.author) == ("موقع الأخبار", "أحمد علي")
        assert article.published == dt.date(2021, 3, 23)
        assert (article.url, article.language) == ("https://example.org/suez", "ar")

    def test_what_the_page_has_around_it_is_reported(self, read_bytes: ReadBytes) -> None:
        """Every visible text is in the article or in the report."""
        read = read_bytes("a.html", ARABIC_PAGE.encode())
        dropped = " ".join(entry.text for entry in read.dropped)
        for text in ("الرئيسية", "العالم", "مشاركة فيسبوك", "جميع الحقوق محفوظة"):
            assert text in dropped
            assert text not in read.articles[0].text

    def test_a_page_too_small_for_the_extractor_is_read(self, read_bytes: ReadBytes) -> None:
        """Two sentences are an article, too."""
        read = read_bytes("a.htm", "<p>企鹅是鸟。</p><p>它们不会飞。</p>".encode())
        assert read.articles[0].text == "企鹅是鸟。\n\n它们不会飞。"

    def test_lists_tables_and_quotes_stay(self, read_bytes: ReadBytes) -> None:
        """All kinds of body text are kept, items and rows close together."""
        page = (
            "<html><head><title>New bridge</title></head><body><nav><a>Home</a></nav><main>"
            "<h1>New bridge</h1><p>The council approved the bridge on Monday after a debate.</p>"
            "<p>It will stand where the old ferry crossed the river for more than a hundred years, "
            "and open to cars, buses, cyclists and walkers in three years from now.</p>"
            "<h2>Costs</h2><ul><li>Steel: 10</li><li>Work: 12</li></ul>"
            "<blockquote>We need it, said the mayor.</blockquote>"
            "<table><tr><th>Year</th><th>Cars</th></tr><tr><td>2020</td><td>50</td></tr></table>"
            "<p>Short.</p></main><footer>Site map</footer></body></html>"
        )
        assert read_bytes("a.html", page.encode()).articles[0].text == (
            "The council approved the bridge on Monday after a debate.\n\n"
            "It will stand where the old ferry crossed the river for more than a hundred years, "
            "and open to cars, buses, cyclists and walkers in three years from now.\n\nCosts\n\n"
            "- Steel: 10\n- Work: 12\n\nWe need it, said the mayor.\n\nYear | Cars\n2020 | 50\n\n"
            "Short."
        )

    def test_deep_pages_keep_their_text(self, read_bytes: ReadBytes) -> None:
        """A hundred thousand nested elements are no reason to lose what is inside."""
        page = "<div>" * 100_000 + "नमस्ते दुनिया, यह गहरा है।" + "</div>" * 100_000
        assert read_bytes("a.html", page.encode()).articles[0].text == "नमस्ते दुनिया, यह गहरा है।"

    @pytest.mark.parametrize("page", ["<html></html>", "<script>x</script>", "<!-- -->", "<"])
    def test_pages_without_text_are_refused(self, read_bytes: ReadBytes, page: str) -> None:
        """A page that shows nothing holds no article."""
        with pytest.raises(UnreadableFileError, match=r"no (visible|article) text"):
            read_bytes("a.html", page.encode())

    def test_a_date_inside_the_text_is_not_the_date_of_the_page(
        self, read_bytes: ReadBytes
    ) -> None:
        """Only the page's own statements date it."""
        page = "<p>It opened on 17 November 1869 after ten years.</p><p>© 2011 The Site Owners</p>"
        assert read_bytes("a.html", page.encode()).articles[0].published is None


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
