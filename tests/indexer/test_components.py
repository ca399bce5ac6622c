"""Parts of other versions: what is made anew, what is kept and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from index_parts import RECIPE, SignCodec, make_parts, verify
from workshop import Workshop, states

from qa_service.errors import IndexMismatchError
from qa_service.indexer import Components
from qa_service.store import Store
from qa_service.store.manifest import MANIFEST


def test_another_model_is_refused_until_rebuilt(workshop: Workshop) -> None:
    """Vectors of two models are never mixed."""
    workshop.encoder.fingerprint = "word-hash-2"
    workshop.change_recipe(model="word-hash-2")
    with pytest.raises(IndexMismatchError, match="qa-service index --rebuild"):
        workshop.index()
    report = workshop.index(rebuild=True)
    assert report.embedded == 10


def test_another_chunker_cuts_everything_anew(workshop: Workshop) -> None:
    """Passages follow a new chunker; those that come out the same keep their embeddings."""
    workshop.change_recipe(chunker="2")
    report = workshop.index()
    assert report.is_new
    assert report.embedded == 0
    assert len(workshop.loader.read_files) == 5
    assert not workshop.index().is_new


def test_other_reading_rules_read_everything_anew(workshop: Workshop) -> None:
    """A code update of the readers is noticed; text that comes out the same is not embedded."""
    first = workshop.index().generation
    workshop.change_recipe(reading="2")
    workshop.write("en.txt", "Canal\nIt has five locks.")
    report = workshop.index()
    assert report.generation != first
    assert len(workshop.loader.read_files) == 5
    assert workshop.encoder.encoded == ["It has five locks."]
    assert not workshop.index().is_new


def test_other_reading_rules_try_unreadable_files_again(workshop: Workshop) -> None:
    """A file that the old reader could not read may be one that the new one can."""
    (workshop.articles / "bad.txt").write_bytes(b"\xff\xfe\xff")
    assert states(workshop.index())["bad.txt"] == "failed"
    workshop.index()
    assert workshop.loader.read_files == []
    workshop.change_recipe(reading="2")
    workshop.index()
    assert "bad.txt" in workshop.loader.read_files


def test_other_reading_rules_find_repeated_lines_anew(tmp_path: Path) -> None:
    """Lines dropped by the rules of before come back when those of now keep them."""
    workshop = Workshop(tmp_path)
    for number, text in enumerate(("خبر أول", "第二条新闻", "ข่าวที่สาม", "चौथी खबर")):
        workshop.write(f"{number}.txt", f"{text}\n\nDaily Post")
    workshop.index()
    assert workshop.generation().manifest.repeated_lines.lines == {"daily post"}
    for number in range(4):
        path = workshop.articles / f"{number}.txt"
        path.write_text(path.read_text(encoding="utf-8").replace("Post", f"Post {number}?"))
    workshop.index()
    assert workshop.generation().manifest.repeated_lines.lines == {"daily post"}
    workshop.change_recipe(reading="2")
    workshop.index()
    assert workshop.generation().manifest.repeated_lines.lines == frozenset()


def rename_reading(store: Store) -> None:
    """Give the generation in service the manifest that the first versions wrote."""
    generation = store.open_current()
    path = generation.folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["seal"]
    content["recipe"]["reader"] = content["recipe"].pop("reading")
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    content["seal"] = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    generation.close()


def test_an_index_of_the_first_versions_goes_on(workshop: Workshop) -> None:
    """Its manifest calls the version of reading by another name; nothing is read or embedded."""
    rename_reading(workshop.store)
    old = workshop.generation()
    assert old.manifest.recipe == workshop.parts.recipe
    assert verify(old) == ()
    assert workshop.nearest("It has four locks") == "It has four locks, أربعة أقفال, 四座船闸."
    assert not workshop.index().is_new


def test_recipe_names_every_part() -> None:
    """The recipe of an index follows from the parts that make it."""
    parts: Components = make_parts()
    assert parts.recipe == RECIPE
    assert parts.recipe.codec == SignCodec.fingerprint
