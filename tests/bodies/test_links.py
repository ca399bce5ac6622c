"""The addresses of articles and passages carry whatever an id holds."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from qa_service.bodies.links import citation_link
from qa_service.types import Span


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999))))
def test_citation_link_carries_everything(article_id: str, pairs: list[tuple[int, int]]) -> None:
    """Whatever an id holds, the link is plain ASCII and its parts can be read back."""
    article_id = article_id.encode("utf-8", "replace").decode()
    spans = [Span(*pair) for pair in pairs]
    parts = urlsplit("http://h" + citation_link(article_id, "p 1/&", spans, Span(2, 9)))
    assert parts.geturl().isascii()
    assert unquote(parts.path) == "/articles/" + article_id
    query = parse_qs(parts.query)
    assert query["passage"] == ["p 1/&"]
    assert query["sentence"] == ["2-9"]
    expected = ",".join(f"{start}-{end}" for start, end in pairs[:60])
    assert query.get("highlight", [""]) == [expected]
    assert unquote(parts.fragment) == "passage-p 1/&"
