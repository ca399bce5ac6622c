"""An index folder is never read as articles, wherever it lies and whatever it is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from index_parts import make_indexer, make_store

from qa_service.articles.folder import ArticleFolder
from qa_service.corpus.bounds import SUPPORTED_SUFFIXES
from qa_service.corpus.discovery import discover
from qa_service.errors import CorpusError
from qa_service.store import IndexFolders, layout
from qa_service.types import FileState, IndexReport


def write(path: Path, text: str) -> Path:
    """Write an article."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read_files(report: IndexReport) -> set[str]:
    """Return the files that articles came from."""
    there = (FileState.INDEXED, FileState.UNCHANGED)
    return {outcome.path for outcome in report.files if outcome.state in there}


def found(root: Path, index: Path) -> set[str]:
    """Return the ids of what discovery finds for an index."""
    return {file.id for file in discover([root], indexes=IndexFolders(index)).files}


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Return a folder of articles in several scripts."""
    folder = tmp_path / "articles"
    write(folder / "قناة.txt", "قناة\nنص المقال هنا.")
    write(folder / "运河.txt", "运河\n运河全长82公里。")
    write(folder / "คลอง.txt", "คลอง\nน้ำ")
    return folder


def test_a_removed_article_stays_away(articles: Path) -> None:
    """The index lies inside the articles folder, where `qa-service index .` puts it."""
    index = articles / "index"
    indexer = make_indexer(index)
    for _ in range(2):
        report = indexer.run([articles])
        assert read_files(report) == {"قناة.txt", "运河.txt", "คลอง.txt"}
    folder = ArticleFolder(articles, make_store(index).removed, SUPPORTED_SUFFIXES)
    folder.remove(articles / "运河.txt")
    for _ in range(2):
        report = indexer.run([articles])
        assert read_files(report) == {"قناة.txt", "คลอง.txt"}
    skipped = [outcome for outcome in report.files if outcome.state is FileState.SKIPPED]
    assert [outcome.path for outcome in skipped] == [str(index)]
    assert "belongs to an index" in (skipped[0].reason or "")


def test_other_indexes_are_left_out_under_any_name(articles: Path, tmp_path: Path) -> None:
    """One of somebody else, deep down, a copy, one torn apart: told by what is in it."""
    other = articles / "2020" / "old-search"
    make_indexer(other).run([articles])
    write(other / "removed" / "gone.txt", "Gone\nThis must not come back.")
    expected = {"قناة.txt", "运河.txt", "คลอง.txt"}
    assert found(articles, tmp_path / "index") == expected
    (other / layout.CURRENT).unlink()
    (other / layout.LOCK).unlink(missing_ok=True)
    assert found(articles, tmp_path / "index") == expected


def test_an_index_that_is_made_for_the_first_time_is_left_out(articles: Path) -> None:
    """There is no generation yet, only the lock, or nothing but the name in the settings."""
    index = articles / "index"
    write(index / "removed" / "gone.txt", "Gone")
    assert "index/removed/gone.txt" not in found(articles, index)
    with make_store(articles / "other").write_lock():
        write(articles / "other" / "removed" / "gone.txt", "Gone")
        assert found(articles, index) == {"قناة.txt", "运河.txt", "คลอง.txt"}


def test_links_to_an_index_are_left_out(articles: Path, tmp_path: Path) -> None:
    """A link to the index, to its removed files, or to one of them leads to no article."""
    index = tmp_path / "index"
    make_indexer(index).run([articles])
    gone = write(index / "removed" / "gone.txt", "Gone")
    (articles / "a").symlink_to(index)
    (articles / "b").symlink_to(index / "removed")
    (articles / "c.txt").symlink_to(gone)
    for own in (index, tmp_path / "elsewhere"):
        assert found(articles, own) == {"قناة.txt", "运河.txt", "คลอง.txt"}


def test_folders_that_only_bear_the_names_are_read(articles: Path, tmp_path: Path) -> None:
    """What lies in a folder called index, removed, cache or generations may well be an article."""
    for name in ("index", "removed", "index/removed", "cache", "generations", "building"):
        write(articles / name / "a.txt", f"{name}\nAn article.")
    write(articles / "index" / "CURRENT.txt", "Current\nAffairs")
    assert len(found(articles, tmp_path / "index")) == 3 + 7


@pytest.mark.parametrize("name", ["", "removed", "removed/gone.txt", "generations"])
def test_an_index_is_refused_as_the_folder_of_articles(
    articles: Path, tmp_path: Path, name: str
) -> None:
    """Whoever names the index, or what it keeps, is told so."""
    index = tmp_path / "index"
    make_indexer(index).run([articles])
    write(index / "removed" / "gone.txt", "Gone")
    with pytest.raises(CorpusError, match="index folder of qa-service"):
        discover([index / name], indexes=IndexFolders(tmp_path / "elsewhere"))


def test_articles_in_a_folder_around_which_the_index_is_are_read(tmp_path: Path) -> None:
    """The index folder may be the one around the articles, when they are named."""
    articles = tmp_path / "articles"
    write(articles / "a.txt", "A\nstory")
    indexer = make_indexer(tmp_path)
    for _ in range(2):
        assert read_files(indexer.run([articles])) == {"a.txt"}


def test_what_an_index_writes_is_no_change_of_articles(articles: Path, tmp_path: Path) -> None:
    """The watcher asks of each path, those of files that are gone by then too."""
    index = articles / "index"
    make_indexer(index).run([articles])
    folders = IndexFolders(tmp_path / "elsewhere")
    written = [
        index,
        index / "CURRENT.new",
        index / "building" / "1" / "x",
        index / "removed" / "a",
    ]
    assert all(folders.is_written_by_index(path, articles) for path in written)
    assert not folders.is_written_by_index(articles / "قناة.txt", articles)
    assert not folders.is_written_by_index(articles / "removed" / "a.txt", articles)


def test_what_is_left_of_a_torn_index_is_still_known(articles: Path) -> None:
    """Removed articles stay away when an index is "started anew" by hand, or another is named."""
    index = articles / "index"
    make_indexer(index).run([articles])
    ArticleFolder(articles, make_store(index).removed, {".txt": 1000}).remove(articles / "运河.txt")
    make_indexer(index).run([articles])
    for name in (layout.CURRENT, layout.LOCK):
        (index / name).unlink()
    shutil.rmtree(index / layout.GENERATIONS)
    assert found(articles, articles.parent / "other") == {"قناة.txt", "คลอง.txt"}
    (index / layout.REMOVED).rename(articles / "kept")
    assert found(articles, articles.parent / "other") == {"قناة.txt", "คลอง.txt"}
