"""Keeps the C library from holding memory that nothing uses.

It keeps memory apart for every thread, where little of it is used again, and what questions and
index runs leave free between what stays. Other C libraries than glibc are left alone.
"""

from __future__ import annotations

import ctypes
import os

# The number of M_ARENA_MAX in glibc's malloc.h.
_M_ARENA_MAX = -8


def share_memory_between_threads() -> None:
    """Let threads use two pools of memory in turn instead of one each."""
    if _is_glibc():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def return_free_memory() -> None:
    """Give memory that is free back to the system, in milliseconds; it comes again when needed."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def _is_glibc() -> bool:
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError):
        return False
