"""Where a result says it comes from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.measuring import origin
from benchmarks.measuring.origin import (
    Commit,
    Machine,
    Origin,
    changed_settings,
    command_line,
    commit_of,
    this_machine,
)
from benchmarks.measuring.results import write_results
from qa_service.config import Settings

ORIGIN = Origin(
    command="python -m benchmarks.quality --data …/xquad",
    commit=Commit("0123456789", is_dirty=True),
    date="2026-03-01T08:15:00Z",
    machine=Machine("AMD EPYC", 2, ("avx2", "avx512_bf16"), "Linux x86_64", 0.5),
    python="3.11.7",
    libraries={"openvino": "2026.4.1"},
    model="multilingual-e5-small:72201e495b72598f",
    adapter="50b89fa1f1c49a27",
    settings={"threads": 1},
    modules={"retrieval": "00ff00ff00ff00ff"},
)


def git(folder: Path, *arguments: str) -> None:
    """Run git with a person of no name."""
    person = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "-C", str(folder), *person, *arguments], check=True, capture_output=True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "sources"
    (folder / "benchmarks" / "results").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "code.py").write_text("x = 1\n")
    (folder / "benchmarks" / "results" / "old.json").write_text("{}\n")
    git(tmp_path, "init", "-q", "sources")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_clean_commit_is_named(sources: Path) -> None:
    """What is checked out is named, and that nothing differs from it."""
    commit = commit_of(sources)
    assert len(commit.sha) == 10
    assert commit.is_dirty is False


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_changed_and_new_files_are_told(sources: Path, name: str) -> None:
    """A change that is not committed shows, in a known file or in a new one."""
    (sources / name).write_text("x = 2\n")
    assert commit_of(sources).is_dirty is True


def test_results_do_not_count_as_changes(sources: Path) -> None:
    """The second result of a run is from the same commit as the first one."""
    (sources / "benchmarks" / "results" / "new.json").write_text("{}\n")
    (sources / "benchmarks" / "results" / "old.json").write_text('{"a": 1}\n')
    (sources / "docs" / "picture.svg").write_text("<svg/>\n")
    assert commit_of(sources).is_dirty is False


def test_sources_without_history_have_no_commit(sources: Path, tmp_path: Path) -> None:
    """Neither an unpacked archive nor one inside somebody's own repository is of any commit."""
    assert commit_of(tmp_path) == Commit("unknown", None)
    inside = sources / "unpacked"
    inside.mkdir()
    assert commit_of(inside) == Commit("unknown", None)


def test_without_git_there_is_no_commit(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git measures all the same."""
    monkeypatch.setenv("PATH", str(sources))
    assert commit_of(sources) == Commit("unknown", None)


def test_the_processor_and_what_it_can_are_told(tmp_path: Path) -> None:
    """Of all instructions those are named that matter to the model."""
    information = tmp_path / "cpuinfo"
    information.write_text(
        "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_bf16 sse\n"
    )
    machine = this_machine(information)
    assert machine.processor == "AMD EPYC"
    assert machine.instructions == ("avx2", "avx512f", "avx512_bf16")


def test_the_instructions_of_arm_are_told(tmp_path: Path) -> None:
    """ARM tells them by another name, and no model."""
    information = tmp_path / "cpuinfo"
    information.write_text("processor\t: 0\nFeatures\t: fp asimd asimddp i8mm bf16\n")
    assert this_machine(information).instructions == ("asimd", "asimddp", "i8mm", "bf16")


def test_an_unknown_processor_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system tells nothing, that is what the result says."""
    monkeypatch.setattr(origin.platform, "processor", lambda: "")
    monkeypatch.setattr(origin.platform, "machine", lambda: "")
    machine = this_machine(tmp_path / "missing")
    assert machine.processor == "unknown"
    assert machine.instructions == ()
    assert machine.cores >= 1


def test_only_settings_that_change_figures_are_told(tmp_path: Path) -> None:
    """What differs from the defaults is there; places and the key are not."""
    settings = Settings(
        index=tmp_path, cache=tmp_path, api_key="a-secret-key", adapter=False, threads=1
    )
    assert changed_settings(settings) == {"adapter": False, "threads": 1}


def test_a_command_names_no_place_of_the_machine(tmp_path: Path) -> None:
    """Paths that begin at the root are told by their last part."""
    given = ["/usr/bin/python3", "-m", "benchmarks.speed", "--data", str(tmp_path / "xquad")]
    assert command_line(given) == "python -m benchmarks.speed --data …/xquad"


def test_an_origin_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is filled in, and where no model took part there is none."""
    monkeypatch.setenv("QA_PRECISION", "fp32")
    made_by = json.loads(json.dumps(Origin.now(("indexes.vector", "store"), threads=1).to_json()))
    assert made_by["settings"] == {"precision": "fp32", "threads": 1}
    assert list(made_by["modules"]) == ["indexes.vector", "store"]
    assert made_by["model"] is None
    assert made_by["adapter"] is None
    assert made_by["libraries"]["numpy"] not in {"", "unknown"}
    assert made_by["date"].endswith("Z")


@pytest.mark.slow
def test_the_model_is_named() -> None:
    """Figures that the encoder takes part in name it and its adapter."""
    found = Origin.now(("encoder.batching",))
    assert found.model is not None
    assert found.model.startswith("multilingual-e5-small:")
    assert found.adapter is not None
    assert len(found.adapter) == 16


def test_results_say_where_they_come_from(tmp_path: Path) -> None:
    """The JSON has all of it before the figures, and the page the most of it in its last line."""
    write_results(tmp_path / "new", "quality", {"found": "نعم"}, "# Quality\n\n| a |\n", ORIGIN)
    written = json.loads((tmp_path / "new" / "quality.json").read_text(encoding="utf-8"))
    assert list(written) == ["made_by", "found"]
    assert written["made_by"]["commit"] == {"sha": "0123456789", "is_dirty": True}
    assert written["made_by"]["modules"] == {"retrieval": "00ff00ff00ff00ff"}
    page = (tmp_path / "new" / "quality.md").read_text(encoding="utf-8")
    assert page.startswith("# Quality\n\n| a |\n\n")
    assert page.splitlines()[-1] == (
        "*Measured: 2026-03-01, commit 0123456789 with changes; AMD EPYC, 2 cores "
        "(avx2 avx512_bf16); multilingual-e5-small:72201e495b72598f with adapter "
        "50b89fa1f1c49a27; threads=1.*"
    )
