"""What is in the way of an index is named or replaced, whatever it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from index_parts import make_indexer, make_store

from qa_service.errors import IndexWriteError
from qa_service.store import layout
from qa_service.store.preparation import mark, refuse_what_is_in_the_way


@pytest.mark.parametrize("kind", ["folder", "file", "pipe", "dangling link"])
@pytest.mark.parametrize(
    "name",
    [layout.CURRENT, layout.LOCK, layout.WRITER, layout.GENERATIONS, layout.BUILDING, layout.CACHE],
)
def test_what_is_in_the_way_is_named_or_replaced(articles: Path, name: str, kind: str) -> None:
    """A run ends well, or says which path to remove; once that is done, the next one ends well."""
    index = articles.parent / "index"
    path = index / name
    path.parent.mkdir()
    if kind == "folder":
        (path / "in it").mkdir(parents=True)
    elif kind == "file":
        path.touch()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(index / "nowhere")
    refusal = ""
    try:
        make_indexer(index).run([articles])
    except IndexWriteError as error:
        refusal = str(error)
    if refusal:
        assert f"{path} is a" in refusal
        assert "Remove it" in refusal
        shutil.rmtree(path) if kind == "folder" else path.unlink()
        make_indexer(index).run([articles])
    assert make_store(index).verify() == ()


def test_a_folder_is_marked_once(tmp_path: Path) -> None:
    """What is there already under the marker's name stays; where no folder is, none is made."""
    mark(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    mark(tmp_path)
    assert (tmp_path / layout.MARKER).read_text(encoding="utf-8")
    (tmp_path / layout.MARKER).write_text("ملاحظة", encoding="utf-8")
    mark(tmp_path)
    assert (tmp_path / layout.MARKER).read_text(encoding="utf-8") == "ملاحظة"


@pytest.mark.parametrize("name", ["", layout.GENERATIONS, layout.REMOVED])
def test_a_file_where_a_folder_belongs(tmp_path: Path, name: str) -> None:
    """The refusal says what was found, what belongs there, and that nothing was changed."""
    index = tmp_path / "index"
    path = index / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(IndexWriteError, match=r"is a file, where the index keeps a folder"):
        refuse_what_is_in_the_way(index)
    assert path.read_text(encoding="utf-8") == "kept"
