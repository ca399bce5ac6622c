"""What is believed of what proxies say: one rule, tried header by header."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from api_client import MakeApp
from flask import request, url_for

from qa_service.web.client_address import network_of, without_port

PEER = "127.0.0.1"

# Name: trusted proxies, headers, then who the client is.
CLIENTS: Mapping[str, tuple[int, Mapping[str, str], str]] = {
    "no proxy, nothing said": (0, {}, PEER),
    "no proxy, for": (0, {"X-Forwarded-For": "192.0.2.1"}, PEER),
    "no proxy, forwarded": (0, {"Forwarded": "for=192.0.2.1"}, PEER),
    "no proxy, real ip": (0, {"X-Real-IP": "192.0.2.1"}, PEER),
    "nothing said": (1, {}, PEER),
    "for": (1, {"X-Forwarded-For": "192.0.2.1"}, "192.0.2.1"),
    "for, with a port": (1, {"X-Forwarded-For": "192.0.2.1:4711"}, "192.0.2.1"),
    "for, IPv6": (1, {"X-Forwarded-For": "2001:db8::1"}, "2001:db8::1"),
    "for, IPv6 in brackets": (1, {"X-Forwarded-For": "[2001:db8::1]"}, "2001:db8::1"),
    "for, IPv6 with a port": (1, {"X-Forwarded-For": "[2001:db8::1]:4711"}, "2001:db8::1"),
    "for, claimed by the client": (1, {"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}, "192.0.2.1"),
    "for, empty last": (1, {"X-Forwarded-For": "198.51.100.9,"}, PEER),
    "for, two proxies": (2, {"X-Forwarded-For": "192.0.2.1:1, 10.0.0.2"}, "192.0.2.1"),
    "for, two proxies, an empty value": (2, {"X-Forwarded-For": "8.8.8.8, , 10.0.0.2"}, PEER),
    "for, too few values": (2, {"X-Forwarded-For": "192.0.2.1"}, PEER),
    "for, unknown": (1, {"X-Forwarded-For": "198.51.100.9, unknown"}, PEER),
    "for, octal": (1, {"X-Forwarded-For": "010.1.1.1"}, PEER),
    "for, a zone": (1, {"X-Forwarded-For": "192.0.2.1%eth0"}, PEER),
    "forwarded": (1, {"Forwarded": "for=192.0.2.1;proto=https"}, "192.0.2.1"),
    "forwarded, quoted IPv6": (1, {"Forwarded": 'For="[2001:db8::1]:4711"'}, "2001:db8::1"),
    "forwarded, two": (1, {"Forwarded": "for=198.51.100.9, for=192.0.2.1"}, "192.0.2.1"),
    "forwarded, last says nothing": (1, {"Forwarded": "for=198.51.100.9, proto=https"}, PEER),
    "forwarded, hidden": (1, {"Forwarded": "for=_hidden"}, PEER),
    "forwarded, broken": (1, {"Forwarded": ';;="for,,='}, PEER),
    "for counts before forwarded": (
        1,
        {"Forwarded": "for=198.51.100.9", "X-Forwarded-For": "192.0.2.1"},
        "192.0.2.1",
    ),
    "real ip": (1, {"X-Real-IP": "192.0.2.1"}, "192.0.2.1"),
    "for counts before real ip": (
        1,
        {"X-Real-IP": "198.51.100.9", "X-Forwarded-For": "192.0.2.1"},
        "192.0.2.1",
    ),
    "real ip tells nothing of two proxies": (2, {"X-Real-IP": "192.0.2.1"}, PEER),
}


@pytest.mark.parametrize("case", CLIENTS)
def test_client(case: str, make_app: MakeApp) -> None:
    """The client's address is what as many proxies as are trusted say, without its port."""
    proxies, headers, wanted = CLIENTS[case]
    app = make_app(trusted_proxies=proxies)
    app.add_url_rule("/who", view_func=lambda: request.remote_addr)
    assert app.test_client().get("/who", headers=headers).text == wanted


