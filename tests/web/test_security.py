"""Each threat of docs/security.md, tried."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import socket
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast

import pytest
from api_client import MakeApp, error_of
from fake_service import ARTICLES, HOSTILE, FakeService
from flask.testing import FlaskClient

from qa_service.bodies import article_path
from qa_service.config import Settings
from qa_service.web.app import create_app
from qa_service.web.logs import JsonFormatter, RequestIdFilter, TextFormatter
from qa_service.web.security import RateLimiter, host_name

if TYPE_CHECKING:
    from qa_service.service import Service

KEY = "a-long-enough-key-ñ"
PAGE = {"Accept": "text/html"}
OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}
WRITES = (
    ("POST", "/articles", {"json": {"title": "t", "text": "x"}}),
    ("DELETE", "/articles/science/bees.md", {}),
    ("POST", "/index", {"json": {}}),
)
READS = (
    ("GET", "/", {}),
    ("GET", "/ask?q=bees", {}),
    ("POST", "/ask", {"json": {"question": "bees"}}),
    ("POST", "/turn", {"json": {"question": "bees"}}),
    ("GET", "/articles", {}),
    ("GET", "/articles/science/bees.md", {}),
    ("GET", "/index", {}),
    ("GET", "/index/events", {}),
    ("GET", "/metrics", {}),
)
OPEN = ("/health", "/ready", "/docs", "/openapi.json")


def basic(key: str, user: str = "anyone") -> dict[str, str]:
    """Return the header that a browser sends after its password prompt."""
    token = base64.b64encode(f"{user}:{key}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


# Who may do what


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_writing_needs_the_key(
    make_app: MakeApp, method: str, path: str, body: dict[str, object]
) -> None:
    """With a key set, nothing is written without it; reading goes on."""
    client = make_app(api_key=KEY).test_client()
    refused = client.open(path, method=method, **body)
    assert error_of(refused) == (401, "api_key_needed")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert client.get("/ask?q=bees").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY.encode().decode("latin-1")},
        {"Authorization": "Bearer " + KEY.encode().decode("latin-1")},
        basic(KEY),
        basic(KEY, user=""),
    ],
)
def test_key_is_taken_in_every_documented_way(make_app: MakeApp, headers: dict[str, str]) -> None:
    """The header of its own, a bearer token, and a browser's password all carry the key."""
    client = make_app(api_key=KEY).test_client()
    assert client.post("/index", json={}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "wrong"},
        {"X-API-Key": KEY.encode().decode("latin-1") + "x"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(KEY.encode()).decode()},
        {"Authorization": "Digest x"},
        basic("wrong"),
    ],
)
def test_wrong_key_is_refused(make_app: MakeApp, headers: dict[str, str]) -> None:
    """Anything but the key itself is no key."""
    client = make_app(api_key=KEY).test_client()
    assert client.post("/index", json={}, headers=headers).status_code == 401


def test_key_is_compared_in_constant_time(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison does not tell by its time how much of a guess is right."""
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr("qa_service.web.security.hmac.compare_digest", compare)
    client = make_app(api_key=KEY).test_client()
    client.post("/index", json={}, headers={"X-API-Key": "guess"})
    assert b"guess" in compared


@pytest.mark.parametrize(("method", "path", "body"), READS)
def test_reading_can_be_protected(
    make_app: MakeApp, method: str, path: str, body: dict[str, object]
) -> None:
    """When asked for, every way to read needs the key, too."""
    client = make_app(api_key=KEY, protect_reading=True).test_client()
    assert client.open(path, method=method, **body).status_code == 401
    assert client.open(path, method=method, headers=basic(KEY), **body).status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_what_tells_nothing_stays_open(make_app: MakeApp, path: str) -> None:
    """Health checks and the API's description need no key even then."""
    client = make_app(api_key=KEY, protect_reading=True).test_client()
    assert client.get(path).status_code == 200


def test_every_writing_endpoint_is_tried_here(client: FlaskClient) -> None:
    """A new endpoint that changes something must be added to the tests above."""
    found = {
        (method, rule.endpoint)
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("GET", "HEAD", "OPTIONS")
    }
    assert found == {
        ("POST", "api.ask"),
        ("POST", "api.feedback"),
        ("POST", "pages.turn"),
        ("POST", "api.add_article"),
        ("DELETE", "api.remove_article"),
        ("POST", "api.start_index"),
    }


# Other sites


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://[bad"},
    ],
)
def test_other_sites_cannot_write(
    client: FlaskClient,
    method: str,
    path: str,
    body: dict[str, object],
    headers: dict[str, str],
) -> None:
    """A page of another site cannot make a visitor's browser change anything."""
    response = client.open(path, method=method, headers=headers, **body)
    assert error_of(response) == (403, "cross_site")


