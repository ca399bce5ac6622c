"""Text in the form it is stored and shown in."""

from __future__ import annotations

import re

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Direction overrides, embeddings and isolates work in pairs, which a quote would tear apart; a
# soft hyphen or a byte order mark inside the text only keeps words from being found. Marks that
# spelling needs (zero-width joiner and non-joiner, LRM, RLM) stay.
_INVISIBLE = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u00ad\ufeff\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile("\n{3,}")


def stored_text(text: str) -> str:
    """Bring a text into the form that is stored and that offsets count in.

    Lines end with a newline and nothing before it; paragraphs are one blank line apart; nothing
    stands before the first or after the last line. Control characters and paired direction marks
    are gone. All else stays as it is. Applying it again changes nothing.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = _LONE_SURROGATE.sub("\ufffd", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")
