"""PDF files: paragraphs, titles, headers, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_files import ReadBytes
from pdf_files import Run, pdf
from pdf_lines import from_left

from qa_service.errors import UnreadableFileError

DATA = Path(__file__).parents[1] / "data"


def test_paragraphs_and_hyphens(read_bytes: ReadBytes) -> None:
    """Wrapped lines are joined, hyphens at their ends undone, gaps make paragraphs."""
    runs = [
        from_left("The canal is one of the busiest water-", 700),
        from_left("ways in the world and links two seas.", 684),
        from_left("A second paragraph stands a line below.", 650),
    ]
    assert read_bytes("a.pdf", pdf([runs])).articles[0].text == (
        "The canal is one of the busiest waterways in the world and links two seas.\n\n"
        "A second paragraph stands a line below."
    )
    runs = [from_left("中国长城是世界文化遗产，", 616), from_left("由许多朝代修建而成。", 600)]
    text = read_bytes("b.pdf", pdf([runs])).articles[0].text
    assert text == "中国长城是世界文化遗产，由许多朝代修建而成。"


def test_page_headers_and_numbers_are_reported_not_read(read_bytes: ReadBytes) -> None:
    """What heads every page, and the page numbers, are no body text."""
    pages = [
        [
            from_left("The Daily Bridge", 780),
            from_left(f"This is the text of page {name}, which is about bridges.", 500),
            from_left(f"- {number} -", 20),
        ]
        for number, name in enumerate(("one", "two", "three", "four"), start=1)
    ]
    read = read_bytes("a.pdf", pdf(pages))
    text = read.articles[0].text
    assert "Daily Bridge" not in text
    assert "- 2 -" not in text
    assert all(f"page {name}," in text for name in ("one", "two", "three", "four"))
    reasons = [entry.reason for entry in read.dropped]
    assert reasons.count("page_header") == 4
    assert reasons.count("page_number") == 4


def test_title_from_the_largest_type_or_the_file(read_bytes: ReadBytes) -> None:
    """A headline in large type is the title; else what the file calls itself."""
    body = [from_left("It was opened in 1869 after ten years of work by many people.", 600)]
    body += [from_left("It is about 193 kilometres long and has no locks at all.", 584)]
    headline = [from_left("The Suez Canal", 700, size=24)]
    read = read_bytes("a.pdf", pdf([headline + body], title="ignored"))
    assert read.articles[0].title == "The Suez Canal"
    assert read.articles[0].text.startswith("It was opened")
    assert read_bytes("b.pdf", pdf([body], title="قناة السويس")).articles[0].title == "قناة السويس"
    named = read_bytes("c.pdf", pdf([body], title="Microsoft Word - final2.doc"))
    assert named.articles[0].title.startswith("It was opened in 1869")


def test_pages_printed_by_a_browser(read_bytes: ReadBytes) -> None:
    """Real files, with shaped letters, marks, two columns and text given beside the glyphs."""
    arabic = read_bytes("ar.pdf", (DATA / "browser-ar.pdf").read_bytes()).articles[0]
    assert arabic.title == "هدنة جديدة في قره باغ"
    assert arabic.text.split("\n\n") == [
        "أعلنت وزارة الدفاع (الروسية) يوم 16/11/2020 أنها نشرت 25 نقطة مراقبة، وأن 11-12 رحلة "
        "نُفّذت إلى مدينة Stepanakert في إطار «الاتفاق الثلاثي».",
        '11-12 نوفمبر: لقاء في موسكو. قال: "لا إله إلا الله" إلى الأبد. بنسبة 3.5% من الناس، '
        "الأولاد والآباء والإسلام.",
        "عام ٢٠٢٠ كان عدد القتلى ١٠٥ جنود، وفي رسالة إلى a@b.com ورد Hello World 2020 (test).",
        "العمود الأول يبدأ من اليمين وهو نص طويل يكفي ليملأ عدة أسطر من هذا العمود الضيق حتى نرى "
        "ترتيب القراءة.",
        "الفقرة الثانية تقع بعد الأولى في العمود نفسه أو في العمود الثاني على اليسار بحسب الطول.",
    ]
    scripts = read_bytes("mixed.pdf", (DATA / "browser-scripts.pdf").read_bytes()).articles[0]
    assert scripts.text.split("\n\n") == [
        "The canal, called قناة السويس in Arabic, was opened in 1869.",
        "עברית היא שפה שמית. בשנת 1948 הוקמה המדינה.",
        "पेंगुइन दक्षिणी गोलार्ध के ठंडे इलाकों में रहते हैं।",
        "เพนกวินอาศัยอยู่ในเขตหนาวของซีกโลกใต้",
        "این یک متن فارسی است که می‌خواهیم در سال ۱۳۹۹ بخوانیم.",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pdf([[from_left("secret", 700)]], is_locked=True), "locked by a password"),
        (pdf([[]], has_image=True), "scanned"),
        (pdf([[]]), "hold no text"),
        (pdf([[Run(50, 700, ["\ue000", "\ue001", "\ue002", "a"])]]), "do not say which letters"),
        (b"%PDF-1.7 and then nothing", "damaged"),
        (b"just text", "not a PDF"),
        (pdf([[from_left("cut off", 700)]])[:300], "damaged|no page"),
        (b"%PDF-1.4\ntrailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF", "damaged|no page"),
    ],
)  # fmt: skip
def test_unreadable_files_say_why(read_bytes: ReadBytes, content: bytes, expected: str) -> None:
    """Locked, scanned, damaged: each is told apart, with what to do."""
    with pytest.raises(UnreadableFileError, match=expected):
        read_bytes("a.pdf", content)


def test_a_page_tree_that_bites_its_tail_ends(read_bytes: ReadBytes) -> None:
    """A page tree that lists itself neither hangs nor crashes the reader."""
    content = pdf([[from_left("Text on the only page.", 700)]])
    looped = content.replace(b"/Kids [", b"/Kids [" + b"7 0 R ", 1)
    try:
        text = read_bytes("a.pdf", looped).articles[0].text
    except UnreadableFileError:
        return
    assert "only page" in text
