"""The readers that run in the child process; only that process imports this module."""

from __future__ import annotations

from collections.abc import Mapping

from qa_service.corpus.formats.docx import read_docx
from qa_service.corpus.formats.html import read_html
from qa_service.corpus.formats.pdf import read_pdf
from qa_service.corpus.reader_process import Read, serve

READERS: Mapping[str, Read] = {
    ".docx": read_docx,
    ".htm": read_html,
    ".html": read_html,
    ".pdf": read_pdf,
}


def main(max_memory_bytes: int) -> None:
    """Be the child process of a `ReaderProcess`."""
    serve(READERS, max_memory_bytes)
