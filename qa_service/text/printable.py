"""Text of others made safe to show: nothing in it drives a terminal or forges a line.

What is escaped: control characters of both sets, so that no escape sequence begins; the characters
that embed, isolate or override directions, which make what follows read otherwise than it is; the
separators of lines and paragraphs; surrogates, which names of files may hold and nothing can
encode. Left alone is what words are written with: joiners and non-joiners (Persian, Sinhala,
Malayalam, and families of emoji), the marks of direction, combining marks, soft hyphens.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LAYOUT = "\n\t"


def printable(text: str, keep: str = "") -> str:
    r"""Return the text with what is unsafe as Python writes it, such as `\x1b`, but for `keep`."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escaped(match[0]), text)


def printable_passage(text: str) -> str:
    """Return a text of several lines, made safe, with its line ends and tabs."""
    return printable(text.replace("\r\n", "\n"), LAYOUT)


def printable_json(document: str) -> str:
    r"""Return a JSON document of the same content in which what is unsafe is written `\u001b`.

    Line ends outside strings stay.
    """
    return _UNSAFE.sub(
        lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", document
    )


def _escaped(character: str) -> str:
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