# Name: trusted proxies, headers, then where a link of the page leads.
ADDRESSES: Mapping[str, tuple[int, Mapping[str, str], str]] = {
    "nothing said": (1, {}, "http://localhost/docs"),
    "no proxy": (
        0,
        {"X-Forwarded-Prefix": "/qa", "X-Forwarded-Proto": "https"},
        "http://localhost/docs",
    ),
    "scheme": (1, {"X-Forwarded-Proto": "https"}, "https://localhost/docs"),
    "scheme of two": (1, {"X-Forwarded-Proto": "http, HTTPS"}, "https://localhost/docs"),
    "scheme, forwarded": (1, {"Forwarded": "proto=https"}, "https://localhost/docs"),
    "foreign scheme": (1, {"X-Forwarded-Proto": "javascript"}, "http://localhost/docs"),
    "foreign scheme last": (1, {"X-Forwarded-Proto": "https, ftp"}, "http://localhost/docs"),
    "host": (1, {"X-Forwarded-Host": "qa.example.org"}, "http://qa.example.org/docs"),
    "host, forwarded": (1, {"Forwarded": "host=qa.example.org"}, "http://qa.example.org/docs"),
    "broken host": (1, {"X-Forwarded-Host": "a/b@c"}, "http://localhost/docs"),
    "prefix": (1, {"X-Forwarded-Prefix": "/qa"}, "http://localhost/qa/docs"),
    "prefix, deep": (
        1,
        {"X-Forwarded-Prefix": "/tools/q-a_1.0/"},
        "http://localhost/tools/q-a_1.0/docs",
    ),
    "prefix of a host": (1, {"X-Forwarded-Prefix": "//evil.example"}, "http://localhost/docs"),
    "prefix, backslash": (1, {"X-Forwarded-Prefix": "/\\evil.example"}, "http://localhost/docs"),
    "prefix, address": (1, {"X-Forwarded-Prefix": "https://evil.example"}, "http://localhost/docs"),
    "prefix, upwards": (1, {"X-Forwarded-Prefix": "/a/../.."}, "http://localhost/docs"),
    "prefix, markup": (1, {"X-Forwarded-Prefix": '/"><script>'}, "http://localhost/docs"),
    "prefix of two, last bad": (
        1,
        {"X-Forwarded-Prefix": "/good, //evil.example"},
        "http://localhost/docs",
    ),
    "prefix, root": (1, {"X-Forwarded-Prefix": "/"}, "http://localhost/docs"),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_addresses(case: str, make_app: MakeApp) -> None:
    """Scheme, host and prefix of our own addresses are what trusted proxies say, if it is sound."""
    proxies, headers, wanted = ADDRESSES[case]
    app = make_app(trusted_proxies=proxies, allowed_hosts="qa.example.org")
    app.add_url_rule("/where", view_func=lambda: url_for("pages.docs", _external=True))
    assert app.test_client().get("/where", headers=headers).text == wanted


@pytest.mark.parametrize("prefix", ["/qa", "//evil.example", '/"><script>alert(1)</script>'])
def test_prefix_in_pages(prefix: str, make_app: MakeApp) -> None:
    """Pages behind a prefix lead to addresses under it, and never to another site."""
    client = make_app(trusted_proxies=1).test_client()
    page = client.get("/", headers={"X-Forwarded-Prefix": prefix}).text
    assert ("/qa/static/" in page) is (prefix == "/qa")
    assert "evil.example" not in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"],
)
def test_passed_on_requests_are_not_local(header: str, make_app: MakeApp) -> None:
    """What carries any mark of a proxy counts against the rate: it may be from anywhere."""
    client = make_app(rate_limit_per_minute=1).test_client()
    value = {"Forwarded": "for=192.0.2.1", "X-Forwarded-Host": "localhost"}.get(header, "192.0.2.1")
    statuses = [client.get("/index", headers={header: value}).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_ports_of_one_client_are_one_client(make_app: MakeApp) -> None:
    """A client does not escape its rate by coming from another port each time."""
    client = make_app(rate_limit_per_minute=1, trusted_proxies=1).test_client()
    statuses = [
        client.get("/index", headers={"X-Forwarded-For": f"192.0.2.1:{port}"}).status_code
        for port in (1000, 1001)
    ]
    assert statuses == [200, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """What one client owns is one, however it is written."""
    assert network_of(address) == network


@pytest.mark.parametrize("node", ["", "unknown", "_gazonk", "[", "]:1", "a:b:c", "1.2.3.4.5:6"])
def test_what_is_no_address_says_nothing(node: str) -> None:
    """Names that hide an address, and nonsense, are nobody's address."""
    assert without_port(node) == ""
