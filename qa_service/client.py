"""A client for qa-service in one file: copy it, or `from qa_service.client import Client`.

Needs Python 3.11 and nothing else.

    client = Client("http://127.0.0.1:8000")
    answer = client.ask("Who signed the agreement?")
    if answer.is_answered:
        print(answer.text, "–", answer.passages[0].citation.title)
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

T = TypeVar("T")


class ClientError(Exception):
    """The service refused a request, or cannot be reached (then `status` is 0)."""

    def __init__(
        self, status: int, code: str, message: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{message} [{code}]" if code else message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a passage stands, in code points of the article's text; `link` opens it there."""

    id: str
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    start: int
    end: int
    link: str


@dataclass(frozen=True, slots=True)
class ArticleName:
    """Another article, by name; `link` opens it in a browser."""

    id: str
    title: str
    language: str
    link: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage, quoted exactly; `highlights` are pairs of offsets into `text`.

    `also_in` are ids of articles that tell nearly the same, `also_in_articles` their names.
    """

    rank: int
    score: float
    text: str
    language: str
    direction: str
    highlights: tuple[tuple[int, int], ...]
    citation: Citation
    also_in: tuple[str, ...]
    also_in_articles: tuple[ArticleName, ...]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The sentence or two that answer, and their place in the passage of rank `citation`."""

    text: str
    language: str
    direction: str
    citation: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class IndexState:
    """The generation of the index that answered."""

    generation: str
    articles: int
    passages: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets; without an `answer`, `message` says so in the question's language."""

    question: str
    searched_for: str
    language: str
    is_answered: bool
    confidence: float
    message: str | None
    answer: AnswerText | None
    passages: tuple[Passage, ...]
    index: IndexState
    timings_ms: Mapping[str, float]

    @property
    def text(self) -> str | None:
        """The answering sentence; None when nothing answers."""
        return None if self.answer is None else self.answer.text

    @property
    def cited_rank(self) -> int | None:
        """The rank of the passage that the answering sentence is in; None when nothing answers."""
        return None if self.answer is None else self.answer.citation

    @property
    def citation(self) -> Citation | None:
        """Where the answer stands; None when nothing answers."""
        return None if self.answer is None else self.passages[self.answer.citation - 1].citation

    @property
    def generation(self) -> str:
        """The generation of the index that answered."""
        return self.index.generation


