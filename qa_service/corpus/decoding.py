"""Bytes of unknown encoding become text."""

from __future__ import annotations

import codecs
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from qa_service.errors import UnreadableFileError
from qa_service.text.language import detect_language
from qa_service.text.scripts import SHARED, script_of

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a rich-text (RTF) document"),
)

# Encodings from before Unicode that articles are still found in, by the script they serve.
_LEGACY_ENCODINGS = (
    "cp1256", "iso8859-6", "cp1251", "koi8-r", "cp866", "cp1253", "cp1255", "cp874", "cp1252",
    "cp1250", "cp1254", "cp1257", "cp1258", "gb18030", "big5", "cp932", "euc_jp", "cp949",
)  # fmt: skip

# The letters that make up most of any text in a script, most frequent first.
_FREQUENT_LETTERS = {
    "arabic": "اليمنوترهبدعكفسیک",
    "cyrillic": "оеаинтсрвлкмдпуіја",
    "greek": "αοιετσνηυρπκμλςόίά",
    "hebrew": "יוהלאמרבתשנעם",
    "thai": "านรกอเงมยลวดทสต่้ัี",
    "han": "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對"
    "生能年月日行成法经經方部市新东東京北南西今天学學家公开開主民事者本議会",
    "kana": "のにはをたがでてとしれさいまなるかっりラスンイトル",
    "hangul": "이다는에의가을로고하지은서도사기인한대리해스아나",
}
_PUNCTUATION = frozenset(
    "\u00a0\u00ab\u00bb\u00b0\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2022\u2026\u20ac\u2116"
    "¿¡§،؛؟٪۔।、。「」『』（），：；？！《》“”·\u200c\u200e\u200f\u3000"
)
# Languages whose texts in a Latin code page are nearly always in this one.
_LATIN_ENCODING_OF = {
    "az": "cp1254", "bs": "cp1250", "cs": "cp1250", "et": "cp1257", "hr": "cp1250", "hu": "cp1250",
    "lt": "cp1257", "lv": "cp1257", "pl": "cp1250", "ro": "cp1250", "sk": "cp1250", "sl": "cp1250",
    "sq": "cp1252", "tr": "cp1254", "vi": "cp1258",
}  # fmt: skip

_SAMPLE_BYTES = 64 * 1024
_MAX_DAMAGED_SHARE = 0.01
_MAX_CONTROL_SHARE = 0.005
_MIN_SCORE = 0.0


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A file's text, the encoding that it was read with, and how many characters were damaged."""

    text: str
    encoding: str
    damaged: int = 0


def decode(data: bytes, declared: str | None = None) -> DecodedText:
    """Turn a text file's bytes into text, whatever its encoding.

    A byte order mark decides; then valid UTF-8; then what the file declares about itself; then
    UTF-16 without a mark; then the legacy encoding that yields the most natural text: letters that
    are frequent in their script, words of one script, no stray symbols. Short files are told too: a
    line of Arabic in Windows-1256 comes out as Arabic.

    Args:
        data: the whole file.
        declared: the encoding that the file names itself, such as an HTML page's charset.

    Raises:
        UnreadableFileError: the bytes are not text, or not in any known encoding.
    """
    _refuse_binary(data)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _checked(_decode_tolerantly(data, encoding))
    utf_8 = _decode_tolerantly(data, "utf-8")
    if utf_8.damaged == 0 and b"\0" not in data:
        return _checked(utf_8)
    if b"\0" in data:
        return _checked(_decode_wide(data))
    if declared is not None and (codec := _known_codec(declared)) is not None:
        as_declared = _decode_tolerantly(data, codec)
        if as_declared.damaged <= _MAX_DAMAGED_SHARE * len(as_declared.text):
            return _checked(as_declared)
    if _is_damaged_utf_8(utf_8):
        return _checked(utf_8)
    return _checked(_decode_tolerantly(data, _best_legacy_encoding(data)))


