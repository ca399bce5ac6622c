"""The documentation is true: pages match the code, links lead somewhere, examples run."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
import reference_docs

from qa_service import __version__
from qa_service.config import Settings

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def tracked_files(*patterns: str) -> list[Path]:
    """List the repository's own files, committed or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = {ROOT / name for name in listing.stdout.decode().split("\0") if name}
    return sorted(path for path in paths if path.is_file())


MARKDOWN = tracked_files("*.md")


# What pages, docstrings, comments and the Makefile call files and modules of the repository.
NAMED_FILE = re.compile(
    r"(?<![\w./-])((?:benchmarks|docs|qa_service|seeds|tests|tools|training)/[\w./-]+?"
    r"\.(?:json|md|npz|py|safetensors|svg|toml))(?![\w/])"
)
NAMED_MODULE = re.compile(r"python -m ((?:benchmarks|training)\.[\w.]*\w)")


def anchors(markdown: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = HEADING.findall(FENCE.sub("", markdown))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", reference_docs.pages(), ids=lambda path: path.name)
def test_generated_page_is_up_to_date(page: Path) -> None:
    """The reference pages say what the code says; `make docs` writes them."""
    assert page.read_text(encoding="utf-8") == reference_docs.pages()[page], "run: make docs"


def test_every_setting_is_documented() -> None:
    """No setting lacks its meaning, or its row in the settings page."""
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `{name}` | `QA_{name.upper()}` |" in page


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    """Every link to a file of the repository, and to a heading in it, leads there."""
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{target} does not exist"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"no heading {anchor}"


def test_only_tests_know_a_place_outside() -> None:
    """Nothing names a folder of somebody's machine; tests alone may look beside the repository."""
    private = re.compile(rb"(?<![\w.])/(?:work|root)/|/\.libr" rb"ary\b")
    outside = re.compile(rb"\.\./sha" rb"red\b")
    for path in tracked_files():
        content = path.read_bytes()
        assert not private.search(content), path
        assert not outside.search(content) or path.is_relative_to(ROOT / "tests"), path


def test_decisions_are_numbered_and_begin_with_what_was_decided() -> None:
    """One numbering, the decision first, trials last, and every page in the list of them."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    assert {page.name for page in folder.iterdir()} - {page.name for page in pages} == {"README.md"}
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert listed == [page.name for page in pages]
    for number, page in enumerate(pages, 1):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. "), page.name
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts[0] == "Decision", page.name
        assert parts[-1].startswith("Appendix: what was "), page.name
        assert not any(part.startswith("Appendix") for part in parts[:-1]), page.name


def test_this_version_has_a_dated_section_in_the_changelog() -> None:
    """The newest version in the changelog is the one that the code names, and each has its day."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](.*)$", text, re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    assert sections[1][0] == __version__
    days = [date.fromisoformat(day.removeprefix(" - ")) for _, day in sections[1:]]
    assert days == sorted(days, reverse=True)


def test_make_targets_in_the_docs_exist() -> None:
    """Every `make …` that a page tells people to run is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in MARKDOWN:
        for wanted in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M):
            assert wanted in targets, f"{page}: make {wanted}"


@pytest.mark.parametrize(
    "path",
    [*MARKDOWN, *tracked_files("*.py", "Makefile", "pyproject.toml")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_and_modules_that_are_named_exist(path: Path) -> None:
    """What pages, docstrings, comments and the Makefile point to is where they say."""
    text = path.read_text(encoding="utf-8")
    for name in NAMED_FILE.findall(text):
        assert (ROOT / name).exists(), f"{path}: {name} is not there"
    for module in NAMED_MODULE.findall(text):
        place = ROOT.joinpath(*module.split("."))
        assert place.is_dir() or place.with_suffix(".py").exists(), f"{path}: no {module}"
