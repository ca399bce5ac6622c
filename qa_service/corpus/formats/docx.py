"""Word documents (.docx): the text of the document, footnotes included.

Read straight from the parts of the package that hold text: pictures are never unpacked, and text
in tracked insertions, content controls and text boxes, which python-docx passes over, is kept.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lxml import etree  # type: ignore[import-untyped]

from qa_service.corpus.bounds import MAX_FILE_BYTES
from qa_service.corpus.draft import Draft, Drafts
from qa_service.corpus.file_bytes import open_regular
from qa_service.errors import UnreadableFileError
from qa_service.types import DroppedText

MAX_BYTES = MAX_FILE_BYTES[".docx"]
MAX_PART_BYTES = 64 * 2**20
MAX_MEMBERS = 20_000

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
# Deleted, moved-away and instruction text is not what a reader sees.
_HIDDEN = frozenset(("del", "moveFrom", "instrText", "delText", "pPr", "rPr", "sectPr", "tblPr",
                     "sdtPr", "sdtEndPr", "fldData"))  # fmt: skip
_NOBODY = frozenset(("", "python-docx", "administrator", "admin", "user", "unknown", "author"))
_PLACEHOLDER_TITLES = frozenset(("", "word document", "document", "untitled", "microsoft word"))


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A paragraph's text and the name of its style; list items go without a blank line between."""

    text: str
    style: str = ""
    is_item: bool = False


@dataclass(slots=True)
class _Styles:
    """Style names by their ids, which differ from one language of Word to the next."""

    names: dict[str, str] = field(default_factory=dict)


def read_docx(path: Path) -> Drafts:
    """Read a Word document as one article.

    Raises:
        UnreadableFileError: it is no such document, is damaged or locked, or swells when unpacked.
    """
    with open_regular(path, MAX_BYTES) as stream:
        try:
            with _package(stream) as package:
                return Drafts((_draft(package),))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UnreadableFileError(f"it is damaged: {error}. Save it anew in Word.") from error
        except etree.XMLSyntaxError as error:
            raise UnreadableFileError(
                f"a part of it is not well-formed XML: {error.msg}. Save it anew in Word."
            ) from error


def _package(stream: BinaryIO) -> zipfile.ZipFile:
    signature = stream.read(4)
    stream.seek(0)
    if signature == _OLE_SIGNATURE:
        raise UnreadableFileError(
            "it is locked by a password, or an old .doc under a new name. Save a copy as .docx "
            "without a password."
        )
    if not zipfile.is_zipfile(stream):
        raise UnreadableFileError("it is not a Word document (.docx). Save it anew in Word.")
    package = zipfile.ZipFile(stream)
    if len(package.infolist()) > MAX_MEMBERS:
        raise UnreadableFileError(
            f"it holds {len(package.infolist())} parts, more than any document needs."
        )
    return package


def _draft(package: zipfile.ZipFile) -> Draft:
    main = _main_part(package)
    folder = main.rpartition("/")[0]
    styles = _styles(package, f"{folder}/styles.xml")
    paragraphs = list(_paragraphs(_parse(package, main), styles))
    for notes in ("footnotes", "endnotes"):
        part = _parse_optional(package, f"{folder}/{notes}.xml")
        if part is not None:
            paragraphs.extend(_paragraphs(part, styles))
    info = _core_properties(package)
    title = info.get("title", "")
    titles = [paragraph for paragraph in paragraphs if paragraph.style == "title"]
    if titles:
        title = " ".join(titles[0].text.split())
        paragraphs.remove(titles[0])
    elif title.casefold() in _PLACEHOLDER_TITLES:
        title = ""
    if not paragraphs and titles:
        paragraphs = titles[:1]
    author = info.get("creator", "")
    return Draft(
        text=_joined(paragraphs),
        title=title or None,
        author=None if author.casefold() in _NOBODY else author,
        dropped=tuple(_page_headers(package, folder)),
    )


def _main_part(package: zipfile.ZipFile) -> str:
    relations = _parse_optional(package, "_rels/.rels")
    if relations is not None:
        for relation in relations.iter(_RELATIONS):
            if str(relation.get("Type", "")).endswith("/officeDocument"):
                return str(relation.get("Target", "")).lstrip("/")
    if "word/document.xml" in package.namelist():
        return "word/document.xml"
    raise UnreadableFileError("it holds no document, so it is not a .docx. Save it anew in Word.")


def _parse_optional(package: zipfile.ZipFile, name: str) -> etree._Element | None:
    return _parse(package, name) if name in package.namelist() else None


