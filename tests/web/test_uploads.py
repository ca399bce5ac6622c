"""File names made safe, and pasted articles made files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.bodies import ArticleIn
from qa_service.corpus.front_matter import split_front_matter
from qa_service.errors import UnreadableFileError
from qa_service.web.uploads import MAX_NAME_BYTES, safe_name, upload_of_article


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("report.txt", "report.txt"),
        ("تقرير الوزارة.txt", "تقرير الوزارة.txt"),
        ("报告.md", "报告.md"),
        ("รายงาน.html", "รายงาน.html"),
        ("रिपोर्ट.txt", "रिपोर्ट.txt"),
        ("نمونه‌ها.txt", "نمونه‌ها.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("C:\\dir\\a.txt", "a.txt"),
        ("C:a.txt", "C_a.txt"),
        ("/a.txt", "a.txt"),
        (".htaccess.txt", "htaccess.txt"),
        ("...txt.md", "txt.md"),
        ("a.txt. . ", "a.txt"),
        ("a\0b\n.txt", "ab.txt"),
        ("a\u202etxt.exe.txt", "atxt.exe.txt"),
        ("con.txt", "_con.txt"),
        ("COM1.md", "_COM1.md"),
        ("nul.tar.txt", "_nul.tar.txt"),
        ("console.txt", "console.txt"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_safe_name(raw: str, safe: str) -> None:
    """Names keep their words and lose what could harm, on any system."""
    assert safe_name(raw) == safe


@pytest.mark.parametrize("raw", ["", ".", "..", "/", "name", ".txt", "a/", "\u202e.txt", "   .md"])
def test_name_without_name_or_ending_is_refused(raw: str) -> None:
    """Nothing can be made of a name without a name, or without an ending."""
    with pytest.raises(UnreadableFileError, match=r"rename the file"):
        safe_name(raw)


def test_long_names_keep_their_ending() -> None:
    """A name is cut to what file systems take, between characters, ending kept."""
    for character in ("a", "ب", "长", "🐝", "नि"):
        name = safe_name(character * 300 + ".txt")
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert name.endswith(".txt")
    with pytest.raises(UnreadableFileError, match="too long"):
        safe_name("a." + "x" * 300)


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder(raw: str) -> None:
    """Whatever a client sends, the name is one plain component, and stays itself."""
    try:
        name = safe_name(raw)
    except UnreadableFileError:
        return
    assert not set(name) & set('/\\\0<>:"|?*\n\r')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 255
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("How bees dance", "how-bees-dance"),
        ("كيف ترقص النحل؟", "كيف-ترقص-النحل"),
        ("长城的长度", "长城的长度"),
        ("गंगा नदी", "गंगा-नदी"),
        ("ข่าวเช้า", "ข่าวเช้า"),
        ("../..", ""),
        ("🐝", ""),
    ],
)
def test_pasted_article_is_named_by_its_title(title: str, slug: str) -> None:
    """The name is readable in any script and the content's own."""
    upload = upload_of_article(ArticleIn(title=title, text="words"))
    assert upload.name.startswith(f"{slug}-" if slug else "")
    assert upload.name.endswith(".txt")
    other = upload_of_article(ArticleIn(title=title, text="other words"))
    assert other.name != upload.name
    assert safe_name(upload.name) == upload.name


@pytest.mark.parametrize(
    "title",
    [
        'كيف ترقص "النحل"؟',
        "长城：长度",
        "गंगा # नदी",
        "[ข่าว]",
        "---",
        "back\\slash\\",
        "two\nlines: title",
        "'quoted'",
        "key: value",
        "مزيج of 中文",
    ],
)
def test_pasted_article_is_read_back_as_it_was(title: str) -> None:
    """The corpus reads the same title, fields and text out of the file."""
    text = "one: 1\n---\ntitle: mine\n\nثانيًا\u2028third"
    given = ArticleIn(title=title, text=text, source='The "Post"', url="https://example.org/a#b")
    head = split_front_matter(upload_of_article(given).content.decode())
    assert head.body.strip() == text
    assert head.fields == {
        "title": " ".join(title.split()),
        "source": 'The "Post"',
        "url": "https://example.org/a#b",
    }
