"""Markdown files: read to the plain text that a reader of the page would see."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa_service.corpus.article_fields import draft_from_fields
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.decoding import decode
from qa_service.corpus.draft import Drafts
from qa_service.corpus.file_bytes import read_bytes
from qa_service.corpus.formats.plain_text import HEAD_FIELDS, decoding_warnings
from qa_service.corpus.front_matter import split_front_matter
from qa_service.types import DroppedText

MAX_BYTES = MAX_FILE_BYTES[".md"]

_TAG = re.compile(r"<[/!?]?[A-Za-z][^<>]*>")
_TAG_OR_COMMENT = re.compile(rf"<!--.*?-->|{_TAG.pattern}", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def read_markdown(path: Path) -> Drafts:
    """Read a Markdown file as one article, its first top heading as the title if none is given."""
    decoded = decode(read_bytes(path, MAX_BYTES))
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    head = split_front_matter(text)
    page = _PlainText()
    page.render(_parser().parse(head.body))
    # A heading with nothing under it is all the text there is.
    text = page.text or page.first_heading or ""
    draft = draft_from_fields(text, head.fields, HEAD_FIELDS)
    title = draft.title or page.first_heading
    draft = replace(draft, title=title, dropped=tuple(page.dropped))
    return Drafts((draft,), decoding_warnings(decoded))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _PlainText:
    """Gathers the visible text of a token stream, block by block."""

    def __init__(self) -> None:
        self.dropped: list[DroppedText] = []
        self.first_heading: str | None = None
        self._blocks: list[str] = []
        self._tight: list[bool] = []
        self._lists: list[int | None] = []
        self._marker = ""
        self._row: list[str] = []
        self._last_was_item = False

    @property
    def text(self) -> str:
        """The blocks so far: a blank line between them, none between list items or table rows."""
        parts: list[str] = []
        for block, is_tight in zip(self._blocks, self._tight, strict=True):
            if parts:
                parts.append("\n" if is_tight else "\n\n")
            parts.append(block)
        return "".join(parts)

    def render(self, tokens: Sequence[Token]) -> None:
        """Add the text of these tokens."""
        heading: str | None = None
        is_heading = False
        for number, token in enumerate(tokens):
            kind = token.type
            if kind in ("bullet_list_open", "ordered_list_open"):
                start = int(token.attrs.get("start", 1)) if kind == "ordered_list_open" else None
                self._lists.append(start)
            elif kind in ("bullet_list_close", "ordered_list_close"):
                self._lists.pop()
                self._last_was_item = bool(self._lists)
            elif kind == "list_item_open":
                self._marker = self._next_marker()
            elif kind == "heading_open":
                is_heading, heading = True, token.tag
            elif kind == "heading_close":
                is_heading = False
            elif kind == "inline":
                text = self._inline(token.children or [])
                if is_heading and heading == "h1" and self.first_heading is None:
                    self.first_heading = " ".join(text.split()) or None
                    # The title stands beside the text, not in it.
                    continue
                if tokens[number - 1].type in ("th_open", "td_open"):
                    self._row.append(text)
                else:
                    self._add(text)
            elif kind == "tr_close":
                is_first = tokens[number + 1].type == "thead_close"
                self._add(" | ".join(self._row), is_tight=not is_first)
                self._row = []
            elif kind in ("fence", "code_block"):
                self._add(token.content.rstrip("\n"))
            elif kind == "html_block":
                self._add(self._without_tags(token.content))

    def _next_marker(self) -> str:
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _add(self, text: str, *, is_tight: bool | None = None) -> None:
        if not text.strip():
            return
        is_item = bool(self._marker)
        if is_tight is None:
            is_tight = is_item and bool(self._blocks) and self._last_was_item
        self._blocks.append(f"{self._marker}{text}" if is_item else text)
        self._tight.append(is_tight)
        self._last_was_item = bool(self._lists)
        self._marker = ""

    def _inline(self, children: Sequence[Token]) -> str:
        parts: list[str] = []
        for child in children:
            if child.type in ("text", "code_inline"):
                parts.append(child.content)
            elif child.type == "softbreak":
                parts.append("\n")
            elif child.type == "hardbreak":
                parts.append("\v")
            elif child.type == "image":
                description = child.content or str(child.attrs.get("src", ""))
                self.dropped.append(DroppedText(description, "image"))
            elif child.type == "html_inline" and child.content.lower().startswith("<br"):
                parts.append("\v")
            elif child.type == "html_inline":
                parts.append(self._without_tags(child.content))
        return _join_wrapped("".join(parts)).replace("\v", "\n")

    def _without_tags(self, markup: str) -> str:
        visible = _HIDDEN.sub(" ", markup)
        # Behind the last end of a comment none is looked for: each beginning would be followed up
        # to the end of the file.
        last = visible.rfind("-->") + len("-->") if "-->" in visible else 0
        text = _TAG_OR_COMMENT.sub("", visible[:last]) + _TAG.sub("", visible[last:])
        return html.unescape(text).strip()


def _join_wrapped(text: str) -> str:
    """Undo the wrapping of source lines: a space between them, none between wide characters."""
    lines = [line.strip(" \t") for line in text.split("\n")]
    joined = lines[0]
    for line in lines[1:]:
        is_wide = bool(joined and line and _WIDE.match(joined[-1]) and _WIDE.match(line[0]))
        joined += line if is_wide else f" {line}"
    return joined.strip(" ")