def _parse(package: zipfile.ZipFile, name: str) -> etree._Element:
    """Parse a part, unpacking no more of it than is allowed, whatever its size is said to be."""
    try:
        member = package.getinfo(name)
    except KeyError as error:
        raise UnreadableFileError(f"its part {name} is missing. Save it anew in Word.") from error
    too_large = UnreadableFileError(
        f"its part {name} unpacks to more than {MAX_PART_BYTES // 2**20} MB. Split the document."
    )
    if member.flag_bits & 1:
        raise UnreadableFileError("it is locked by a password. Save a copy without one.")
    if member.file_size > MAX_PART_BYTES:
        raise too_large
    with package.open(member) as stream:
        data = stream.read(MAX_PART_BYTES + 1)
    if len(data) > MAX_PART_BYTES:
        raise too_large
    # Entities stay unresolved (they can multiply, or name other files); depth stays limited.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(data, parser)
    if root is None:
        raise UnreadableFileError(f"its part {name} is empty. Save it anew in Word.")
    return root


def _styles(package: zipfile.ZipFile, name: str) -> _Styles:
    styles = _Styles()
    root = _parse_optional(package, name)
    if root is not None:
        for style in root.iter(f"{_WORD}style", f"{_STRICT}style"):
            label = next((child for child in style if _local(child) == "name"), None)
            if label is not None:
                styles.names[_value(style, "styleId")] = _value(label, "val").lower()
    return styles


def _paragraphs(root: etree._Element, styles: _Styles) -> Iterator[_Paragraph]:
    """Yield a part's paragraphs in order; a table's row is one; a text box comes after its own."""
    stack: list[etree._Element] = [root]
    while stack:
        element = stack.pop()
        name = _local(element)
        if name == "tbl" and _is_plain_table(element):
            for row in (child for child in element.iter() if _local(child) == "tr"):
                cells = [_cell_text(cell, styles) for cell in row if _local(cell) == "tc"]
                yield _Paragraph(" | ".join(cells), is_item=True)
        elif name == "p":
            boxes: list[etree._Element] = []
            text = _text(element, boxes)
            yield _Paragraph(text, styles.names.get(_style(element), ""), _is_item(element))
            stack.extend(reversed(boxes))
        elif name not in _HIDDEN and element.tag != _FALLBACK:
            stack.extend(reversed(element))


def _is_plain_table(table: etree._Element) -> bool:
    return sum(_local(inner) == "tbl" for inner in table.iter()) == 1


def _cell_text(cell: etree._Element, styles: _Styles) -> str:
    return " ".join(
        " ".join(paragraph.text.split()) for paragraph in _paragraphs(cell, styles)
    ).strip()


def _text(paragraph: etree._Element, boxes: list[etree._Element]) -> str:
    """Gather a paragraph's visible text; text boxes anchored in it are put aside in `boxes`."""
    parts: list[str] = []
    stack: list[etree._Element] = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        name = _local(element)
        if name == "t":
            parts.append(element.text or "")
        elif name == "tab":
            parts.append("\t")
        elif name in ("br", "cr"):
            parts.append("\n")
        elif name == "noBreakHyphen":
            parts.append("\u2011")
        elif name == "txbxContent":
            boxes.append(element)
        elif name not in _HIDDEN and element.tag != _FALLBACK:
            stack.extend(reversed(element))
    return "".join(parts).strip("\n")


def _style(paragraph: etree._Element) -> str:
    for properties in paragraph:
        if _local(properties) == "pPr":
            for child in properties:
                if _local(child) == "pStyle":
                    return _value(child, "val")
    return ""


def _is_item(paragraph: etree._Element) -> bool:
    return any(
        _local(child) == "numPr"
        for properties in paragraph
        if _local(properties) == "pPr"
        for child in properties
    )


def _joined(paragraphs: Sequence[_Paragraph]) -> str:
    parts: list[str] = []
    was_item = False
    for paragraph in paragraphs:
        if not paragraph.text.strip():
            was_item = False
            continue
        if parts:
            parts.append("\n" if was_item and paragraph.is_item else "\n\n")
        parts.append(paragraph.text)
        was_item = paragraph.is_item
    return "".join(parts)


def _page_headers(package: zipfile.ZipFile, folder: str) -> Iterator[DroppedText]:
    seen: set[str] = set()
    for name in sorted(package.namelist()):
        base = name.removeprefix(f"{folder}/")
        if base.startswith(("header", "footer")) and base.endswith(".xml"):
            text = _joined(list(_paragraphs(_parse(package, name), _Styles())))
            if text.strip() and text not in seen:
                seen.add(text)
                yield DroppedText(text, "page_header")


def _core_properties(package: zipfile.ZipFile) -> dict[str, str]:
    root = _parse_optional(package, "docProps/core.xml")
    if root is None:
        return {}
    return {
        str(child.tag).removeprefix(_DUBLIN_CORE): " ".join((child.text or "").split())
        for child in root
        if str(child.tag).startswith(_DUBLIN_CORE)
    }


def _local(element: etree._Element) -> str:
    """Return an element's name when it belongs to WordprocessingML, else its full tag."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.removeprefix(_WORD).removeprefix(_STRICT)


def _value(element: etree._Element, name: str) -> str:
    return str(element.get(f"{_WORD}{name}") or element.get(f"{_STRICT}{name}") or "")
