"""No result is older than the code that it measured, unless it is said why it is shown."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from benchmarks import ages
from benchmarks.ages import Result, problems_of, read_reasons, read_results, write_reasons
from benchmarks.measuring.code_marks import mark_of, marks_of
from benchmarks.measuring.results import RESULTS

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path
    for path in (ROOT / "benchmarks").rglob("*.py")
    if path.parent.name not in {"peers", "measuring"} and "argparse" in path.read_text("utf-8")
)
# They print, or make data; no result is left of them.
WITHOUT_RESULT = {"adapter", "ages", "encoder", "large_articles", "small_files"}


def test_results_are_as_old_as_their_code_or_listed() -> None:
    """A result of other code than today's is in `results/older.toml`, and none for nothing."""
    problems = problems_of(read_results(RESULTS), read_reasons(RESULTS))
    assert problems == [], "\n".join(problems)


def test_the_page_of_results_is_up_to_date() -> None:
    """Readers see of each figure when, where and from which commit it was made."""
    told = ages.page_of(read_results(RESULTS), read_reasons(RESULTS))
    assert (RESULTS / ages.PAGE).read_text(encoding="utf-8") == told, "run: make ages"


def test_what_the_docs_cite_says_where_it_comes_from() -> None:
    """Every result that a page links to has an origin, and its page tells it."""
    citation = re.compile(r"benchmarks/results/([\w/-]+)\.(?:md|json)")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "training" / "README.md"]
    cited = {name for page in pages for name in citation.findall(page.read_text("utf-8"))}
    cited -= {"README"}
    known = {result.name: result for result in read_results(RESULTS)}
    assert cited <= set(known)
    for name in cited:
        assert known[name].made_by["commit"]["sha"], name
        last = (RESULTS / f"{name}.md").read_text(encoding="utf-8").splitlines()[-1]
        assert last.startswith(f"*Measured: {known[name].made_by['date'][:10]}, commit "), name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_names_the_modules_it_measures(script: Path) -> None:
    """What a script's figures depend upon is written in it, and is there."""
    if script.stem in WITHOUT_RESULT:
        return
    tree = ast.parse(script.read_text(encoding="utf-8"))
    named = [
        ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MEASURED"
    ]
    assert len(named) == 1, f"{script.name} has no MEASURED"
    modules = eval(named[0], {})
    assert modules
    assert marks_of(modules).keys() == set(modules)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one module."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "ranking.py").write_text("WEIGHT = 1\n", encoding="utf-8")
    return folder


def measured(package: Path) -> Result:
    """A result of the module as it is now."""
    return Result("quality", {"modules": {"ranking": mark_of("ranking", package)}})


def test_a_change_of_the_code_makes_a_result_older(package: Path) -> None:
    """The result is named with the module that changed, until a reason is given."""
    result = measured(package)
    assert problems_of([result], {}, package) == []
    (package / "ranking.py").write_text("WEIGHT = 2\n", encoding="utf-8")
    assert "quality: ranking changed" in problems_of([result], {}, package)[0]
    assert problems_of([result], {"quality": "renamed only"}, package) == []


def test_a_module_that_is_gone_makes_a_result_older(package: Path) -> None:
    """Code that is no longer there is not what was measured."""
    result = measured(package)
    (package / "ranking.py").unlink()
    assert "ranking changed" in problems_of([result], {}, package)[0]


def test_nothing_is_listed_for_nothing(package: Path) -> None:
    """A result that was measured again, or is gone, may not stay in the list."""
    listed = {"quality": "renamed only", "speed": "renamed only"}
    problems = problems_of([measured(package)], listed, package)
    assert len(problems) == 2
    assert "quality: is listed as older and is not" in problems[0]
    assert "speed: is listed as older and not there" in problems[1]


def test_a_result_without_origin_is_refused(package: Path) -> None:
    """A file that something else than `write_results` wrote is named."""
    assert "names no modules" in problems_of([Result("quality", {})], {}, package)[0]


def test_reasons_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Any text survives the file, and results with one reason stand together."""
    reasons = {"b/c": 'said "so"\\ \n then', "a": "نُقل فقط", "d": "نُقل فقط"}
    write_reasons(tmp_path, reasons)
    assert read_reasons(tmp_path) == reasons
    assert (tmp_path / ages.LIST).read_text(encoding="utf-8").count("[[older]]") == 2


def test_results_that_were_measured_again_leave_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command lists what is older, with the reason given, and takes out what is not."""
    base = {
        "commit": {"sha": "0123456789", "is_dirty": False},
        "date": "2026-03-01T08:15:00Z",
        "machine": {"processor": "AMD EPYC", "cores": 2},
    }
    for name, mark in (("fresh", mark_of("types")), ("old", "another")):
        content = {"made_by": base | {"modules": {"types": mark}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    write_reasons(tmp_path, {"fresh": "a reason of the past"})
    monkeypatch.setattr(ages, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["ages"])
    assert ages.main() == 1
    assert read_reasons(tmp_path) == {}
    monkeypatch.setattr("sys.argv", ["ages", "--because", "types were renamed"])
    assert ages.main() == 0
    assert read_reasons(tmp_path) == {"old": "types were renamed"}
    assert "1. types were renamed" in (tmp_path / ages.PAGE).read_text(encoding="utf-8")
