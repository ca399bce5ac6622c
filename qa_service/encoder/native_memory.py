"""Keeps the C library from holding memory that nothing uses.

It keeps memory apart for every thread, where little of it is used again, and what questions and
index runs leave free between what stays. Other C libraries than glibc are left alone.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# The number of M_ARENA_MAX in glibc's malloc.h.
_M_ARENA_MAX = -8
# The number of MADV_DONTNEED in Linux' mman.h.
_MADV_DONTNEED = 4


def share_memory_between_threads() -> None:
    """Let threads use two pools of memory in turn instead of one each."""
    if _is_glibc():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def return_free_memory() -> None:
    """Give memory that is free back to the system, in milliseconds; it comes again when needed."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def return_mapped_memory(folder: Path) -> None:
    """Give memory back that holds parts of mapped files below a folder.

    They are read again when they are needed. Only for files that are mapped to be read.
    """
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return
    folder = folder.resolve()
    c_library = ctypes.CDLL(None)
    for line in maps.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        # As in proc(5): address range, rights, offset, device, inode, path.
        addresses, rights, _, _, _, *path = line.split(maxsplit=5)
        if path and "w" not in rights and Path(path[0]).is_relative_to(folder):
            start, end = (int(address, 16) for address in addresses.split("-"))
            c_library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _is_glibc() -> bool:
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError):
        return False
