"""What happens to files: cut short, a page lost, nothing left."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

Damage = Callable[[bytes], bytes]
PAGE = 4096


def truncated(content: bytes) -> bytes:
    """Cut in the middle."""
    return content[: len(content) // 2]


def zeroed_page(content: bytes) -> bytes:
    """A page in the middle is zeros, as after a power cut."""
    start = max(0, len(content) // 2 - PAGE // 2)
    length = min(PAGE, len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]


def random_page(content: bytes) -> bytes:
    """A page in the middle is another file's."""
    start = max(0, len(content) // 2 - PAGE // 2)
    length = min(PAGE, len(content) - start)
    return content[:start] + random.Random(7).randbytes(length) + content[start + length :]


def all_random(content: bytes) -> bytes:
    """Nothing is left."""
    return random.Random(8).randbytes(len(content))


def all_zeros(content: bytes) -> bytes:
    """Only the length is left."""
    return bytes(len(content))


DAMAGES = (
    zeroed_page,
    random_page,
    *(
        pytest.param(damage, marks=pytest.mark.slow)
        for damage in (truncated, all_random, all_zeros)
    ),
)
