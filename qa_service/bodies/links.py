"""The addresses of articles and cited passages, below the service's root."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from qa_service.types import Span

# More words than this make an address too long for some servers and add nothing for the reader.
_MAX_LINKED_HIGHLIGHTS = 60


def article_path(article_id: str) -> str:
    """Return the address of an article below the service's root.

    Slashes stay readable, except where a browser would take a part of the id for "here" or
    "one folder up" and change the address.
    """
    parts = article_id.split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts)
    return "/articles/" + quote(article_id, safe="/" if is_plain else "")


def citation_link(
    article_id: str,
    passage_id: str,
    highlights: Sequence[Span] = (),
    sentence: Span | None = None,
) -> str:
    """Return the address that opens an article scrolled to a passage, marked.

    Highlights and the answering sentence are offsets into the passage, so that they hold as long
    as the passage's text does.
    """
    query = {"passage": passage_id}
    if highlights:
        query["highlight"] = ",".join(
            f"{span.start}-{span.end}" for span in highlights[:_MAX_LINKED_HIGHLIGHTS]
        )
    if sentence is not None:
        query["sentence"] = f"{sentence.start}-{sentence.end}"
    fragment = "passage-" + quote(passage_id, safe="")
    return f"{article_path(article_id)}?{urlencode(query, safe=',')}#{fragment}"
