"""The address that `serve` binds to: one rule for the socket and for the check of host names."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, NamedTuple

from qa_service.errors import InvalidSettingError

# The longest name that the name system knows.
_SHOWN_LENGTH = 253


class Place(NamedTuple):
    """What a socket is made from, and the address that it is bound to."""

    family: int
    kind: int
    protocol: int
    address: tuple[Any, ...]


def place_of(host: str, port: int) -> Place:
    """Return where to listen for a host and a port. InvalidSettingError when the host is none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        # The latter from what cannot be written as a host name at all, such as "a..b".
        reason = error.strerror if isinstance(error, socket.gaierror) else "it is no host name"
        raise InvalidSettingError(
            f"Host {host[:_SHOWN_LENGTH]!r} is not known ({reason}). Set QA_HOST to an "
            "address of this machine, such as 127.0.0.1."
        ) from error
    return Place(family, kind, protocol, address)


def address_of(host: str) -> str:
    """Return the address that a host stands for. InvalidSettingError when it is none."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        # A name, or another spelling of an address.
        return str(place_of(host, 0).address[0])


def is_loopback(address: str) -> bool:
    """Tell whether an address, not a name, is reached from this machine alone."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
