"""Markdown files come out as a reader of the page would see them."""

from __future__ import annotations

from corpus_files import ReadBytes


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
