"""Whose helping threads work: numpy's do not once a service has loaded, FAISS's own stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import numpy as np
from threadpoolctl import ThreadpoolController

from qa_service.encoder.model_statistics import embedded_model_statistics
from qa_service.indexes.codec import ProductCodec

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
