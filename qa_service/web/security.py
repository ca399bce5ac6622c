"""Who may do what: host names, cross-site writes, the API key, the rate, and response headers."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import Request, Response

from qa_service.config import Settings
from qa_service.errors import InvalidSettingError
from qa_service.web.binding import address_of, is_loopback
from qa_service.web.client_address import hosts_of, is_forwarded, network_of
from qa_service.web.errors import HttpProblem

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Reached without a key even where reading is protected: they tell nothing about the articles.
_ALWAYS_OPEN: Final = frozenset(
    {"api.health", "api.ready", "pages.static_file", "openapi.spec", "pages.docs"}
)
# Not a GET, but changes nothing that others see: the right to read is enough.
_READS: Final = frozenset({"api.ask", "api.feedback", "pages.turn"})

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "font-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types qa-service",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Checks each request before any view sees it."""

    def __init__(
        self,
        settings: Settings,
        bound_to: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the settings, and the address that is listened on, by default theirs."""
        self._key = settings.api_key.get_secret_value().encode() if settings.api_key else None
        self._protects_reading = settings.protect_reading
        self._hosts = _allowed_hosts(settings, bound_to)
        self._trusts_proxies = settings.trusted_proxies > 0
        self._limiter = (
            RateLimiter(settings.rate_limit_per_minute, clock)
            if settings.rate_limit_per_minute
            else None
        )

    def check(self, request: Request) -> None:
        """Let a request pass or raise the HttpProblem that it gets."""
        self._check_host(request)
        self._check_rate(request)
        self._check_origin(request)
        self._check_key(request)

    def _check_host(self, request: Request) -> None:
        # A page of another site can make its own name resolve to this machine (DNS rebinding);
        # its requests then carry that name.
        if self._hosts is None:
            return
        for host in hosts_of(request) or ("",):
            if host_name(host) not in self._hosts:
                raise HttpProblem(
                    400,
                    "unknown_host",
                    f"The request is for host {host!r}; this service answers as "
                    f"{', '.join(sorted(self._hosts))}. Add the name to QA_ALLOWED_HOSTS.",
                )

    def _check_rate(self, request: Request) -> None:
        if self._limiter is None or request.endpoint in ("api.health", "api.ready"):
            return
        if self._is_local(request):
            return
        wait_s = self._limiter.take(request.remote_addr or "")
        if wait_s > 0:
            raise HttpProblem(
                429,
                "rate_limited",
                "Too many requests from this address; wait before the next one.",
                headers={"Retry-After": str(max(1, round(wait_s + 0.5)))},
            )

    def _is_local(self, request: Request) -> bool:
        """True for a person on this machine; false for what a local proxy passes on."""
        if self._trusts_proxies or is_forwarded(request):
            return False
        try:
            return ipaddress.ip_address(request.remote_addr or "").is_loopback
        except ValueError:
            return False

    def _check_origin(self, request: Request) -> None:
        if request.method in _SAFE_METHODS or self._carries_explicit_key(request):
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        is_foreign = site not in (None, "same-origin", "none") or (
            origin is not None and not _is_same_origin(origin, request)
        )
        if is_foreign:
            raise HttpProblem(
                403,
                "cross_site",
                "The request comes from a page of another site. Send it from this service's own "
                "page, or with the API key in the header X-API-Key.",
            )

    def _carries_explicit_key(self, request: Request) -> bool:
        """True when a script put the right key in; a browser never adds these headers by itself."""
        return self._is_key(_explicit_key(request))

    def _check_key(self, request: Request) -> None:
        if self._key is None or request.endpoint in _ALWAYS_OPEN:
            return
        is_reading = request.method in _SAFE_METHODS or request.endpoint in _READS
        if is_reading and not self._protects_reading:
            return
        self._demand_key(request)

    def check_upload(self, headers: Mapping[str, str]) -> None:
        """Let a large body come in, or raise the HttpProblem that its request would get anyway.

        Args:
            headers: those of the request, names in capitals with underscores.
        """
        if self._key is not None:
            self._demand_key(
                Request({f"HTTP_{name}": value for name, value in headers.items()}, shallow=True)
            )

    def _demand_key(self, request: Request) -> None:
        if self._is_key(_explicit_key(request)) or self._is_key(_basic_key(request)):
            return
        raise HttpProblem(
            401,
            "api_key_needed",
            "This needs the API key. Send it as 'X-API-Key: KEY' or 'Authorization: Bearer KEY'; "
            "in a browser, give it as the password, with any user name.",
            headers={"WWW-Authenticate": 'Basic realm="qa-service", charset="UTF-8"'},
        )

    def _is_key(self, candidate: bytes | None) -> bool:
        if self._key is None or candidate is None:
            return False
        return hmac.compare_digest(candidate, self._key)


class RateLimiter:
    """Counts requests by address: a bucket that refills steadily, up to a minute's worth."""

    # So that many addresses cannot fill the memory; the longest unseen is forgotten first.
    MAX_ADDRESSES = 10_000

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Count a request; returns 0 when it may pass, else the seconds until the next one may."""
        address = network_of(address)
        now = self._clock()
        with self._lock:
            tokens, since = self._buckets.pop(address, (self._capacity, now))
            tokens = min(self._capacity, tokens + (now - since) * self._per_second)
            may_pass = tokens >= 1
            self._buckets[address] = (tokens - 1 if may_pass else tokens, now)
            if len(self._buckets) > self.MAX_ADDRESSES:
                self._buckets.popitem(last=False)
        return 0.0 if may_pass else (1 - tokens) / self._per_second


def set_headers(response: Response) -> None:
    """Add the headers that keep a browser from doing anything the page does not need."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def host_name(host: str) -> str:
    """Return a Host header's name without its port: "[::1]:8000" → "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _allowed_hosts(settings: Settings, bound_to: str | None) -> frozenset[str] | None:
    """Return the names to answer to; None for any.

    What counts is the address that is listened on: loopback has more spellings than can be listed,
    and any name may stand for it.
    """
    named = frozenset(host_name(name) for name in settings.allowed_hosts)
    if named:
        return named | _LOOPBACK_NAMES
    try:
        address = bound_to or address_of(settings.host)
    except InvalidSettingError:
        # Nobody knows who can reach it: as strict as on loopback.
        return _LOOPBACK_NAMES
    # No page can make an address of numbers lead anywhere else, as it can its own name.
    return _LOOPBACK_NAMES | {address} if is_loopback(address) else None


def _is_same_origin(origin: str, request: Request) -> bool:
    try:
        parts = urlsplit(origin)
        return (parts.scheme, parts.netloc.lower()) == (request.scheme, request.host.lower())
    except ValueError:
        return False


def _explicit_key(request: Request) -> bytes | None:
    # Servers hand headers over as Latin-1, whatever bytes they hold.
    header = request.headers.get("X-API-Key")
    if header:
        return header.encode("latin-1", "replace")
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    is_bearer = kind.lower() == "bearer" and bool(value)
    return value.strip().encode("latin-1", "replace") if is_bearer else None


def _basic_key(request: Request) -> bytes | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return None
