"""The converted model in the user's cache: OpenVINO's graph and what is needed to run it."""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from qa_service.encoder.cached_folder import CachedFolder
from qa_service.encoder.embedded import OnProgress
from qa_service.encoder.sources import ModelSource
from qa_service.errors import ModelUnavailableError

GRAPH = "model.xml"
DESCRIPTION = "description.json"
# Raised whenever the conversion changes, so that older graphs are made again.
_LAYOUT = "1"

_log = logging.getLogger(__name__)


def converted_model(cache: Path, source: ModelSource, precision: str) -> CachedFolder:
    """Return where a model's graph is kept, whether or not it is there yet."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source.name).name) or "model"
    place = hashlib.sha256(str(source.folder).encode()).hexdigest()[:8]
    made_from = " ".join(
        [source.state(), precision, f"openvino {metadata.version('openvino')}", f"layout {_LAYOUT}"]
    )
    return CachedFolder(cache / "openvino" / f"{short}-{place}-{precision}", made_from)


def converted_model_folder(
    cache: Path, source: ModelSource, precision: str, on_progress: OnProgress | None = None
) -> Path:
    """Return the folder of the converted model, converting it first if need be.

    Raises:
        ModelUnavailableError: it cannot be converted, or the cache cannot be written.
    """

    def convert(folder: Path) -> None:
        if on_progress is not None:
            on_progress(f"Preparing {source.name} for this processor (once, about 20 seconds)")
        # The arguments are our own paths and names; no shell is involved.
        command = [sys.executable, "-m", "qa_service.encoder.conversion"]
        arguments = [source.name, str(source.folder), str(folder), precision]
        done = subprocess.run(  # noqa: S603
            command + arguments, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
            _log.debug("Converting %s failed:\n%s", source.name, done.stderr)
            raise ModelUnavailableError(last_line)

    return converted_model(cache, source, precision).ensure(convert)
