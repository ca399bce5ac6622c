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
from typing import Any
from urllib.parse import quote, urlencode


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
    """Where a passage stands: `start` and `end` count code points of the article's text.

    `link` opens the article in a browser, scrolled to the passage.
    """

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
class Passage:
    """A passage, quoted exactly. `highlights` are pairs of offsets into `text`."""

    rank: int
    score: float
    text: str
    language: str
    direction: str
    highlights: tuple[tuple[int, int], ...]
    citation: Citation
    also_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets. `text` is the answering sentence, None when nothing answers.

    `cited_rank` is the rank of the passage the sentence is in. `message` says in the language of
    the question that nothing answers.
    """

    question: str
    searched_for: str
    language: str
    is_answered: bool
    confidence: float
    text: str | None
    cited_rank: int | None
    message: str | None
    passages: tuple[Passage, ...]
    generation: str
    timings_ms: Mapping[str, float]

    @property
    def citation(self) -> Citation | None:
        """Where the answer stands; None when nothing answers."""
        if self.cited_rank is None:
            return None
        return self.passages[self.cited_rank - 1].citation


@dataclass(frozen=True, slots=True)
class Article:
    """An article as stored."""

    id: str
    title: str
    text: str
    language: str
    source: str | None
    url: str | None
    author: str | None
    published: str | None


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article in a list."""

    id: str
    title: str
    language: str
    source: str | None
    url: str | None
    published: str | None
    passages: int
    is_removable: bool


@dataclass(frozen=True, slots=True)
class Job:
    """An index run. `state` is "running", "done" or "failed"; `report` is what the API reports."""

    id: str
    state: str
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

    def article(self, article_id: str) -> Article:
        """Return a stored article."""
        found = self._send("GET", _article_path(article_id))
        return Article(**{name: found[name] for name in Article.__slots__})

    def articles(self, query: str | None = None) -> Iterator[ArticleSummary]:
        """Go through all articles by title; `query` keeps those that hold it."""
        offset = 0
        while True:
            wanted = {"offset": offset, "limit": 200, **({"q": query} if query else {})}
            page = self._send("GET", f"/articles?{urlencode(wanted)}")
            for found in page["articles"]:
                yield ArticleSummary(**{name: found[name] for name in ArticleSummary.__slots__})
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
        return _job(self._send("DELETE", _article_path(article_id))["job"])

    def start_index(self, *, rebuild: bool = False) -> Job:
        """Start to bring the index in step with the articles."""
        return _job(self._send_json("POST", "/index", {"rebuild": rebuild})["job"])

    def job(self) -> Job | None:
        """Return the running or last index run; None when there was none."""
        found = self._send("GET", "/index")["job"]
        return _job(found) if found else None

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
        return Answer(
            question=body["question"],
            searched_for=body["searched_for"],
            language=body["language"],
            is_answered=body["answered"],
            confidence=body["confidence"],
            text=found["text"] if found else None,
            cited_rank=found["citation"] if found else None,
            message=body["message"],
            passages=tuple(self._passage(passage) for passage in body["passages"]),
            generation=body["index"]["generation"],
            timings_ms=body["timings_ms"],
        )

    def _passage(self, body: Mapping[str, Any]) -> Passage:
        citation = {name: body["citation"][name] for name in Citation.__slots__}
        citation["link"] = self._address + citation["link"]
        return Passage(
            rank=body["rank"],
            score=body["score"],
            text=body["text"],
            language=body["language"],
            direction=body["direction"],
            highlights=tuple((mark["start"], mark["end"]) for mark in body["highlights"]),
            citation=Citation(**citation),
            also_in=tuple(body["also_in"]),
        )

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


def _job(body: Mapping[str, Any]) -> Job:
    return Job(id=body["id"], state=body["state"], report=body["report"], error=body["error"])


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
