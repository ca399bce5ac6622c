"""The guard that all other tests run under."""

from __future__ import annotations

import os
import socket

import pytest
from network_guard import NetworkUsedError, SocketGuard


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_guard_refuses_what_is_not_this_machine(host: str, socket_guard: SocketGuard) -> None:
    """A connection beyond this machine fails at once and is remembered, hidden or not."""
    with pytest.raises(NetworkUsedError):
        socket.create_connection((host, 80), timeout=1)
    assert socket_guard.refused == [host]
    socket_guard.refused.clear()


def test_guard_refuses_datagrams(socket_guard: SocketGuard) -> None:
    """A datagram needs no connection, and is refused all the same."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(NetworkUsedError),
    ):
        sender.sendto(b"", ("192.0.2.1", 53))
    assert socket_guard.refused == ["192.0.2.1"]
    socket_guard.refused.clear()


def test_guard_lets_this_machine_through() -> None:
    """Servers that tests start on the loopback address can be reached."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_hubs_are_switched_off() -> None:
    """Model libraries are told to stay offline."""
    assert os.environ["HF_HUB_OFFLINE"] == "1"
