"""Word documents: their text, footnotes included."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from corpus_files import ReadBytes
from docx import Document
from docx.document import Document as DocumentObject
from docx.oxml import parse_xml

from qa_service.errors import UnreadableFileError

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def saved(document: DocumentObject) -> bytes:
    """Return the bytes of a document."""
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def package(parts: Mapping[str, bytes]) -> bytes:
    """Zip up parts as they are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return stream.getvalue()


def body(xml: str) -> bytes:
    """Return a main part around some paragraphs."""
    return f'<w:document xmlns:w="{WORD}"><w:body>{xml}</w:body></w:document>'.encode()


class TestDocx:
    """`.docx` files."""

    def test_text_tables_lists_and_title(self, read_bytes: ReadBytes) -> None:
        """Paragraphs, rows and items come in order; the title style gives the title."""
        document = Document()
        document.core_properties.author = "ليلى حسن"
        document.add_heading("قناة السويس", level=0)
        document.add_paragraph("افتتحت القناة عام 1869.")
        document.add_heading("Länge", level=1)
        document.add_paragraph("193 Kilometer\tlang")
        document.add_paragraph("一", style="List Bullet")
        table = document.add_table(rows=2, cols=2)
        for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
            cell.text = f"c{number}"
        document.add_paragraph("बाद का पाठ।")
        document.sections[0].header.paragraphs[0].text = "On every page"
        read = read_bytes("a.docx", saved(document))
        (article,) = read.articles
        assert article.title == "قناة السويس"
        assert article.author == "ليلى حسن"
        assert article.text == (
            "افتتحت القناة عام 1869.\n\nLänge\n\n193 Kilometer\tlang\n\n一\n\n"
            "c0 | c1\nc2 | c3\n\nबाद का पाठ।"
        )
        assert [(entry.reason, entry.text) for entry in read.dropped] == [
            ("page_header", "On every page")
        ]

    def test_insertions_controls_and_boxes_are_text_deletions_are_not(
        self, read_bytes: ReadBytes
    ) -> None:
        """What Word shows is read, what was deleted is not."""
        document = Document()
        document.add_paragraph("Before.")
        document.element.body.insert(1, parse_xml(
            f'<w:p xmlns:w="{WORD}"><w:r><w:t>kept </w:t></w:r>'
            "<w:ins><w:r><w:t>inserted </w:t></w:r></w:ins>"
            "<w:del><w:r><w:delText>deleted </w:delText></w:r></w:del>"
            "<w:moveFrom><w:r><w:t>moved </w:t></w:r></w:moveFrom>"
            "<w:sdt><w:sdtContent><w:r><w:t>controlled</w:t></w:r></w:sdtContent></w:sdt>"
            "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
            "</w:pict></w:r></w:p>"
        ))  # fmt: skip
        text = read_bytes("a.docx", saved(document)).articles[0].text
        assert text == "Before.\n\nkept inserted controlled\n\nboxed"

    def test_footnotes_follow_the_text(self, read_bytes: ReadBytes) -> None:
        """Notes are text, too."""
        notes = (
            f'<w:footnotes xmlns:w="{WORD}"><w:footnote><w:p><w:r><w:t>A note.</w:t></w:r></w:p>'
        )
        parts = {
            "word/document.xml": body("<w:p><w:r><w:t>The text.</w:t></w:r></w:p>"),
            "word/footnotes.xml": f"{notes}</w:footnote></w:footnotes>".encode(),
        }
        assert read_bytes("a.docx", package(parts)).articles[0].text == "The text.\n\nA note."

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"\xd0\xcf\x11\xe0 old or locked", "locked by a password"),
            (b"plain text", "not a Word document"),
            (b"PK\x03\x04 torn", "not a Word document"),
            (package({"other.txt": b"x"}), "holds no document"),
            (package({"word/document.xml": b"<w:document"}), "not well-formed"),
            (package({"word/document.xml": body("")}), "no article text"),
            (package({"word/document.xml": body("<w:p>" * 5000)}), "not well-formed"),
            (package({"word/document.xml": b" " * (65 * 2**20)}), "unpacks to more than 64 MB"),
            (package({f"{number}.txt": b"" for number in range(20_001)}), "more than any document"),
        ],
        ids=["ole", "text", "torn", "other", "xml", "empty", "deep", "bomb", "members"],
    )
    def test_unreadable_files_say_why(
        self, read_bytes: ReadBytes, content: bytes, expected: str
    ) -> None:
        """Locked, foreign, broken, swelling: each is told apart."""
        with pytest.raises(UnreadableFileError, match=expected):
            read_bytes("a.docx", content)

    def test_a_part_that_lies_about_its_size_is_refused(self, read_bytes: ReadBytes) -> None:
        """A bomb that declares a small size is cut off where it said it ends."""
        honest = package({"word/document.xml": b" " * (65 * 2**20)})
        lying = honest.replace((65 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
        assert lying != honest
        with pytest.raises(UnreadableFileError, match=r"damaged|not well-formed"):
            read_bytes("a.docx", lying)

    def test_entities_do_not_multiply(self, read_bytes: ReadBytes) -> None:
        """Entities that expand to entities stay unexpanded."""
        bomb = (
            '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
            + "".join(
                f'<!ENTITY {name} "{f"&{before};" * 10}">'
                for before, name in zip("abcdefgh", "bcdefghi", strict=True)
            )
            + "]>"
        ).encode()
        part = bomb + body("<w:p><w:r><w:t>safe &i;</w:t></w:r></w:p>")
        try:
            text = read_bytes("a.docx", package({"word/document.xml": part})).articles[0].text
        except UnreadableFileError:
            return
        assert len(text) < 1000
