"""HTML pages and Mallard pages → headings and paragraphs in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree, html  # type: ignore[import-untyped]

from training.adapter.documents import Kind

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_PARAGRAPHS = frozenset({"p", "li", "dd", "dt", "blockquote", "caption"})
# Holds code, furniture of the page, or nothing to read.
_SKIPPED = frozenset(
    {"script", "style", "pre", "nav", "aside", "footer", "form", "button", "select", "svg"}
)
_SKIPPED_CLASSES = frozenset(
    {
        *("navheader", "navfooter", "docnav", "toc", "list-of-tables", "list-of-examples"),
        *("screen", "programlisting", "literallayout", "indexterm", "footnotes", "revhistory"),
        *("sphinxsidebar", "related", "headerlink", "toctree-wrapper", "authorgroup"),
    }
)
# "6.9.1. ", "A.2. ", "Chapter 2. ", "第 3 章 " before a heading: no part of what it says.
_NUMBER = re.compile(
    r"^\s*(?:(?:\w+\s+)?(?:[A-Z]|\d+)(?:\.\d+)*\.|第\s*\d+\s*[章节節]|\d+장\.?)\s+"
)
# What a heading of Sphinx ends with.
_ANCHOR = re.compile(r"\s*[¶\uf0c1]$")
_MALLARD = "{http://projectmallard.org/1.0/}"
_MALLARD_SKIPPED = frozenset({"code", "screen", "credit", "license", "media", "revision", "link"})


@dataclass(frozen=True, slots=True)
class Block:
    """One heading or paragraph. `key` is its id if it has one; `tag` is what the page calls it."""

    kind: Kind
    tag: str
    key: str
    text: str


def read_html(content: bytes, container_id: str = "") -> list[Block]:
    """Return the blocks of a page, the first heading as its title.

    Args:
        content: the file, UTF-8.
        container_id: read only what lies in the element with this id; "" for the whole body.
    """
    root = html.document_fromstring(content, parser=html.HTMLParser(encoding="utf-8"))
    start = root.find("body") if not container_id else root.get_element_by_id(container_id, None)
    if start is None:
        return []
    return _with_title(
        [Block(kind, tag, key, text) for kind, tag, key, text in _html_blocks(start) if text]
    )


def read_mallard(content: bytes) -> list[Block]:
    """Return the blocks of a page of GNOME's help, its title first."""
    root = etree.fromstring(content, parser=etree.XMLParser(resolve_entities=False))
    blocks = []
    for element in root.iter(f"{_MALLARD}title", f"{_MALLARD}p", f"{_MALLARD}desc"):
        parents = {_local_name(parent) for parent in element.iterancestors()}
        if parents & _MALLARD_SKIPPED:
            continue
        name = _local_name(element)
        if name == "title" and "info" in parents:
            continue
        text = _one_line("".join(str(part) for part in element.itertext()))
        if text:
            kind = Kind.HEADING if name == "title" else Kind.TEXT
            blocks.append(Block(kind, name, "", text))
    return _with_title(blocks)


def _with_title(blocks: list[Block]) -> list[Block]:
    """Make the first heading the title."""
    for place, block in enumerate(blocks):
        if block.kind is Kind.HEADING:
            blocks[place] = Block(Kind.TITLE, block.tag, block.key, block.text)
            break
    return blocks


def _html_blocks(element: html.HtmlElement) -> Iterator[tuple[Kind, str, str, str]]:
    """Yield the blocks below an element in order; a block's text is what no inner block has."""
    for child in element:
        if not isinstance(child.tag, str) or _is_skipped(child):
            continue
        kind = _kind_of(child)
        if kind is not None:
            text = _one_line("".join(_own_text(child)))
            if kind is Kind.HEADING:
                text = _ANCHOR.sub("", _NUMBER.sub("", text))
            yield kind, child.tag, child.get("id") or "", text
        yield from _html_blocks(child)


def _own_text(element: html.HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if (
            isinstance(child.tag, str)
            and _kind_of(child) is None
            and not _is_skipped(child)
            and child.tag not in ("ul", "ol", "dl", "table")
        ):
            yield " " if child.tag == "br" else ""
            yield from _own_text(child)
        yield child.tail or ""


def _kind_of(element: html.HtmlElement) -> Kind | None:
    if element.tag in HEADINGS:
        return Kind.HEADING
    if element.tag in _PARAGRAPHS:
        return Kind.TEXT
    # Publican writes its paragraphs so.
    if element.tag == "div" and "para" in _classes(element):
        return Kind.TEXT
    return None


def _is_skipped(element: html.HtmlElement) -> bool:
    return element.tag in _SKIPPED or bool(_classes(element) & _SKIPPED_CLASSES)


def _classes(element: html.HtmlElement) -> set[str]:
    return set((element.get("class") or "").split())


def _local_name(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def _one_line(text: str) -> str:
    return " ".join(text.split())
