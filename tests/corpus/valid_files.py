"""A valid file of each format, and large ones that take long to read."""

from __future__ import annotations

import io

from docx import Document
from pdf_files import Run, pdf


def small_docx() -> bytes:
    """Make a small Word document."""
    document = Document()
    document.add_paragraph("نص قصير. 短い文章。")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


VALID = {
    ".csv": b"id,text\n1,hello there\n",
    ".docx": small_docx(),
    ".htm": b"<html><body><p>Hello there, this is a page.</p></body></html>",
    ".html": "<html><p>مرحبا بكم في هذه الصفحة.</p></html>".encode(),
    ".jsonl": b'{"id": "1", "text": "hello there"}\n',
    ".md": "# 标题\n\n正文在这里。\n".encode(),
    ".pdf": pdf([[Run(50, 700, "Hello there, this is a page.")]]),
    ".txt": "---\ntitle: x\n---\nनमस्ते दुनिया।\n".encode(),
}


def lines_of(count: int) -> bytes:
    """Return a JSON Lines file."""
    return b"".join(b'{"text": "line %d: \xd9\x86\xd8\xb5"}\n' % number for number in range(count))


LARGE = {
    ".csv": b"text\n" + "सड़क और नदी\n".encode() * 50_000,
    ".html": "<p>运河全长八十二公里。</p>".encode() * 100_000,
    ".jsonl": lines_of(50_000),
    ".md": "> - **ตลาดน้ำ** [เปิด](a)\n\n".encode() * 50_000,
    ".txt": "جسر جديد\n".encode() * 500_000,
}