@dataclass(frozen=True, slots=True)
class Article:
    """An article as stored; `passage` has `id`, `start`, `end` of the one asked for, if any."""

    id: str
    title: str
    text: str
    language: str
    direction: str
    source: str | None
    url: str | None
    author: str | None
    published: str | None
    passage: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article in a list; `link` opens it in a browser."""

    id: str
    title: str
    language: str
    direction: str
    source: str | None
    url: str | None
    published: str | None
    passages: int
    is_removable: bool
    link: str


@dataclass(frozen=True, slots=True)
class Job:
    """An index run. `state` is "running", "done" or "failed"; mappings are as the API has them."""

    id: str
    version: int
    state: str
    started_at: str
    progress: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    error: str | None


class Client:
    """Asks a running service. Safe to use from several threads."""

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retries: int = 3,
    ) -> None:
        """Take the service's address; `retries` is how often to wait when it is overloaded."""
        self._address = address.rstrip("/")
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._retries = retries

    def ask(
        self,
        question: str,
        *,
        top_k: int = 5,
        language: str | None = None,
        source: str | None = None,
        published_from: str | None = None,
        published_to: str | None = None,
        history: Sequence[str] = (),
    ) -> Answer:
        """Answer a question; dates are such as "2020-11-16", `history` holds earlier questions."""
        filters = {
            "language": language,
            "source": source,
            "published_from": published_from,
            "published_to": published_to,
        }
        body = {
            "question": question,
            "top_k": top_k,
            "filters": {name: value for name, value in filters.items() if value is not None},
            "history": list(history),
        }
        return self._answer(self._send_json("POST", "/ask", body))

    def article(self, article_id: str, passage: str | None = None) -> Article:
        """Return a stored article, with the place of the passage of this citation id."""
        query = f"?{urlencode({'passage': passage})}" if passage else ""
        return self._made(Article, self._send("GET", _article_path(article_id) + query))

    def articles(self, query: str | None = None) -> Iterator[ArticleSummary]:
        """Go through all articles by title; `query` keeps those that hold it."""
        offset = 0
        while True:
            wanted = {"offset": offset, "limit": 200, **({"q": query} if query else {})}
            page = self._send("GET", f"/articles?{urlencode(wanted)}")
            for found in page["articles"]:
                yield self._made(ArticleSummary, found)
            offset += len(page["articles"])
            if not page["articles"] or offset >= page["total"]:
                return

    def add_article(self, title: str, text: str, **fields: str) -> str:
        """Add an article; fields: source, url, author, published, language. Returns its file."""
        return str(
            self._send_json("POST", "/articles", {"title": title, "text": text, **fields})["name"]
        )

    def upload(self, path: str | Path) -> str:
        """Add a file; returns its name among the articles."""
        path = Path(path)
        boundary = uuid.uuid4().hex
        name = path.name.replace("\\", "\\\\").replace('"', '\\"')
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return str(self._send("POST", "/articles", body, kind)["name"])

    def remove_article(self, article_id: str) -> Job:
        """Remove an article; its file is moved aside."""
        return self._made(Job, self._send("DELETE", _article_path(article_id))["job"])

    def start_index(self, *, rebuild: bool = False) -> Job:
        """Start to bring the index in step with the articles."""
        return self._made(Job, self._send_json("POST", "/index", {"rebuild": rebuild})["job"])

    def job(self) -> Job | None:
        """Return the running or last index run; None when there was none."""
        found = self._send("GET", "/index")["job"]
        return self._made(Job, found) if found else None

    def wait_for_index(self, timeout_s: float = 600.0) -> Job | None:
        """Return the last index run once none is running. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            job = self.job()
            if job is None or job.state != "running":
                return job
            if time.monotonic() >= deadline:
                raise TimeoutError(f"the index run {job.id} has not ended after {timeout_s} s")
            time.sleep(min(0.25, timeout_s))

    def is_ready(self) -> bool:
        """Tell whether index and model are loaded."""
        try:
            self._send("GET", "/ready", retries=0)
        except ClientError as error:
            if error.status == 503:
                return False
            raise
        return True

    def give_feedback(self, answer: Answer, rank: int, *, is_helpful: bool) -> None:
        """Tell whether the passage of that rank answers the question."""
        citation = answer.passages[rank - 1].citation
        quote_it = is_helpful and rank == answer.cited_rank
        body = {
            "question": answer.searched_for,
            "article_id": citation.article_id,
            "citation_id": citation.id,
            "helpful": is_helpful,
            **({"answer": answer.text} if quote_it else {}),
        }
        self._send_json("POST", "/feedback", body)

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        found = body["answer"]
        return self._made(
            Answer,
            body,
            is_answered=body["answered"],
            answer=self._made(AnswerText, found) if found else None,
            passages=tuple(self._passage(passage) for passage in body["passages"]),
            index=self._made(IndexState, body["index"]),
        )

    def _passage(self, body: Mapping[str, Any]) -> Passage:
        return self._made(
            Passage,
            body,
            highlights=tuple((mark["start"], mark["end"]) for mark in body["highlights"]),
            citation=self._made(Citation, body["citation"]),
            also_in=tuple(body["also_in"]),
            also_in_articles=tuple(
                self._made(ArticleName, article) for article in body["also_in_articles"]
            ),
        )

    def _made(self, kind: type[T], body: Mapping[str, Any], **told: object) -> T:
        """Make a value of a body's fields, links whole; `told` are those in another form."""
        if "link" in body:
            told["link"] = self._address + body["link"]
        left = [name for name in kind.__slots__ if name not in told]  # type: ignore[attr-defined]
        return kind(**{name: body[name] for name in left}, **told)

    def _send_json(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        return self._send(method, path, json.dumps(body).encode(), "application/json")

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        kind: str | None = None,
        *,
        retries: int | None = None,
    ) -> Any:
        headers = {"Accept": "application/json"}
        if kind is not None:
            headers["Content-Type"] = kind
        if self._api_key is not None:
            # Headers are Latin-1 on the wire; this sends the key's own bytes in any script.
            headers["X-API-Key"] = self._api_key.encode().decode("latin-1")
        request = urllib.request.Request(  # noqa: S310 - the address is the caller's
            self._address + path, data=body, headers=headers, method=method
        )
        left = self._retries if retries is None else retries
        while True:
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310
                    return json.load(response)
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if left == 0 or problem.code not in ("overloaded", "rate_limited"):
                    raise problem from error
                left -= 1
                time.sleep(_seconds(error.headers.get("Retry-After")))
            except (urllib.error.URLError, OSError) as error:
                reason = getattr(error, "reason", error)
                raise ClientError(
                    0,
                    "unreachable",
                    f"{self._address} does not answer ({reason}). Is qa-service running there?",
                ) from error


def _article_path(article_id: str) -> str:
    return "/articles/" + quote(article_id, safe="")


def _problem(error: urllib.error.HTTPError) -> ClientError:
    try:
        body = json.load(error)["error"]
        return ClientError(error.code, body["code"], body["message"], body["detail"])
    except (ValueError, KeyError, TypeError):
        # Not the service's own answer, but a proxy's.
        return ClientError(error.code, "", f"HTTP {error.code} {error.reason}")


def _seconds(retry_after: str | None) -> float:
    """Return how long to wait: what the service says, within reason."""
    is_number = retry_after is not None and retry_after.isascii() and retry_after.isdigit()
    return min(float(retry_after), 60.0) if is_number and retry_after else 1.0
