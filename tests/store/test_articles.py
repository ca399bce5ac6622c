"""What stands in a generation's articles comes back as it was read, in any script."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from index_parts import RECIPE, make_indexer, make_store, verify
from stored_articles import TEXTS

from qa_service.errors import ArticleNotFoundError
from qa_service.store import Generation, Store
from qa_service.types import ArticleName


@pytest.mark.parametrize("name", TEXTS)
def test_article_comes_back_as_stored(generation: Generation, name: str) -> None:
    """The text of an article in any script is what was read, and its passages are slices of it."""
    article = generation.article(name)
    assert article.text == TEXTS[name]
    assert article.title == TEXTS[name].splitlines()[0]
    passages = generation.passages_of(name)
    assert [passage.text for passage in passages] == TEXTS[name].splitlines()
    for passage in passages:
        assert passage.text == article.text[passage.start : passage.end]
        assert generation.passage(passage.id, name) == passage


def test_unknown_article(generation: Generation) -> None:
    """An id that is not indexed is named in the message; its passages are none."""
    with pytest.raises(ArticleNotFoundError, match="nowhere"):
        generation.article("nowhere")
    assert generation.passages_of("nowhere") == []
    assert generation.keys_of("nowhere").tolist() == []
    assert generation.passage("0", "ar.txt") is None


def test_names_of_articles(generation: Generation) -> None:
    """Articles are called by title and language; those that are not there have no name."""
    articles = generation.article_page(0, 50).items
    ids = [article.id for article in articles]
    names = generation.article_names([*ids, ids[0], "لا شيء.txt", *map(str, range(2000))])
    assert names == {
        article.id: ArticleName(article.id, article.title, article.language) for article in articles
    }
    assert {name.language for name in names.values()} >= {"ar", "zh", "hi", "th"}
    assert generation.article_names([]) == {}


def test_passages_come_in_the_order_of_keys(generation: Generation) -> None:
    """Keys may be asked for in any order and more than once; an unknown one is an error."""
    keys = [*generation.keys.tolist()[::-1], int(generation.keys[0])]
    passages = generation.passages(keys)
    assert [generation.passages([key])[0] for key in keys] == passages
    with pytest.raises(KeyError):
        generation.passages([10_000])


def test_more_keys_than_a_statement_takes(tmp_path: Path) -> None:
    """Thousands of passages can be fetched at once."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "long.txt").write_text("\n".join(f"line {i}" for i in range(2500)), encoding="utf-8")
    make_indexer(tmp_path / "index").run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)
    passages = generation.passages(generation.keys)
    assert [passage.text for passage in passages] == [f"line {i}" for i in range(2500)]


@pytest.mark.parametrize("letter", ["a", "ع", "語", "𐍈"])
def test_passages_across_pages_of_a_long_text(tmp_path: Path, letter: str) -> None:
    """Offsets hold in a text of several pages, wherever a passage starts and ends."""
    lines = ["Long", *(letter * n for n in (8186, 1, 8191, 8192, 20_000, 7, 8193))]
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "long.txt").write_text("\n".join(lines), encoding="utf-8")
    make_indexer(tmp_path / "index").run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)
    assert [passage.text for passage in generation.passages_of("long.txt")] == lines
    assert generation.article("long.txt").text == "\n".join(lines)
    assert verify(generation) == ()


def test_article_page(generation: Generation) -> None:
    """Articles are listed by title, in slices, and searched without regard to case."""
    everything = generation.article_page(0, 50)
    assert everything.total == len(TEXTS)
    assert [item.title for item in everything.items][:2] == ["Canal", "Mixed"]
    assert {item.id for item in everything.items} == set(TEXTS)
    second = generation.article_page(1, 2)
    assert second.total == len(TEXTS)
    assert second.items == everything.items[1:3]
    assert [item.id for item in generation.article_page(0, 9, "CANAL").items] == ["en.txt"]
    assert [item.id for item in generation.article_page(0, 9, "运").items] == ["zh.txt"]
    assert [item.id for item in generation.article_page(0, 9, "أرمينيا").items] == ["ar.txt"]
    assert [item.id for item in generation.article_page(0, 9, "Agency").items] == ["en.txt"]
    assert generation.article_page(0, 9, "%").total == 0
    assert all(item.is_removable for item in everything.items)
    assert sum(item.passages for item in everything.items) == 15


def test_one_article_of_several_in_a_file_is_not_removable(tmp_path: Path) -> None:
    """The list says which articles stand alone in their file."""
    folder = tmp_path / "articles"
    folder.mkdir()
    lines = [{"id": "one", "text": "first story"}, {"id": "two", "text": "second story"}]
    (folder / "two.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    make_indexer(tmp_path / "index").run([folder])
    page = make_store(tmp_path / "index").open_current(RECIPE).article_page(0, 9)
    assert [(item.id, item.is_removable) for item in page.items] == [("one", False), ("two", False)]


def test_sources(generation: Generation) -> None:
    """The sources that articles name are listed once each."""
    assert generation.sources() == ("agency",)


def test_verify_compares_offsets_with_the_text(store: Store) -> None:
    """Offsets that do not fit their article are found even if every checksum is right."""
    folder = store.open_current().folder
    connection = sqlite3.connect(folder / "articles.db")
    with connection:
        connection.execute('UPDATE passages SET "end" = "end" + 1000 WHERE key = 3')
        backwards = np.array([[5, 2]], dtype="<i4").tobytes()
        connection.execute("UPDATE passages SET sentences = ? WHERE key = 5", (backwards,))
        connection.execute("UPDATE texts SET text = text || '!' WHERE rowid = 1")
    connection.close()
    problems = "\n".join(verify(store.open_current(RECIPE, is_checked=False)))
    assert "passage 3: offsets" in problems
    assert "passage 5: sentence" in problems
    assert "its text is not what was stored" in problems
