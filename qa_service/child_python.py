"""The command line of a Python process of our own, whose imports no working folder can get into.

Python puts the working folder, or what PYTHONPATH says of it, in front of its own library. A child
started so would take a `json.py` that lies beside somebody's articles for the real one, and run it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_PACKAGE = Path(__file__).parent

# The package is loaded from where it is, so that the folder around it, which may be the working
# folder, need not be on the path; the parent's own folders come after Python's.
_PROGRAM = """
import importlib, json, os, sys
from importlib.util import module_from_spec, spec_from_file_location
package, module, extra = sys.argv[1:4]
sys.path.extend(folder for folder in json.loads(extra) if folder not in sys.path)
spec = spec_from_file_location(
    "qa_service", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
)
sys.modules["qa_service"] = loaded = module_from_spec(spec)
spec.loader.exec_module(loaded)
sys.exit(importlib.import_module("qa_service." + module).main(sys.argv[4:]))
"""


def python_command(module: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command that calls `main(arguments)` of a module of qa_service in a new process.

    The process sees the libraries that this one does, Python's own and installed ones first, but
    neither its working folder nor what the environment adds to the path (`-I`).
    """
    return [
        *(sys.executable, "-I", "-X", "utf8", "-c", _PROGRAM),
        *(str(_PACKAGE), module, json.dumps(trusted_folders(sys.path)), *arguments),
    ]


def trusted_folders(path: Iterable[str]) -> list[str]:
    """Return the entries of a search path that mean the same everywhere: not the working folder."""
    return [entry for entry in path if Path(entry).is_absolute() and not _is_working_folder(entry)]


def _is_working_folder(entry: str) -> bool:
    try:
        return os.path.samefile(entry, os.curdir)  # noqa: PTH121 - the entry may not exist
    except OSError:
        return False
