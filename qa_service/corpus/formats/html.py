"""Web pages: the article, without the page around it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lxml import etree, html  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from qa_service.corpus.boilerplate.phrases import fold_words
from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.decoding import decode
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import read_bytes
from qa_service.corpus.formats.plain_text import decoding_warnings
from qa_service.errors import UnreadableFileError
from qa_service.types import DroppedText

MAX_BYTES = MAX_FILE_BYTES[".html"]
MAX_DEPTH = 500
"""Elements nested deeper are unwrapped: the extractor walks the tree recursively."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]{2,40})""", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w:.-]{2,40})["']""")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_INVISIBLE = frozenset(("script", "style", "noscript", "template", "head", "svg", "math", "iframe",
                        "object", "canvas", "select", "textarea", "title"))  # fmt: skip
_FURNITURE = frozenset(("nav", "footer", "aside", "form", "button", "menu", "dialog"))
_INLINE = frozenset(("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data",
                     "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "rb",
                     "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub",
                     "sup", "time", "tt", "u", "var", "wbr"))  # fmt: skip
_TABLE_ROW = re.compile(r"\|.*\|")
_TABLE_RULE = re.compile(r"[|\s:-]*")
_MAX_DROPPED = 500


def read_html(path: Path) -> Drafts:
    """Read a web page as one article.

    Raises:
        UnreadableFileError: there is no visible text on it.
    """
    data = read_bytes(path, MAX_BYTES)
    decoded = decode(data, _declared_charset(data))
    page = _visible_blocks(decoded.text)
    if not page:
        raise UnreadableFileError("there is no visible text on the page. Save it with its text.")
    tree = _parse(decoded.text)
    found = _extract(tree)
    body = found.text or _fallback_text(page)
    dropped = _left_out(page, body, found.title)
    draft = Draft(
        text=body,
        title=found.title,
        source=found.source,
        url=found.url,
        author=found.author,
        published=found.published,
        language=found.language or tree.get("lang"),
        metadata=found.metadata,
        dropped=dropped,
    )
    return Drafts((draft,), decoding_warnings(decoded))


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of visible text between block boundaries; furniture is navigation and the like."""

    text: str
    is_furniture: bool


@dataclass(frozen=True, slots=True)
class _Extraction:
    """What the extractor makes of a page; `text` is "" when it finds no article."""

    text: str
    title: str | None
    source: str | None
    url: str | None
    author: str | None
    published: str | None
    language: str | None
    metadata: dict[str, object]


def _declared_charset(data: bytes) -> str | None:
    head = data[:4096]
    match = _CHARSET.search(head) or _XML_CHARSET.search(head)
    return match[1].decode("ascii") if match else None


def _parse(markup: str) -> HtmlElement:
    # Limits off: the parser would cut deep pages short without a word. `_flatten` bounds depth.
    parser = html.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(_prepared(markup), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise UnreadableFileError(f"it is not an HTML page: {error}. Save it again.") from error
    _flatten(tree)
    return tree


def _flatten(tree: HtmlElement) -> None:
    """Unwrap elements nested too deeply, so that no walk over the tree can overflow."""
    too_deep = []
    stack = [(tree, 0)]
    while stack:
        element, depth = stack.pop()
        if depth > MAX_DEPTH:
            too_deep.append(element)
        stack.extend((child, depth + 1) for child in element)
    # Inner ones first, so that each moves its text only once per level.
    for element in reversed(too_deep):
        element.drop_tag()


class _VisibleText:
    """Gathers a page's visible text in order, block by block, as a parser comes upon it."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self._parts: list[str] = []
        self._open: Counter[str] = Counter()

    def start(self, tag: str, attributes: object) -> None:
        """Begin a block at block elements, and note what hides or frames the text inside."""
        del attributes
        if tag not in _INLINE:
            self._end_block()
        self._open[tag] += 1

    def end(self, tag: str) -> None:
        """End a block at block elements."""
        if tag not in _INLINE:
            self._end_block()
        self._open[tag] -= 1

    def data(self, text: str) -> None:
        """Take the text unless something hides it."""
        if not any(self._open[tag] for tag in _INVISIBLE):
            self._parts.append(text)

    def close(self) -> list[_Block]:
        """Return all blocks."""
        self._end_block()
        return self.blocks

    def _end_block(self) -> None:
        text = " ".join("".join(self._parts).split())
        if text:
            is_furniture = any(self._open[tag] for tag in _FURNITURE)
            self.blocks.append(_Block(text, is_furniture))
        self._parts = []


