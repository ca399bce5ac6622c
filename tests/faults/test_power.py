"""Power cuts: what was not yet synced may be torn or gone, and the index is whole all the same."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store, verify


class PowerCut(BaseException):
    """The machine is off; nobody catches this."""


class Machine:
    """Counts the steps of a write, knows what has reached the disk, and goes off at a step."""

    def __init__(self, off_at: int | None = None) -> None:
        self.off_at = off_at
        self.steps: list[str] = []
        self.safe: set[int] = set()

    def __call__(self, step: str) -> None:
        """Take a step, or find the machine off."""
        if self.off_at is not None and len(self.steps) >= self.off_at:
            raise PowerCut(step)
        # The step before this one is done.
        if self.steps and self.steps[-1].startswith("sync "):
            path = Path(self.steps[-1].removeprefix("sync "))
            if path.exists():
                self.safe.add(path.stat().st_ino)
        self.steps.append(step)


def lose_what_is_not_safe(
    index: Path, machine: Machine, known: set[int], chance: random.Random
) -> None:
    """Tear or delete every file that is neither older than the run nor synced by it."""
    for path in sorted(index.rglob("*")):
        if not path.is_file() or path.stat().st_ino in known | machine.safe:
            continue
        match chance.choice(["gone", "empty", "short", "zeros"]):
            case "gone":
                path.unlink()
            case "empty":
                os.truncate(path, 0)
            case "short":
                os.truncate(path, chance.randint(0, path.stat().st_size))
            case "zeros":
                path.write_bytes(bytes(path.stat().st_size))


def inodes(index: Path) -> set[int]:
    """Return the identity of every file."""
    return {path.stat().st_ino for path in index.rglob("*") if path.is_file()}


def texts(index: Path) -> dict[str, str]:
    """Return what the index in service holds; it must be whole."""
    generation = make_store(index).open_current(RECIPE)
    assert verify(generation) == ()
    page = generation.article_page(0, 100)
    return {item.id: generation.article(item.id).text for item in page.items}


def prepare(root: Path) -> tuple[Path, Path]:
    """Index a folder, then change it; return the folder and the index."""
    articles, index = root / "articles", root / "index"
    articles.mkdir()
    (articles / "ar.txt").write_text("عنوان\nالنص القديم", encoding="utf-8")
    (articles / "zh.txt").write_text("标题\n旧的", encoding="utf-8")
    make_indexer(index).run([articles])
    (articles / "ar.txt").write_text("عنوان\nالنص الجديد", encoding="utf-8")
    (articles / "th.txt").write_text("ตลาด\nใหม่", encoding="utf-8")
    return articles, index


@pytest.mark.slow
def test_power_cut_before_every_step(tmp_path: Path) -> None:
    """Whichever step the power fails at, the index in service is whole: the old one or the new."""
    articles, prepared = prepare(tmp_path)
    old = texts(prepared)
    new = {path.name: path.read_text(encoding="utf-8") for path in articles.iterdir()}
    chance = random.Random(1)
    seen = []
    for off_at in itertools.count():
        index = tmp_path / str(off_at)
        shutil.copytree(prepared, index)
        known = inodes(index)
        machine = Machine(off_at)
        try:
            make_indexer(index, fault=machine).run([articles])
        except PowerCut:
            lose_what_is_not_safe(index, machine, known, chance)
        else:
            break
        left = texts(index)
        assert left in (old, new), (off_at, machine.steps[-1:])
        seen.append(left == new)
        if off_at % 5 == 0:
            make_indexer(index).run([articles])
            assert texts(index) == new
            assert list((index / "building").iterdir()) == []
    # From the switch on it is the new one, and never before.
    assert seen == sorted(seen)
    assert {False, True} == set(seen)
