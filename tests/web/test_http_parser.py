"""Requests as they come in: whole in whatever pieces, and refused in our form."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from qa_service.web.errors import HttpProblem
from qa_service.web.http_parser import MAX_HEADER_FIELDS, MAX_REQUEST_LINE_BYTES, RequestParser
from qa_service.web.requests import MAX_BODY_BYTES

BODY = '{"question": "متى افتتحت 运河?"}'.encode()
WHOLE = b"POST /ask?a=%D9%85 HTTP/1.1\r\nHost: x\r\nContent-Length: " + (
    str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)
CHUNKED = b"POST /ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

# An address, since the usual one would be looked up.
ADJUSTMENTS = Adjustments(listen="127.0.0.1:80")


def limit(method: str, path: str, headers: Mapping[str, str]) -> int:
    """Allow bodies of a hundred bytes, none to strangers."""
    if headers.get("X_STRANGER"):
        raise HttpProblem(403, "forbidden", "no")
    return 100


def parse(*pieces: bytes) -> RequestParser:
    """Return a parser that has taken these pieces, as far as the first request goes."""
    parser = RequestParser(ADJUSTMENTS, limit)
    for piece in pieces:
        while piece and not parser.completed:
            taken = parser.received(piece)
            assert 0 <= taken <= len(piece)
            if not taken:
                break
            piece = piece[taken:]
    return parser


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_request_in_pieces_is_the_same(size: int) -> None:
    """Wherever the network cuts it, also within a character."""
    parser = parse(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size)))
    assert parser.error is None
    assert parser.completed
    assert (parser.command, parser.path, parser.query) == ("POST", "/ask", "a=%D9%85")
    assert parser.get_body_stream().read() == BODY
    assert parser.bytes_received == len(WHOLE)
    assert not parser.is_large
    assert not parser.comes_in_chunks


def test_chunks_are_put_together() -> None:
    """And it is known that they came as such."""
    parser = parse(CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert parser.completed
    assert parser.error is None
    assert parser.comes_in_chunks
    assert parser.get_body_stream().read() == b"abcde"


def test_what_follows_is_left_for_the_next_request() -> None:
    """Pipelined requests are not swallowed."""
    assert RequestParser(ADJUSTMENTS, limit).received(WHOLE + WHOLE) <= len(WHOLE)


@pytest.mark.parametrize(
    ("request_bytes", "status", "told"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413, "too large"),
        (b"POST / HTTP/1.1\r\nX-Stranger: 1\r\n\r\n", 403, "no"),
        (b"GET / HTTP/2.0\r\n\r\n", 400, "HTTP/1.0 or HTTP/1.1"),
        (b"GET /" + b"a" * MAX_REQUEST_LINE_BYTES, 414, "by POST /ask instead"),
        (b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * (MAX_HEADER_FIELDS + 2) + b"\r\n", 431, "64"),
        (b"GET / HTTP/1.1\r\nA: 1\r\n b\r\n\r\n", 400, "goes on in the next line"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            400,
            "given twice",
        ),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "both Transfer-Encoding and Content-Length",
        ),
        (
            b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n",
            400,
            "no sensible number",
        ),
        (b"GET http://[::1 HTTP/1.1\r\n\r\n", 400, "cannot be read"),
        (CHUNKED + b"65\r\n" + b"a" * 101, 413, "too large"),
        (CHUNKED + b"zz\r\n", 400, "malformed"),
    ],
)
def test_refusals_say_what_was_met(request_bytes: bytes, status: int, told: str) -> None:
    """With a status and in words, and nothing more of the request is read."""
    parser = parse(request_bytes)
    assert isinstance(parser.error, HttpProblem)
    assert parser.error.status == status
    assert told in parser.error.message
    assert parser.completed


def test_an_upload_is_known_before_it_has_come() -> None:
    """By the length that it claims."""
    parser = RequestParser(ADJUSTMENTS, lambda *_: MAX_BODY_BYTES * 10)
    length = str(MAX_BODY_BYTES + 1).encode()
    parser.received(b"POST /articles HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n")
    assert parser.is_large
    assert not parser.completed


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r\n", b"GET ", WHOLE, CHUNKED])))
def test_nothing_that_comes_in_raises(pieces: list[bytes]) -> None:
    """What is wrong stands in the error, as a problem to answer."""
    parser = parse(*pieces)
    assert parser.error is None or isinstance(parser.error, HttpProblem)
