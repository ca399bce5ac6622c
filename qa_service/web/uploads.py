"""Uploads turned into file names and contents that are safe to store."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from qa_service.bodies import ArticleIn
from qa_service.errors import UnreadableFileError

# File systems allow 255 bytes; the store may add a suffix while it writes.
MAX_NAME_BYTES = 240

_FORBIDDEN = frozenset('<>:"|?*')
# Names that Windows gives to devices, with any ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)
_SLUG_BYTES = 80


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to store in the articles folder."""

    name: str
    content: bytes


def safe_name(raw: str) -> str:
    """Return a file name that stays inside its folder on every system.

    Folders in the name are dropped, so are control, direction and surrogate characters; device
    names get an underscore before them; names that are too long keep their ending.

    Raises:
        UnreadableFileError: nothing is left, or the name has no ending that tells its format.
    """
    name = unicodedata.normalize("NFC", raw).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(
        "_" if character in _FORBIDDEN else character
        for character in name
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
        or character in "\u200c\u200d"
    )
    name = name.strip(" .\u200c\u200d")
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem.strip() or not suffix.strip():
        shown = raw[:80].encode("utf-8", "backslashreplace").decode()
        raise UnreadableFileError(
            f"The file name {shown!r} has no name and ending such as report.txt; rename the file."
        )
    if _DEVICE.fullmatch(stem.split(".")[0].strip()):
        stem = "_" + stem
    return _shorten(stem, MAX_NAME_BYTES - len(suffix.encode()) - 1) + "." + suffix


def upload_of_article(article: ArticleIn) -> Upload:
    """Return the file that stores an article which was typed or pasted: its fields, then its text.

    The name comes from the title, and from the content so that it is the article's own.
    """
    fields = {
        "title": article.title,
        "source": article.source,
        "url": article.url,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "language": article.language,
    }
    head = [f"{name}: {_quoted(value)}" for name, value in fields.items() if value]
    content = "\n".join(["---", *head, "---", "", article.text.strip("\r\n"), ""]).encode()
    digest = hashlib.sha256(content).hexdigest()[:8]
    stem = f"{_shorten(_slug(article.title), _SLUG_BYTES)}-{digest}".lstrip("-")
    return Upload(name=f"{stem}.txt", content=content)


def _quoted(value: str) -> str:
    """Write a field's value on one line, so that nothing in it reads as another field."""
    escaped = " ".join(value.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _slug(title: str) -> str:
    """Join a title's words by hyphens; letters, digits and the marks they carry stay."""
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" else " "
        for character in unicodedata.normalize("NFC", title)
    )
    return "-".join(kept.lower().split())


def _shorten(text: str, max_bytes: int) -> str:
    """Cut a text to a number of UTF-8 bytes, between characters."""
    if max_bytes < 1:
        raise UnreadableFileError("The file name's ending is too long; rename the file.")
    return text.encode()[:max_bytes].decode("utf-8", "ignore").rstrip(" .-")
