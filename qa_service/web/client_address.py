"""Who a request comes from, and under which name: what reverse proxies say of it, if believed.

One rule: without trusted proxies nothing that they could send is believed. With N of them, the
client is who the Nth from the last in `X-Forwarded-For` names; where that header is missing, in
`Forwarded` (RFC 7239), and where that is missing too, `X-Real-IP` for a single proxy. Scheme, host
and prefix go by the same count. What is no address, scheme or plain path is left out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flask import Request
from werkzeug.http import parse_list_header, parse_options_header
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

_RECEIVED_HOST_KEY: Final = "qa_service.received_host"
_SCHEME: Final = re.compile(r"https?", re.IGNORECASE)
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
# "//name" would lead to another host, ".." to another path.
_PREFIX: Final = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+/?")


def believe_proxies(app: WSGIApplication, count: int) -> WSGIApplication:
    """Return the app with address, scheme, host and prefix as `count` proxies in front say."""
    fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_port=0, x_prefix=1)

    def believing(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        environ[_RECEIVED_HOST_KEY] = environ.get("HTTP_HOST", "")
        said = _said_by_proxies(environ)
        for header, clean in _CLEANERS.items():
            values = said.get(header, [])
            # Every value counts, also one that says nothing; ProxyFix by itself would skip those.
            value = clean(values[-count].strip()) if len(values) >= count else ""
            environ.pop(header, None)
            if value:
                environ[header] = value
        return fixed(environ, start_response)

    return believing


def hosts_of(request: Request) -> tuple[str, ...]:
    """Return the names that a request is for: that of its Host header, and the one forwarded.

    A page that makes its own name lead to this machine can send any X-Forwarded-Host, but not
    another Host than its own.
    """
    received = request.environ.get(_RECEIVED_HOST_KEY, "")
    return tuple(dict.fromkeys(host for host in (request.host, received) if host))


def is_forwarded(request: Request) -> bool:
    """True when the request carries anything that proxies add: it may be from anywhere."""
    others = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
    return any(name in request.environ for name in (*_CLEANERS, *others))


def network_of(address: str) -> str:
    """Return what one client owns: an IPv4 address, or the /64 around an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def without_port(node: str) -> str:
    """Return the address of a node as proxies write it: "[2001:db8::1]:443" → "2001:db8::1".

    Returns "" for what is no address, such as "unknown" or a name that hides it.
    """
    node = node.strip().strip('"')
    bare = node[1:].partition("]")[0] if node.startswith("[") else node
    for candidate in (bare, bare.rpartition(":")[0]):
        try:
            return str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
    return ""


def _said_by_proxies(environ: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the values of the `X-Forwarded-…` headers, missing ones taken from other headers."""
    said = {header: environ[header].split(",") for header in _CLEANERS if header in environ}
    elements = [
        parse_options_header(f"element; {element}")[1]
        for element in parse_list_header(environ.get("HTTP_FORWARDED", ""))
    ]
    for header, parameter in _PARAMETERS.items():
        if header not in said and any(parameter in element for element in elements):
            said[header] = [element.get(parameter, "") for element in elements]
    if _FOR not in said and "HTTP_X_REAL_IP" in environ:
        said[_FOR] = [environ["HTTP_X_REAL_IP"]]
    return said


def _matched(pattern: re.Pattern[str], value: str) -> str:
    return value if pattern.fullmatch(value) else ""


_FOR: Final = "HTTP_X_FORWARDED_FOR"
_PARAMETERS: Final = {
    _FOR: "for",
    "HTTP_X_FORWARDED_PROTO": "proto",
    "HTTP_X_FORWARDED_HOST": "host",
}
_CLEANERS: Final[Mapping[str, Callable[[str], str]]] = {
    _FOR: without_port,
    "HTTP_X_FORWARDED_PROTO": lambda value: _matched(_SCHEME, value).lower(),
    "HTTP_X_FORWARDED_HOST": lambda value: _matched(_HOST, value),
    "HTTP_X_FORWARDED_PREFIX": lambda value: _matched(_PREFIX, value).rstrip("/"),
}