def test_other_sites_cannot_use_a_remembered_password(make_app: MakeApp) -> None:
    """A browser sends a remembered password by itself: it does not excuse a foreign origin."""
    client = make_app(api_key=KEY).test_client()
    headers = {"Origin": "https://evil.example", **basic(KEY)}
    assert error_of(client.post("/index", json={}, headers=headers)) == (403, "cross_site")


def test_scripts_with_the_key_may_come_from_anywhere(make_app: MakeApp) -> None:
    """A header that only a script adds proves intent."""
    client = make_app(api_key="plain-ascii-key").test_client()
    headers = {"Origin": "https://intranet.example", "X-API-Key": "plain-ascii-key"}
    assert client.post("/index", json={}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_own_page_and_command_line_may_write(client: FlaskClient, headers: dict[str, str]) -> None:
    """The service's own page, and clients that are no browser, are not hindered."""
    assert client.post("/index", json={}, headers=headers).status_code == 202


def test_other_sites_cannot_ask(client: FlaskClient) -> None:
    """A question that only the service's own pages send is refused from any other, as all are."""
    for path in ("/ask", "/turn"):
        asked = {"json": {"question": "bees"}, "headers": {"Origin": "https://evil.example"}}
        assert error_of(client.post(path, **asked)) == (403, "cross_site")
        assert client.post(path, data={"question": "bees"}).status_code == 415


def test_plain_form_of_another_site_cannot_write(client: FlaskClient) -> None:
    """Even without any origin header a classic form post is not JSON and changes nothing."""
    response = client.post("/index", data={"rebuild": "true"})
    assert error_of(response) == (415, "unsupported_media_type")


def test_answers_are_not_shared_across_origins(client: FlaskClient) -> None:
    """No CORS header opens answers to other sites' scripts."""
    response = client.get("/ask?q=bees", headers={"Origin": "https://evil.example"})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.2", "[::2]"]
)
def test_foreign_host_name_is_refused_on_loopback(client: FlaskClient, host: str) -> None:
    """A name that was rebound to this machine does not reach the service."""
    assert error_of(client.get("/index", headers={"Host": host})) == (400, "unknown_host")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:5", "[::1]:8000", "LOCALHOST"]
)
def test_own_host_names_are_served(client: FlaskClient, host: str) -> None:
    """Loopback answers to its usual names, at any port."""
    assert client.get("/index", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "LOCALHOST", "localhost.", "0x7f000001", "2130706433", "0177.0.0.1"),
        *("127.0.0.2", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1", "this-machine", "a..b"),
    ],
)
def test_loopback_is_known_however_it_is_spelt(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """What is bound counts, not how the setting writes it; a host that is none opens nothing."""
    resolve = socket.getaddrinfo

    def resolve_own_name(name: str, *arguments: object, **options: object) -> object:
        return resolve(
            "127.0.0.1" if name == "this-machine" else name,
            *arguments,  # type: ignore[arg-type]
            **options,  # type: ignore[arg-type]
        )

    monkeypatch.setattr(socket, "getaddrinfo", resolve_own_name)
    client = make_app(host=host).test_client()
    refused = client.get("/index", headers={"Host": "evil.example"})
    assert error_of(refused) == (400, "unknown_host")
    assert client.get("/index", headers={"Host": "localhost:8000"}).status_code == 200


def test_bound_address_wins_over_what_the_setting_says_now(service: FakeService) -> None:
    """A name that leads elsewhere since the socket was bound changes nothing."""
    settings = Settings(host="0.0.0.0")
    client = create_app(cast("Service", service), settings, "127.0.0.5").test_client()
    refused = client.get("/index", headers={"Host": "evil.example"})
    assert error_of(refused) == (400, "unknown_host")
    assert client.get("/index", headers={"Host": "127.0.0.5:8000"}).status_code == 200


def test_allowed_hosts(make_app: MakeApp) -> None:
    """Names can be allowed; on an outside address any is, unless names are given."""
    named = make_app(allowed_hosts="qa.example.org, QA.local").test_client()
    for host, status in (("qa.example.org", 200), ("qa.local:80", 200), ("other.org", 400)):
        assert named.get("/index", headers={"Host": host}).status_code == status
    public = make_app(host="0.0.0.0").test_client()
    assert public.get("/index", headers={"Host": "anything.example"}).status_code == 200
    both = make_app(host="0.0.0.0", allowed_hosts="qa.example.org").test_client()
    assert both.get("/index", headers={"Host": "anything.example"}).status_code == 400


@pytest.mark.parametrize(
    ("host", "name"),
    [("[::1]:80", "::1"), ("A.b:1", "a.b"), ("a.b.", "a.b"), ("", ""), ("[", "")],
)
def test_host_name(host: str, name: str) -> None:
    """Ports, brackets, case and a final dot do not matter."""
    assert host_name(host) == name


# Proxies and rates


def test_rate_is_limited_by_address(make_app: MakeApp) -> None:
    """An address that asks too fast gets 429 with Retry-After; others don't notice."""
    client = make_app(host="0.0.0.0", rate_limit_per_minute=3).test_client()
    statuses = [client.get("/index", environ_base=OUTSIDE).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = client.get("/index", environ_base=OUTSIDE)
    assert error_of(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 21
    other = {"REMOTE_ADDR": "203.0.113.8"}
    assert client.get("/index", environ_base=other).status_code == 200
    assert client.get("/health", environ_base=OUTSIDE).status_code == 200


def test_this_machine_is_not_limited_but_a_proxy_on_it_is(make_app: MakeApp) -> None:
    """People on the machine itself are not counted; what a local proxy passes on is."""
    client = make_app(rate_limit_per_minute=2).test_client()
    assert {client.get("/index").status_code for _ in range(9)} == {200}
    passed_on = {"X-Forwarded-For": "198.51.100.1"}
    statuses = [client.get("/index", headers=passed_on).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_forwarded_headers_count_only_behind_a_proxy(make_app: MakeApp) -> None:
    """A client cannot give itself another address; a trusted proxy can."""

    def ask(client: FlaskClient, claimed: str) -> int:
        headers = {"X-Forwarded-For": claimed, "Host": "localhost"}
        return client.get("/index", headers=headers, environ_base=OUTSIDE).status_code

    direct = make_app(rate_limit_per_minute=1).test_client()
    assert [ask(direct, f"198.51.100.{n}") for n in range(3)] == [200, 429, 429]
    proxied = make_app(rate_limit_per_minute=1, trusted_proxies=1).test_client()
    assert [ask(proxied, f"198.51.100.{n}") for n in range(3)] == [200, 200, 200]
    assert ask(proxied, "spoofed, 198.51.100.1") == 429


def test_every_name_that_a_request_is_for_is_checked(make_app: MakeApp) -> None:
    """X-Forwarded-Host does not get around the check of the host, with a proxy or without.

    A page that has made its own name lead to this machine may send any header but Host.
    """
    around = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert make_app().test_client().get("/index", headers=around).status_code == 400
    trusting = make_app(trusted_proxies=1).test_client()
    assert trusting.get("/index", headers=around).status_code == 400
    assert trusting.get("/index", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    named = make_app(trusted_proxies=1, allowed_hosts="qa.example.org").test_client()
    passed_on = {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "qa.example.org"}
    assert named.get("/index", headers=passed_on).status_code == 200


def test_bucket_refills_steadily() -> None:
    """Requests come back at the rate set, up to a minute's worth, and never more."""
    now = [0.0]
    limiter = RateLimiter(60, clock=lambda: now[0])
    assert [limiter.take("a") for _ in range(60)] == [0.0] * 60
    assert limiter.take("a") == pytest.approx(1.0)
    now[0] = 1.0
    assert limiter.take("a") == 0.0
    assert limiter.take("a") > 0
    now[0] = 10_000.0
    assert [limiter.take("a") for _ in range(60)] == [0.0] * 60
    assert limiter.take("a") > 0


def test_bucket_of_one_client_is_one() -> None:
    """An IPv6 client owns its whole network and cannot have a bucket for each address."""
    limiter = RateLimiter(1, clock=lambda: 0.0)
    assert limiter.take("2001:db8::1") == 0.0
    assert limiter.take("2001:db8::2") > 0
    assert limiter.take("2001:db8:0:1::1") == 0.0


def test_limiter_forgets_the_longest_unseen() -> None:
    """Many addresses do not fill the memory."""
    limiter = RateLimiter(1, clock=lambda: 0.0)
    for number in range(RateLimiter.MAX_ADDRESSES + 5):
        limiter.take(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(limiter._buckets) == RateLimiter.MAX_ADDRESSES
    assert limiter.take("10.0.0.0") == 0.0


# What browsers may do


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/science/bees.md", "/docs", "/no"])
def test_pages_carry_strict_headers(client: FlaskClient, path: str) -> None:
    """Every page forbids inline scripts and styles, frames, sniffing and talk to other hosts."""
    headers = client.get(path, headers=PAGE).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"


class _Page(HTMLParser):
    """Collects a page's elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


def hostile_pages(make_app: MakeApp) -> list[str]:
    """Return every page on which the hostile article shows."""
    client = make_app(FakeService((*ARTICLES, HOSTILE))).test_client()
    hit = client.post("/ask", json={"question": "hostile zebra"}).get_json()["passages"][0]
    assert hit["citation"]["article_id"] == HOSTILE.id
    marked = hit["citation"]["link"].partition("#")[0]
    markup = "</script><script>alert(9)</script>"
    addresses = [
        "/?q=hostile+zebra",
        "/articles",
        f"/articles?q={markup}",
        marked,
        article_path(HOSTILE.id),
        f"/?q={markup}",
        f"/articles/{markup}",
    ]
    pages = [client.get(address, headers=PAGE) for address in addresses]
    pages.append(client.post("/turn", json={"question": "hostile zebra"}))
    assert [page.status_code for page in pages] == [200] * 6 + [404, 200]
    return [page.get_data(as_text=True) for page in pages]


def test_markup_in_articles_stays_text(make_app: MakeApp) -> None:
    """Scripts, handlers and links in any field of an article never become part of a page."""
    for text in hostile_pages(make_app):
        page = _Page(text)
        for tag, attributes in page.elements:
            assert tag not in ("iframe", "object", "embed", "b", "i")
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            for name in ("href", "src", "action"):
                assert not attributes.get(name, "").lower().lstrip().startswith("javascript:")
            if tag == "script":
                assert attributes.get("src") or attributes["type"] == "application/json"
            assert attributes.get("src", "/").startswith("/")
        assert "<script>alert" not in text


def test_hostile_text_is_shown_as_it_is(make_app: MakeApp) -> None:
    """Escaping loses nothing: the reader sees the article's own characters."""
    client = make_app(FakeService((HOSTILE,))).test_client()
    page = client.get(article_path(HOSTILE.id), headers=PAGE).get_data(as_text=True)
    assert "{{ 7*7 }} &amp;lt;b&amp;gt;" in page
    assert "&lt;svg onload=alert(2)&gt;" in page


def test_address_of_an_article_is_a_link_only_when_it_is_one(make_app: MakeApp) -> None:
    """Only http and https addresses become links."""
    client = make_app(FakeService((HOSTILE, ARTICLES[0]))).test_client()
    page = client.get(article_path(HOSTILE.id), headers=PAGE).get_data(as_text=True)
    assert "Original publication" not in page
    page = client.get(article_path(ARTICLES[0].id), headers=PAGE).get_data(as_text=True)
    assert 'href="https://example.org/ar/قره-باغ" rel="noopener noreferrer nofollow"' in page


def test_pages_ask_no_other_host(make_app: MakeApp) -> None:
    """Style, scripts and pictures come from the service alone."""
    for text in [
        *hostile_pages(make_app),
        make_app().test_client().get("/docs").get_data(as_text=True),
    ]:
        for tag, attributes in _Page(text).elements:
            if tag in ("script", "img", "link", "source", "form"):
                for name in ("src", "href", "action"):
                    assert attributes.get(name, "/").startswith("/"), (tag, attributes)


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
def test_language_choice_does_not_lead_elsewhere(client: FlaskClient, target: str) -> None:
    """The page to return to is one of ours."""
    response = client.get("/language/ar", query_string={"next": target})
    assert response.status_code == 303
    assert response.headers["Location"] == "/"
    assert client.get("/language/xx").status_code == 404


def test_cookie_is_modest(client: FlaskClient) -> None:
    """The one cookie holds the language, out of reach of scripts and other sites."""
    response = client.get("/language/ar?next=/articles?q=a")
    assert response.headers["Location"] == "/articles?q=a"
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("qa_language=ar;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert 'lang="ar" dir="rtl"' in client.get("/").get_data(as_text=True)


# Files


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", ""])
def test_static_files_stay_in_their_folder(client: FlaskClient, path: str) -> None:
    """No path leads out of the static folder."""
    assert client.get(f"/static/x/{path}").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../etc/cron.txt", "..\\..\\boot.txt", "/etc/passwd.txt", "C:\\x\\y.txt"]
)
def test_upload_cannot_leave_its_folder(
    client: FlaskClient, service: FakeService, name: str
) -> None:
    """Whatever folders a file's name names, only its last part is used."""
    client.post("/articles", data={"file": (io.BytesIO(b"x"), name)})
    (stored,) = service.added
    assert not re.search(r"[/\\]|\.\.", stored)


# The log


def test_log_holds_no_question(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the question nor the query string is logged, unless asked for."""
    logger = logging.getLogger("qa_service")
    logger.propagate = True
    caplog.set_level(logging.INFO, "qa_service")
    make_app().test_client().get("/ask?q=secretword", buffered=True)
    make_app().test_client().post("/ask", json={"question": "secretword"}, buffered=True)
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert len(lines) == 4
    assert not [line for line in lines if "secretword" in line]
    caplog.clear()
    make_app(log_questions=True).test_client().get("/ask?q=secretword", buffered=True)
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    assert [line.get("question") for line in lines] == ["secretword", None]


def test_log_line_cannot_be_forged(caplog: pytest.LogCaptureFixture, client: FlaskClient) -> None:
    """Line breaks in a path stay inside the line."""
    logging.getLogger("qa_service").propagate = True
    caplog.set_level(logging.INFO, "qa_service")
    address = "/x%0a12:00:00 ERROR forged"
    client.get(address, headers={"X-Request-ID": "bad id;"}, buffered=True)
    (record,) = [r for r in caplog.records if r.name.endswith("requests")]
    assert "\n" not in TextFormatter().format(record)
    assert "\n" not in JsonFormatter().format(record)


def test_request_id_is_kept_when_harmless(client: FlaskClient) -> None:
    """A proxy's id runs through; anything else is replaced."""
    assert (
        client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    )
    assert client.get("/health", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"] != "a b"
    assert client.get("/no").headers["X-Request-ID"]


def test_log_lines_of_a_request_share_its_id(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """The id in the header leads to every line that the request wrote."""
    logger = logging.getLogger("qa_service")
    logger.propagate = True
    caplog.handler.addFilter(RequestIdFilter())
    caplog.set_level(logging.INFO, "qa_service")
    response = make_app().test_client().get("/ask?q=bees", buffered=True)
    ids = {json.loads(JsonFormatter().format(record))["request_id"] for record in caplog.records}
    assert ids == {response.headers["X-Request-ID"]}
