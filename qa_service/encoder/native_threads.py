"""Keeps native libraries from spending much for every thread that asks for something.

The products of one question are small. Spread over helping threads they gain nothing, and while
questions are answered side by side the helpers spin, waiting for cores that the others hold.
"""

from __future__ import annotations

from threadpoolctl import ThreadpoolController

# FAISS brings its own, which index runs need for large ones; it keeps the rest to itself.
_OF_OTHERS = "faiss"


def keep_products_in_their_thread() -> None:
    """Let numpy's linear algebra use no helping threads from now on, in the whole process."""
    controller = ThreadpoolController()
    own = [
        library.filepath
        for library in controller.lib_controllers
        if library.user_api == "blas" and _OF_OTHERS not in library.filepath
    ]
    controller.select(filepath=own).limit(limits=1)
