"""Where a result comes from: commit, date, machine, libraries, model, settings, measured code."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.measuring.code_marks import marks_of
from benchmarks.measuring.results import UNKNOWN
from qa_service.config import Settings, load_settings
from qa_service.encoder.embedded import shipped_adapter

ROOT = Path(__file__).parents[2]
CPU_INFORMATION = Path("/proc/cpuinfo")
LIBRARIES = ("openvino", "faiss-cpu", "tantivy", "numpy", "sentencepiece", "waitress")
# What makes a difference to the model and to products of matrices, in the words of x86 and of ARM.
INSTRUCTIONS = (
    *("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)
# Where things lie, which changes no figure, and what is nobody's business.
PLACES = frozenset({"index", "articles", "cache", "model_wheel", "api_key"})
# What the benchmarks themselves write must not make the next result look as if from changed code.
WRITTEN = ("benchmarks/results", "docs")


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out; `is_dirty` when files differ from it, None when unknown."""

    sha: str
    is_dirty: bool | None


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor, what of its instructions matters, and how busy it was before anything ran."""

    processor: str
    cores: int
    instructions: tuple[str, ...]
    system: str
    load_average_at_start: float | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a result comes from. `model` and `adapter` are None where no model took part.

    `settings` are those that differ from the defaults; `modules` have a mark of their code each.
    """

    command: str
    commit: Commit
    date: str
    machine: Machine
    python: str
    libraries: Mapping[str, str]
    model: str | None
    adapter: str | None
    settings: Mapping[str, object]
    modules: Mapping[str, str]

    @classmethod
    def now(cls, modules: Sequence[str], **overrides: object) -> Origin:
        """Tell how things are now; called before anything is measured.

        Args:
            modules: what of `qa_service` the figures depend upon, such as `answer.quoting`.
            overrides: settings that the measurement gives to `load_settings` itself.
        """
        settings = load_settings(**overrides)
        has_model = any(module.partition(".")[0] == "encoder" for module in modules)
        return cls(
            command=command_line(sys.orig_argv),
            commit=commit_of(ROOT),
            date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            machine=this_machine(),
            python=platform.python_version(),
            libraries={name: _version(name) for name in LIBRARIES},
            model=model_of(settings) if has_model else None,
            adapter=shipped_adapter().sha256[:16] if has_model and settings.adapter else None,
            settings=changed_settings(settings),
            modules=marks_of(modules),
        )

    def to_json(self) -> dict[str, object]:
        """Return it as it stands in a result's JSON under `made_by`."""
        return asdict(self)


def commit_of(root: Path) -> Commit:
    """Return the commit of a folder of sources; unknown without git, or without its history."""
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
        # Sources that were unpacked inside somebody's own repository are not of its commits.
        if Path(top).resolve() != root.resolve():
            return Commit(UNKNOWN, None)
        sha = _git(root, "rev-parse", "--short=10", "HEAD")
        leaving_out = [f":(exclude){path}" for path in WRITTEN]
        changes = _git(root, "status", "--porcelain", "--", ".", *leaving_out)
    except (OSError, subprocess.CalledProcessError):
        return Commit(UNKNOWN, None)
    return Commit(sha, bool(changes))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def this_machine(information: Path = CPU_INFORMATION) -> Machine:
    """Describe the machine; what the system does not tell is left empty."""
    try:
        lines = information.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []  # only Linux has it
    told = {name.strip(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    flags = frozenset(f"{told.get('flags', '')} {told.get('Features', '')}".split())
    return Machine(
        processor=told.get("model name") or platform.processor() or platform.machine() or UNKNOWN,
        cores=os.cpu_count() or 1,
        instructions=tuple(name for name in INSTRUCTIONS if name in flags),
        system=f"{platform.system()} {platform.machine()}",
        load_average_at_start=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def changed_settings(settings: Settings) -> dict[str, object]:
    """Return the settings that differ from the defaults, without places and keys."""
    fields = type(settings).model_fields
    given = {name: getattr(settings, name) for name in fields if name not in PLACES}
    return {name: value for name, value in given.items() if value != fields[name].default}


def command_line(arguments: Sequence[str]) -> str:
    """Return a command as it can be given elsewhere: paths of this machine by their last part."""
    return " ".join(["python", *(_without_place(one) for one in arguments[1:])])


def _without_place(argument: str) -> str:
    return f"…/{Path(argument).name}" if Path(argument).is_absolute() else argument


def model_of(settings: Settings) -> str:
    """Return the encoder's fingerprint, as an index would record it.

    A process of its own loads it: in this one it would take memory and wake threads.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_fingerprint, settings).result()


def _fingerprint(settings: Settings) -> str:
    from qa_service.encoder.loading import load_encoder  # heavy, and needed in that process alone

    return load_encoder(settings).fingerprint


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return UNKNOWN
