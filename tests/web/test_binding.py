"""The address that a host stands for, and who reaches it."""

from __future__ import annotations

import socket

import pytest

from qa_service.errors import InvalidSettingError
from qa_service.web.binding import address_of, is_loopback, place_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_every_spelling_of_an_address(host: str, address: str) -> None:
    """What the socket is bound to, not what was written."""
    assert address_of(host) == address


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_who_reaches_an_address(address: str, *, is_local: bool) -> None:
    """This machine alone, in either version of the protocol, or others too."""
    assert is_loopback(address) is is_local


def test_a_place_can_be_listened_on() -> None:
    """What is returned is what a socket is made from."""
    place = place_of("127.0.0.1", 0)
    with socket.socket(place.family, place.kind, place.protocol) as made:
        made.bind(place.address)
        assert made.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["a..b", "." * 3, "م" * 300, "x" * 10_000])
def test_what_is_no_host_is_named_with_the_setting(host: str) -> None:
    """Shortly, however long it is."""
    with pytest.raises(InvalidSettingError, match=r"QA_HOST.*127\.0\.0\.1") as raised:
        place_of(host, 80)
    assert len(str(raised.value)) < 800
