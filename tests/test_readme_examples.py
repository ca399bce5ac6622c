"""The examples in the documentation run as printed, against a real server on the sample articles.

A fenced block takes part by a word after its language: `run` runs it, in order, in a folder that
holds the sample articles as `seeds/` and its Arabic ones as `my-articles/`; `run server` also
starts `qa-service serve` first and puts its address where the page says 127.0.0.1:8000; `output`
after one of these is JSON whose every field must be in the answer, with a value of the same type.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+) (run server|run|output)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8000"
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Example:
    """One block that runs, with the JSON that should come of it, if the page shows any."""

    page: Path
    line: int
    language: str
    needs_server: bool
    source: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(page: Path) -> Iterator[Example]:
    """Read the examples of one page, in order."""
    text = page.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    for block, following in zip(blocks, [*blocks, None][1:], strict=True):
        language, kind, source = block.groups()
        if kind != "output":
            line = text.count("\n", 0, block.start()) + 1
            output = following[3] if following and following[2] == "output" else None
            yield Example(page, line, language, kind == "run server", source, output)


@dataclass(frozen=True, slots=True)
class Site:
    """A folder as a reader of the README has it, with the commands on the path."""

    folder: Path
    environment: dict[str, str]

    def run(self, language: str, source: str) -> str:
        """Run a block and return what it prints; a block that fails, fails the test."""
        command = {
            "sh": ["bash", "-euo", "pipefail", "-c", source],
            "python": [sys.executable, "-c", source],
            "js": ["node", "--input-type=module", "--eval", source],
        }[language]
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert ended.returncode == 0, f"{source}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Lay out the sample articles and two of one's own, and index the sample."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    shutil.copytree(ROOT / "seeds" / "ar", folder / "my-articles")
    commands = Path(sys.executable).parent
    site = Site(folder, os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"})
    site.run("sh", "qa-service index seeds")
    return site


@pytest.fixture(scope="session")
def server_address(site: Site) -> Iterator[str]:
    """Serve the sample articles on a free port."""
    with subprocess.Popen(
        ["qa-service", "serve", "--port", "0"],
        cwd=site.folder,
        env=site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            yield _announced_address(server)
        finally:
            server.terminate()


def _announced_address(server: subprocess.Popen[str]) -> str:
    """Read what the server prints until it names its address."""
    assert server.stdout is not None
    printed = []
    for line in server.stdout:
        printed.append(line)
        if found := re.search(r"http://([\d.]+:\d+)", line):
            return found[1]
    raise AssertionError(f"the server ended without naming its address:\n{''.join(printed)}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", [example for page in PAGES for example in examples(page)], ids=str
)
def test_example_runs(example: Example, site: Site, request: pytest.FixtureRequest) -> None:
    """What the page shows can be typed in and does what the page says."""
    source = example.source
    if example.language == "js" and shutil.which("node") is None and not os.environ.get("CI"):
        pytest.skip("there is no node to run JavaScript")
    if example.needs_server:
        assert ADDRESS in source
        source = source.replace(ADDRESS, request.getfixturevalue("server_address"))
    printed = site.run(example.language, source)
    if example.output is not None:
        assert_has_shape(json.loads(printed), json.loads(example.output), "answer")


def assert_has_shape(found: object, shown: object, place: str) -> None:
    """Every field shown is there, with a value of the same kind; yes and no are the same."""
    assert type(found) is type(shown), f"{place} is {found!r}, the page shows {shown!r}"
    if isinstance(shown, dict) and isinstance(found, dict):
        for name, value in shown.items():
            assert name in found, f"{place} has no {name}"
            assert_has_shape(found[name], value, f"{place}.{name}")
    elif isinstance(shown, list) and isinstance(found, list):
        assert len(found) >= len(shown), f"{place} has {len(found)} entries"
        for number, value in enumerate(shown):
            assert_has_shape(found[number], value, f"{place}[{number}]")
    elif isinstance(shown, bool):
        assert found == shown, f"{place} is {found}, the page shows {shown}"


def test_readme_has_examples() -> None:
    """The page everybody reads first shows commands, a request and its answer."""
    found = list(examples(ROOT / "README.md"))
    assert {"sh", "python"} <= {example.language for example in found}
    assert any(example.needs_server and example.output for example in found)


def test_page_with_examples(tmp_path: Path) -> None:
    """Blocks without a word after their language are left alone; output belongs to its run."""
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\nmake\n```\n```sh run\necho 1\n```\n"
        '```sh run server\ncurl x\n```\n\nprints\n\n```json output\n{"a": 1}\n```\n',
        encoding="utf-8",
    )
    assert list(examples(page)) == [
        Example(page, 4, "sh", False, "echo 1\n", None),
        Example(page, 7, "sh", True, "curl x\n", '{"a": 1}\n'),
    ]


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        ({"a": 2, "b": [{"c": "x"}], "d": 0}, True),
        ({"a": 2}, False),
        ({"a": "2", "b": [{"c": "x"}]}, False),
        ({"a": 2, "b": []}, False),
        ({"a": 2, "b": [{"c": None}]}, False),
    ],
)
def test_shape_is_compared(found: object, fits: bool) -> None:
    """A missing field, a missing entry and a value of another kind are noticed."""
    shown = {"a": 1, "b": [{"c": "y"}]}
    if fits:
        assert_has_shape(found, shown, "answer")
    else:
        with pytest.raises(AssertionError):
            assert_has_shape(found, shown, "answer")
