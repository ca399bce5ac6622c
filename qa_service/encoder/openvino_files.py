"""The converted model in the user's cache: OpenVINO's graph and what is needed to run it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from importlib import metadata
from pathlib import Path

from qa_service.child_python import python_command
from qa_service.encoder.cached_folder import CachedFolder
from qa_service.encoder.embedded import OnProgress
from qa_service.encoder.model_folder import ModelSource
from qa_service.encoder.processor import Precision, question_precision
from qa_service.errors import ModelUnavailableError

GRAPH = "model.xml"
QUESTION_GRAPH = "questions.xml"
"""Only where questions run in another precision than passages."""
DESCRIPTION = "description.json"
UNCONVERTIBLE = 3
"""The converting process ends with this when the last line it wrote says why."""

# Raised whenever the conversion changes, so that older graphs are made again.
_LAYOUT = "3"


def question_graph(precision: Precision) -> str:
    """Return the name of the graph for questions beside that for passages in this precision."""
    return GRAPH if question_precision(precision) is precision else QUESTION_GRAPH


def converted_model(cache: Path, source: ModelSource, precision: Precision) -> CachedFolder:
    """Return where a model's graph is kept, whether or not it is there yet."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source.name).name) or "model"
    place = hashlib.sha256(str(source.folder).encode()).hexdigest()[:8]
    made_from = " ".join(
        [source.state(), precision, f"openvino {metadata.version('openvino')}", f"layout {_LAYOUT}"]
    )
    return CachedFolder(cache / "openvino" / f"{short}-{place}-{precision}", made_from)


def converted_model_folder(
    cache: Path, source: ModelSource, precision: Precision, on_progress: OnProgress | None = None
) -> Path:
    """Return the folder of the converted model, converting it first if need be.

    Raises:
        ModelUnavailableError: it cannot be converted, or the cache cannot be written.
    """

    def convert(folder: Path) -> None:
        if on_progress is not None:
            on_progress(f"Preparing {source.name} for this processor (once, about 20 seconds)")
        # A process of its own, so that the memory that torch takes is given back, and so that
        # the process that serves never loads it.
        done = subprocess.run(  # noqa: S603 (our own paths and names, and no shell)
            python_command(
                "encoder.conversion", [source.name, str(source.folder), str(folder), precision]
            ),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
            if done.returncode == UNCONVERTIBLE:
                raise ModelUnavailableError(last_line)
            raise ModelUnavailableError(
                f"Converting {source.name} for OpenVINO ended with status {done.returncode}: "
                f"{last_line}. It takes about 2 GB of memory; or set QA_RUNTIME=torch."
            )

    return converted_model(cache, source, precision).ensure(convert)
