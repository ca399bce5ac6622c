"""Keeps native libraries from spending much for every thread that asks for something.

The products of one question are small. Spread over helping threads they gain nothing, and while
questions are answered side by side the helpers spin, waiting for cores that the others hold. And
the C library keeps memory apart for every thread, where little of it is used again.
"""

from __future__ import annotations

import ctypes
import os

from threadpoolctl import ThreadpoolController

# FAISS brings its own, which index runs need for large ones; it keeps the rest to itself.
_OF_OTHERS = "faiss"
# The number of M_ARENA_MAX in glibc's malloc.h.
_M_ARENA_MAX = -8


def keep_products_in_their_thread() -> None:
    """Let numpy's linear algebra use no helping threads from now on, in the whole process."""
    controller = ThreadpoolController()
    own = [
        library.filepath
        for library in controller.lib_controllers
        if library.user_api == "blas" and _OF_OTHERS not in library.filepath
    ]
    controller.select(filepath=own).limit(limits=1)


def share_memory_between_threads() -> None:
    """Let threads use two pools of memory in turn instead of one each, where the C library can."""
    if "glibc" in _c_library():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _c_library() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError):
        return ""
