"""Text of others made safe to show: nothing in it drives a terminal or forges a line.

What is escaped: control characters of both sets, so that no escape sequence begins; the characters
that embed, isolate or override directions, which make what follows read otherwise than it is; the
separators of lines and paragraphs; tags and the byte order mark, which show nothing and can hide
a whole message; surrogates, which names of files may hold and nothing can
encode. Left alone is what words are written with: joiners and non-joiners (Persian, Sinhala,
Malayalam, and families of emoji), the marks of direction, combining marks, soft hyphens.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    # The flag of a part of a country, such as England's, is the one thing that tags are used for:
    # a black flag, the letters of its code, and an end. It is kept; any other tag is not.
    "(?P<flag>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)"
    "|[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LAYOUT = "\n\t"


def printable(text: str, keep: str = "") -> str:
    r"""Return the text with what is unsafe as Python writes it, such as `\x1b`, but for `keep`."""
    return _UNSAFE.sub(
        lambda match: match[0] if match["flag"] or match[0] in keep else _escaped(match[0]), text
    )


def printable_passage(text: str) -> str:
    """Return a text of several lines, made safe, with its line ends and tabs."""
    return printable(text.replace("\r\n", "\n"), LAYOUT)


def printable_json(document: str) -> str:
    r"""Return a JSON document of the same content in which what is unsafe is written `\u001b`.

    Line ends outside strings stay.
    """
    return _UNSAFE.sub(
        lambda match: match[0] if match["flag"] or match[0] == "\n" else _json_escaped(match[0]),
        document,
    )


def _json_escaped(character: str) -> str:
    # A character beyond the first plane is two escapes in JSON.
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
