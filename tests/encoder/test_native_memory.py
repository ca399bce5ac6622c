"""What is kept in memory: few pools for many threads, and nothing for long that is not needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qa_service.encoder.native_memory import return_mapped_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")

COUNT_POOLS = """
import ctypes, sys, threading
from qa_service.encoder.native_memory import share_memory_between_threads

share_memory_between_threads()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(9)


def work():
    together.wait()
    libc.malloc(1000)
    together.wait()


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
together.wait()
together.wait()
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


def test_many_threads_share_few_pools_of_memory(tmp_path: Path) -> None:
    """However many threads there are, the C library keeps two pools for them."""
    report = tmp_path / "pools.xml"
    subprocess.run([sys.executable, "-c", COUNT_POOLS, str(report)], check=True)
    assert 1 <= report.read_text(encoding="ascii").count("<heap ") <= 2


FREE_BETWEEN_WHAT_STAYS = """
import ctypes
from pathlib import Path
from qa_service.encoder.native_memory import return_free_memory


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
pieces = [libc.malloc(100_000) for _ in range(2000)]
for piece in pieces:
    ctypes.memset(piece, 1, 100_000)
for number, piece in enumerate(pieces):
    if number % 100:
        libc.free(piece)
before = resident_mb()
return_free_memory()
print(before - resident_mb())
"""


def test_free_memory_is_given_back() -> None:
    """What was freed between pieces that are still in use goes back to the system."""
    found = subprocess.run(
        [sys.executable, "-c", FREE_BETWEEN_WHAT_STAYS], check=True, capture_output=True, text=True
    )
    assert float(found.stdout) > 150


MAPPED = """
import mmap, sys
from pathlib import Path
from qa_service.encoder.native_memory import return_mapped_memory

folder, outside = Path(sys.argv[1]), Path(sys.argv[2])


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def mapped(path, access):
    with path.open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=access)
    assert sum(mapping[::4096]) == len(mapping) // 4096 * 7
    return mapping


read = mapped(folder / "a b" / "read", mmap.ACCESS_READ)
written = mapped(folder / "written", mmap.ACCESS_COPY)
written[5] = 9
other = mapped(outside, mmap.ACCESS_READ)
before = resident_mb()
return_mapped_memory(folder)
print(before - resident_mb())
assert sum(read[::4096]) == len(read) // 4096 * 7
assert written[5] == 9
"""


def test_memory_of_mapped_files_is_given_back(tmp_path: Path) -> None:
    """What a folder's files hold goes, and comes back when read; changes and other files stay."""
    folder = tmp_path / "folder"
    (folder / "a b").mkdir(parents=True)
    megabyte = b"\7" * 2**20
    for path in (folder / "a b" / "read", folder / "written", tmp_path / "outside"):
        path.write_bytes(megabyte * 40)
    found = subprocess.run(
        [sys.executable, "-c", MAPPED, str(folder), str(tmp_path / "outside")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert 38 < float(found.stdout) < 45


def test_nothing_is_mapped_where_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems without /proc are left alone."""
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    return_mapped_memory(Path("/"))
