"""Web pages: the article, without the page around it."""

from __future__ import annotations

import datetime as dt

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
