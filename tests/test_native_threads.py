"""Whose helping threads work: numpy's do not once a service has loaded, FAISS's own stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import faiss
import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from qa_service.indexes.codec import ProductCodec
from qa_service.model_statistics import embedded_model_statistics

if TYPE_CHECKING:
    from qa_service.service import Service


def test_questions_side_by_side_do_not_wait_for_helping_threads(sample_service: Service) -> None:
    """Once a question can be answered, numpy multiplies in the thread that asks for it."""
    sample_service.retrieve("متى افتتحت قناة السويس؟ 苏伊士运河")
    threads = {
        library.filepath: library.num_threads
        for library in ThreadpoolController().lib_controllers
        if library.user_api == "blas" and "numpy" in library.filepath
    }
    assert set(threads.values()) <= {1}


def test_decoding_leaves_the_threads_of_others_as_they_were() -> None:
    """Codes are decoded in one thread; an index run may use as many afterwards as before."""
    codec = ProductCodec(embedded_model_statistics().tokens)
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        codec.decode(np.zeros((500, codec.code_size), dtype=np.uint8))
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


COUNT_POOLS = """
import ctypes, sys, threading
from qa_service.native_threads import share_memory_between_threads

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


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has pools for threads")
def test_many_threads_share_few_pools_of_memory(tmp_path: Path) -> None:
    """However many threads there are, the C library keeps two pools for them."""
    report = tmp_path / "pools.xml"
    subprocess.run([sys.executable, "-c", COUNT_POOLS, str(report)], check=True)
    assert 1 <= report.read_text(encoding="ascii").count("<heap ") <= 2
