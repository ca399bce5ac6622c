"""HTTP requests as they come in: waitress's parser, each part bounded, refusals in our form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver

from qa_service.web.errors import CODE_OF_STATUS, HttpProblem
from qa_service.web.requests import MAX_BODY_BYTES

if TYPE_CHECKING:
    from waitress.adjustments import Adjustments

# A thousand Arabic characters take 6000 bytes in an address.
MAX_REQUEST_LINE_BYTES: Final = 8190
MAX_HEADER_FIELDS: Final = 64
MAX_HEADER_BYTES: Final = 64 * 1024
_MAX_CHUNK_LINE_BYTES: Final = 1024
_MAX_TRAILER_BYTES: Final = 8192
_MAX_LENGTH_DIGITS: Final = 18
# Each chunk takes Python's time, however little is in it: of what comes in chunks so much may be
# framing beyond a quarter of the content.
_FREE_FRAMING_BYTES: Final = 8192

BodyLimit = Callable[[str, str, Mapping[str, str]], int]
"""Returns how many bytes the body of a request may have, by its method, path and headers.

The headers' names are in capitals, with underscores. Raises HttpProblem for who may not send any.
"""


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Collects one request; what is wrong with it stands in `error`, as the problem to answer.

    The parser runs in the thread that serves all connections: each part that a client can draw
    out has a bound, and nothing raises.
    """

    # What a request has that could not be read so far.
    command = "GET"
    path = "/"
    query = ""
    request_uri = "/"
    url_scheme = "http"
    error: Any = None

    def __init__(self, adj: Adjustments, body_limit: BodyLimit) -> None:
        super().__init__(adj)
        self._body_limit = body_limit
        self._most_bytes = 0

    @property
    def is_large(self) -> bool:
        """True when the body is larger than any but an upload's may be."""
        return bool(max(self.content_length, self.body_bytes_received) > MAX_BODY_BYTES)

    @property
    def comes_in_chunks(self) -> bool:
        """True when the body comes in chunks, each of which takes a while to unpack."""
        return isinstance(self.body_rcv, ChunkedReceiver)

    @property
    def bytes_received(self) -> int:
        """How many bytes of the request have come in."""
        return int(self.header_bytes_received + self.body_bytes_received)

    def received(self, data: bytes) -> int:
        """Take what has come in; returns how much of it belongs to this request."""
        try:
            if not self.headers_finished:
                _check_line(self.header_plus, data)
            consumed = int(super().received(data))
            self._check_bounds()
        except HttpProblem as problem:
            self.refuse(problem)
            return len(data)
        except ValueError:
            # Addresses that Python's urlsplit cannot take apart.
            self.refuse(_malformed("its address cannot be read"))
            return len(data)
        if self.error is not None and not isinstance(self.error, HttpProblem):
            self.error = _problem_of(self.error)
        return consumed

    def refuse(self, problem: HttpProblem) -> None:
        """End the request here, to be answered with a problem."""
        self.error = problem
        self.completed = self.headers_finished = True

    def parse_header(self, header_plus: bytes) -> None:
        """Read request line and fields, strictly where two readers could differ."""
        _, _, fields = header_plus.partition(b"\r\n")
        if fields.count(b"\r\n") > MAX_HEADER_FIELDS + 1:
            for line in fields.split(b"\r\n"):
                if line[:7].lower() == b"accept:":
                    # Errors, too, come in the form that was asked for.
                    self.headers["ACCEPT"] = line[7:].strip().decode("latin-1")
            raise HttpProblem(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                CODE_OF_STATUS[431],
                f"The request has more than {MAX_HEADER_FIELDS} header fields.",
            )
        _refuse_ambiguous_length(fields)
        super().parse_header(header_plus)
        self._most_bytes = self._body_limit(self.command, self.path, self.headers)
        if self.version not in ("1.0", "1.1"):
            raise _malformed("it must be HTTP/1.0 or HTTP/1.1")
        if self.content_length > self._most_bytes:
            raise _too_large_body()

    def _check_bounds(self) -> None:
        if self.completed or not self.headers_finished:
            return
        if self.body_bytes_received > self._most_bytes:
            raise _too_large_body()
        if isinstance(body := self.body_rcv, ChunkedReceiver):
            if len(body.control_line) > _MAX_CHUNK_LINE_BYTES:
                raise _malformed("a chunk's first line is too long")
            if len(body.trailer) > _MAX_TRAILER_BYTES:
                raise _malformed("the trailer is too long")
            content = len(body)
            if self.body_bytes_received - content > _FREE_FRAMING_BYTES + content // 4:
                raise _malformed("its chunks are too small")


def _check_line(before: bytes, data: bytes) -> None:
    """Refuse a request line that is too long already, whether or not it has come to its end."""
    if len(before) + len(data) <= MAX_REQUEST_LINE_BYTES:
        return
    beginning = before[: MAX_REQUEST_LINE_BYTES + 2]
    beginning += data[: MAX_REQUEST_LINE_BYTES + 2 - len(beginning)]
    if b"\r\n" not in beginning.lstrip():
        raise _too_long_line()


def _refuse_ambiguous_length(fields: bytes) -> None:
    """Refuse what a proxy could read as another number of requests (request smuggling)."""
    names = [line.partition(b":")[0].strip().lower() for line in fields.split(b"\r\n")]
    if b"transfer-encoding" in names and b"content-length" in names:
        raise _malformed("it has both Transfer-Encoding and Content-Length")
    if names.count(b"transfer-encoding") > 1 or names.count(b"content-length") > 1:
        raise _malformed("its length is given twice")
    for line in fields.split(b"\r\n"):
        if line.startswith((b" ", b"\t")):
            raise _malformed("a header field goes on in the next line")
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > _MAX_LENGTH_DIGITS:
            raise _malformed("its Content-Length is no sensible number")


def _malformed(reason: str) -> HttpProblem:
    return HttpProblem(
        HTTPStatus.BAD_REQUEST, CODE_OF_STATUS[400], f"The request is malformed: {reason}."
    )


def _too_long_line() -> HttpProblem:
    return HttpProblem(
        HTTPStatus.REQUEST_URI_TOO_LONG,
        CODE_OF_STATUS[414],
        f"The address is longer than {MAX_REQUEST_LINE_BYTES} bytes. Send the question by "
        "POST /ask instead.",
    )


def _too_large_body() -> HttpProblem:
    return HttpProblem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, CODE_OF_STATUS[413], "The request is too large."
    )


def _problem_of(error: Any) -> HttpProblem:
    """Return the problem for an error of waitress's, which has a status and says what it met."""
    # What follows a quotation mark is the client's own text.
    reason = str(error.body).partition(' "')[0].rstrip(".")
    if error.code == HTTPStatus.BAD_REQUEST:
        return _malformed(reason[:1].lower() + reason[1:])
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _too_large_body()
    if error.code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        message = f"The header fields have more than {MAX_HEADER_BYTES // 1024} KB."
    else:
        message = f"The server does not do this: {reason}."
    return HttpProblem(error.code, CODE_OF_STATUS.get(error.code, "error"), message)