def _visible_blocks(markup: str) -> list[_Block]:
    # The parser that makes the tree, too; Python's own takes ever longer over unfinished markup.
    parser = etree.HTMLParser(target=_VisibleText(), huge_tree=True, remove_pis=True)
    try:
        blocks: list[_Block] = etree.fromstring(_prepared(markup), parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    return blocks


def _prepared(markup: str) -> str:
    return _XML_DECLARATION.sub("", markup).replace("\0", "")


def _extract(tree: HtmlElement) -> _Extraction:
    # Read before the extractor, which takes the tree apart.
    site_name = _site_name(tree)
    from trafilatura import bare_extraction

    try:
        found = bare_extraction(
            tree,
            include_comments=False,
            with_metadata=True,
            favor_recall=True,
            # A date from the page's metadata or none: never one that the text happens to mention.
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except (RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        # The extractor stumbles over odd markup now and then; the page's own blocks remain.
        found = None
    if found is None:
        return _Extraction("", None, None, None, None, None, None, {})
    as_dict = found if isinstance(found, dict) else found.as_dict()
    text = str(as_dict.get("text") or "")
    extra = {
        name: as_dict[name] for name in ("description", "categories", "tags") if as_dict.get(name)
    }
    return _Extraction(
        text=_as_paragraphs(text),
        title=_known(as_dict, "title"),
        source=site_name or _known(as_dict, "sitename") or _known(as_dict, "hostname"),
        url=_known(as_dict, "url"),
        author=_known(as_dict, "author"),
        published=_known(as_dict, "date"),
        language=_known(as_dict, "language"),
        metadata=extra,
    )


def _as_paragraphs(text: str) -> str:
    """Set the lines a blank line apart, but items of a list and rows of a table close together."""
    parts: list[str] = []
    before = ""
    for raw_line in text.split("\n"):
        line = raw_line.strip()
        if not line or ("-" in line and _TABLE_RULE.fullmatch(line)):
            continue
        kind = "row" if _TABLE_ROW.fullmatch(line) else "item" if line.startswith("- ") else "text"
        if kind == "row":
            line = " | ".join(cell.strip() for cell in line.strip("|").split("|"))
        if parts:
            parts.append("\n" if kind == before != "text" else "\n\n")
        parts.append(line)
        before = kind
    return "".join(parts)


def _site_name(tree: HtmlElement) -> str | None:
    names = tree.xpath("//meta[@property='og:site_name']/@content")
    return " ".join(str(names[0]).split()) or None if names else None


def _known(values: dict[str, object], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _fallback_text(page: list[_Block]) -> str:
    """Return the page's text without navigation, or all of it when that leaves nothing."""
    blocks = [block.text for block in page if not block.is_furniture]
    return "\n\n".join(blocks or [block.text for block in page])


def _left_out(page: list[_Block], body: str, title: str | None) -> tuple[DroppedText, ...]:
    """List the visible text of the page that is neither in the body nor the title."""
    kept = f" {fold_words(body)} {fold_words(title or '')} "
    left_out = [
        block for block in page if (folded := fold_words(block.text)) and f" {folded} " not in kept
    ]
    dropped = [DroppedText(block.text, "page_furniture") for block in left_out[:_MAX_DROPPED]]
    if len(left_out) > _MAX_DROPPED:
        rest = len(left_out) - _MAX_DROPPED
        dropped.append(DroppedText(f"{rest} more blocks of the page", "page_furniture"))
    return tuple(dropped)
