"""Keeps tests on this machine."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


class NetworkUsedError(AssertionError):
    """A test tried to reach beyond this machine."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, ""):
        return True
    name = str(host).partition("%")[0].lower()
    try:
        name.encode("idna")
    except UnicodeError:
        return True  # no name system can be asked about it
    return name.rstrip(".") == "localhost" or _is_loopback_address(name)


def _is_loopback_address(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(name))  # such as 127.1
        except OSError:
            return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class SocketGuard:
    """Refuses connections and look-ups beyond this machine, and remembers them.

    Remembering matters: code under test may catch the refusal and go on.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []

    def check(self, host: object) -> None:
        """Raise NetworkUsedError unless the host is this machine."""
        if not _is_loopback(host):
            self.refused.append(str(host))
            raise NetworkUsedError(f"tests have no network; something wanted {host!r}")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the check before everything in `socket` that leads out."""
        for method in ("connect", "connect_ex", "sendto"):
            self._guard_method(patch, method)
        look_up = socket.getaddrinfo

        def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
            self.check(host)
            return look_up(host, *args, **kwargs)

        patch.setattr(socket, "getaddrinfo", guarded_look_up)

    def _guard_method(self, patch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(socket.socket, name)

        def guarded(connection: socket.socket, *args: Any) -> Any:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                self.check(args[-1][0])
            return real(connection, *args)

        patch.setattr(socket.socket, name, guarded)