def sniff_encoding(stream: BinaryIO) -> str:
    """Tell the encoding of a file that is too large to be decoded at once.

    It is told from the first part of the file and from the lines that hold more than ASCII.

    Raises:
        UnreadableFileError: the bytes are not text, or not in any known encoding.
    """
    head = stream.read(_SAMPLE_BYTES)
    if head.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS)) or b"\0" in head:
        return decode(head[: len(head) // 4 * 4]).encoding
    sample = [head[: head.rfind(b"\n") + 1] or head]
    size = 0
    # Lines cut in two at the end of a part are left out, or they would look damaged.
    while size < _SAMPLE_BYTES and (part := stream.read(16 * _SAMPLE_BYTES)):
        lines = part.split(b"\n")[1:-1]
        telling = [line for line in lines if not line.isascii()]
        sample.extend(telling)
        size += sum(map(len, telling))
    return decode(b"\n".join(sample)[: 4 * _SAMPLE_BYTES]).encoding


def _refuse_binary(data: bytes) -> None:
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise UnreadableFileError(
                f"this is {what}, not text. Give the file the suffix of its format, if supported."
            )


def _known_codec(name: str) -> str | None:
    try:
        codec = codecs.lookup(name.strip().strip("'\"")).name
    except (LookupError, ValueError):
        return None
    # As browsers do: pages that name the subset are written in the superset.
    return {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
            "iso8859-9": "cp1254", "euc_kr": "cp949", "shift_jis": "cp932",
            "tis-620": "cp874"}.get(codec, codec)  # fmt: skip


def _decode_tolerantly(data: bytes, encoding: str) -> DecodedText:
    try:
        return DecodedText(data.decode(encoding), encoding)
    except (UnicodeDecodeError, UnicodeError):
        pass
    try:
        text = data.decode(encoding, errors="replace")
    except (UnicodeError, LookupError, ValueError):
        return DecodedText("", encoding, len(data))
    return DecodedText(text, encoding, text.count("\ufffd"))


def _is_damaged_utf_8(decoded: DecodedText) -> bool:
    """Tell UTF-8 with a few bad bytes: a file cut off or patched, but not another encoding."""
    good = sum(1 for character in decoded.text if character > "\x7f") - decoded.damaged
    return decoded.damaged <= _MAX_DAMAGED_SHARE * len(decoded.text) and good >= 4 * decoded.damaged


def _decode_wide(data: bytes) -> DecodedText:
    """Decode UTF-16 without a byte order mark, told by zero bytes at every other place."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    decoded = _decode_tolerantly(data, encoding)
    is_wide = min(even, odd) * 20 <= max(even, odd) and len(data) % 2 == 0 and decoded.damaged == 0
    if not is_wide or _naturalness(decoded.text[:_SAMPLE_BYTES]) < _MIN_SCORE:
        raise UnreadableFileError(
            f"there are zero (NUL) bytes in it, {even + odd} of {len(data)}, so it is not text. "
            "Save it as UTF-8 text."
        )
    return decoded


def _checked(decoded: DecodedText) -> DecodedText:
    text = decoded.text
    if decoded.damaged > max(3, _MAX_DAMAGED_SHARE * len(text)):
        raise UnreadableFileError(
            f"{decoded.damaged} of {len(text)} characters cannot be decoded as {decoded.encoding}. "
            "Save it as UTF-8 text."
        )
    if "\0" in text:
        raise UnreadableFileError(
            f"there are {text.count(chr(0))} NUL characters in it. Save it as UTF-8 without."
        )
    controls = sum(
        text.count(chr(code)) for code in range(1, 32) if code not in (9, 10, 11, 12, 13)
    )
    if controls > _MAX_CONTROL_SHARE * len(text) + 2:
        raise UnreadableFileError(
            f"{controls} of {len(text)} characters are control codes, so it is not text. "
            "Save it as UTF-8 text."
        )
    return decoded


def _best_legacy_encoding(data: bytes) -> str:
    sample = _telling_sample(data)
    candidates = list(_LEGACY_ENCODINGS)
    guess = from_bytes(sample).best()
    if guess is not None and guess.encoding not in candidates:
        candidates.append(guess.encoding)
    scores: dict[str, float] = {}
    for encoding in candidates:
        decoded = _decode_tolerantly(sample, encoding)
        # A multi-byte character may be cut where the sample ends.
        if decoded.damaged <= 1 + _MAX_DAMAGED_SHARE * len(decoded.text):
            scores[encoding] = _naturalness(decoded.text) - 0.5 * decoded.damaged / (
                len(decoded.text) or 1
            )
    if not scores or max(scores.values()) < _MIN_SCORE:
        raise UnreadableFileError(
            "its encoding cannot be told: it is not UTF-8, UTF-16 or a common national encoding. "
            "Save it as UTF-8 text."
        )
    best = max(scores, key=lambda encoding: scores[encoding])
    if script_of_most(sample.decode(best, errors="replace")) != "latin":
        return best
    return _best_latin_encoding(sample, scores)


def script_of_most(text: str) -> str | None:
    """Tell the script that most letters above ASCII belong to; None when there are none."""
    scripts = Counter(script_of(character) for character in text if character > "\x7f")
    del scripts[SHARED]
    return max(scripts, key=lambda script: scripts[script], default=None)


def _best_latin_encoding(sample: bytes, scores: dict[str, float]) -> str:
    # The Latin code pages differ in a few letters; the language tells which was meant.
    latin = [name for name in ("cp1252", "cp1250", "cp1254", "cp1257", "cp1258") if name in scores]
    for encoding in latin:
        language = detect_language(sample.decode(encoding, errors="replace"))
        if _LATIN_ENCODING_OF.get(language, "cp1252") == encoding:
            return encoding
    return latin[0] if latin else max(scores, key=lambda encoding: scores[encoding])


def _telling_sample(data: bytes) -> bytes:
    """Cut out lines that hold bytes above ASCII, up to a bound."""
    if len(data) <= _SAMPLE_BYTES:
        return data
    lines = [line for line in data[: 16 * _SAMPLE_BYTES].split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE_BYTES] or data[:_SAMPLE_BYTES]


def _naturalness(text: str) -> float:
    """Rate how much the characters above ASCII look like writing: 1 at best, below 0 if not."""
    total = weight = 0.0
    for character, times in Counter(text).items():
        if character > "\x7f":
            total += times
            weight += times * _character_weight(character)
    if total == 0:
        return 1.0
    return (weight - sum(_odd_joins(text))) / total


def _character_weight(character: str) -> float:
    script = script_of(character)
    if character in _FREQUENT_LETTERS.get(script, ""):
        return 1.0
    if character in _PUNCTUATION:
        return 0.3
    category = unicodedata.category(character)
    if category[0] == "M":
        return 0.2
    if script != SHARED:
        lowered = character.casefold()
        if category == "Lu" and lowered in _FREQUENT_LETTERS.get(script, ""):
            return 0.8
        if script == "latin":
            return 0.4
        if "\uff66" <= character <= "\uff9f":  # half-width kana: nearly always misread bytes
            return -1.0
        return 0.2
    return -1.5


def _odd_joins(text: str) -> Iterator[float]:
    """Yield a penalty for each pair of letters that no word holds side by side."""
    for before, after in itertools.pairwise(text):
        if before <= "\x7f" and after <= "\x7f":
            continue
        first, second = script_of(before), script_of(after)
        if SHARED in (first, second):
            continue
        if before.islower() and after.isupper():
            yield 1.0
        if first != second and not {first, second} <= {"han", "kana", "hangul"}:
            yield 2.0
