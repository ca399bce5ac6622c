"""The store: what a generation answers, the switch between generations, and what goes wrong."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Set
from pathlib import Path

import numpy as np
import pytest
from index_parts import (
    RECIPE,
    NoCentering,
    TextLoader,
    WordAnalyzer,
    WordHashEncoder,
    make_indexer,
    make_parts,
    make_store,
    verify,
)
from memory_engine import MemoryEngine

from qa_service.corpus.discovery import SourceFile
from qa_service.corpus.reading import FileArticles
from qa_service.errors import (
    ArticleNotFoundError,
    IndexBusyError,
    IndexCorruptError,
    IndexMismatchError,
    IndexWriteError,
    NoIndexError,
    NoPreviousGenerationError,
)
from qa_service.indexer import Indexer
from qa_service.store import Generation, Recipe, Store
from qa_service.store.manifest import MANIFEST
from qa_service.types import ArticleName, Filters, Passage

TEXTS = {
    "ar.txt": "أرمينيا\nأوقفت الشرطة تسعة أشخاص في يريفان.\nوأطلق سراح أربعة منهم.",
    "en.txt": "Canal\nThe canal is 82 kilometres long.\nIt has four locks. agency",
    "hi.txt": "नदी\nनदी पहाड़ों से निकलती है।",
    "th.txt": "ตลาด\nตลาดน้ำเปิดทุกวัน",
    "zh.txt": "运河\n运河全长82公里。\n共有四座船闸。",
    "mixed.txt": "Mixed\nKyiv Київ 基辅 كييف 2024",
}


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Return a folder of articles in six scripts."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path, articles: Path) -> Store:
    """Return a store with one generation of those articles."""
    make_indexer(tmp_path / "index").run([articles])
    return make_store(tmp_path / "index")


@pytest.fixture
def generation(store: Store) -> Generation:
    """Return that generation."""
    return store.open_current(RECIPE)


def change(store: Store, articles: Path, name: str, text: str) -> Generation:
    """Write a file, index, and return the new generation."""
    (articles / name).write_text(text, encoding="utf-8")
    make_indexer(store.path).run([articles])
    return store.open_current(RECIPE)


def found(generation: Generation, question: str) -> Passage:
    """Return the passage nearest to a question."""
    vector = WordHashEncoder().encode_query([question]).vectors[0]
    return generation.passages(generation.vectors.search(vector, 1).keys)[0]


# What a generation answers


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


def test_languages(generation: Generation) -> None:
    """Each passage knows its language, and they are counted."""
    keys = generation.keys[::-1]
    expected = [passage.language for passage in generation.passages(keys)]
    assert generation.languages_of(keys) == expected
    assert generation.language_counts() == {"ar": 5, "en": 3, "hi": 2, "th": 2, "zh": 3}
    with pytest.raises(KeyError):
        generation.languages_of(np.array([10_000]))


def test_filters(tmp_path: Path) -> None:
    """Language, source and dates, alone and together, allow just the passages they should."""

    class DatedLoader(TextLoader):
        """Gives every article a date from its name."""

        def read(
            self,
            file: SourceFile,
            repeated: Set[str] = frozenset(),
            on_share: Callable[[float], None] | None = None,
        ) -> FileArticles:
            (article,) = super().read(file, repeated, on_share).articles
            year = int(article.id.removesuffix(".txt"))
            published = dt.date(year, 6, 1) if year else None
            return FileArticles((dataclasses.replace(article, published=published),))

    folder = tmp_path / "articles"
    folder.mkdir()
    texts = {"2019": "one agency", "2020": "two", "2021": "ثلاثة agency", "0": "undated agency"}
    for year, text in texts.items():
        (folder / f"{year}.txt").write_text(text, encoding="utf-8")
    make_indexer(tmp_path / "index", make_parts(loader=DatedLoader())).run([folder])
    generation = make_store(tmp_path / "index").open_current(RECIPE)

    def allowed(**filters: object) -> list[str]:
        keys = generation.allowed_keys(Filters(**filters))  # type: ignore[arg-type]
        assert keys is not None
        assert np.all(np.diff(keys) > 0)
        return sorted(p.article_id.removesuffix(".txt") for p in generation.passages(keys))

    assert generation.allowed_keys(Filters()) is None
    assert allowed(language="ar") == ["2021"]
    assert allowed(language="xx") == []
    assert allowed(source="agency") == ["0", "2019", "2021"]
    assert allowed(source="agency' OR 1=1 --") == []
    assert allowed(published_from=dt.date(2020, 6, 1)) == ["2020", "2021"]
    assert allowed(published_to=dt.date(2020, 6, 1)) == ["2019", "2020"]
    assert allowed(published_from=dt.date(2019, 7, 1), published_to=dt.date(2020, 12, 31)) == [
        "2020"
    ]
    assert allowed(source="agency", language="en") == ["0", "2019"]
    for number in range(40):
        assert allowed(source=f"source {number}") == []
    assert allowed(language="ar") == ["2021"]


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


# Generations and the switch


def test_no_index_yet(tmp_path: Path) -> None:
    """An empty or missing folder holds no index, and asking for one makes none."""
    for path in (tmp_path / "missing", tmp_path):
        store = make_store(path)
        assert store.current_id() is None
        assert store.previous_id() is None
        with pytest.raises(NoIndexError, match="qa-service index"):
            store.open_current(RECIPE)
    assert not (tmp_path / "missing").exists()


def test_a_reader_keeps_its_generation(store: Store, articles: Path) -> None:
    """Whoever holds a generation sees all of it, through any number of switches and deletions."""
    first = store.open_current(RECIPE)
    for number in range(4):
        change(store, articles, "en.txt", f"Canal\nThe canal was closed {number} times.")
    assert first.folder.is_dir()
    assert found(first, "82 kilometres long").text == "The canal is 82 kilometres long."
    assert first.article("en.txt").text == TEXTS["en.txt"]
    assert verify(first) == ()
    assert (
        found(store.open_current(RECIPE), "the canal was closed 3 times").text
        == "The canal was closed 3 times."
    )
    folder = first.folder
    first.close()
    change(store, articles, "en.txt", "Canal\nopen")
    assert not folder.exists()


def test_old_generations_go_when_nobody_reads_them(store: Store, articles: Path) -> None:
    """The live generation and the one before it stay, and nothing else."""
    for number in range(3):
        change(store, articles, "en.txt", f"Canal {number}").close()
    names = sorted(path.name for path in (store.path / "generations").iterdir())
    assert names == [store.previous_id(), store.current_id()]
    assert list((store.path / "building").iterdir()) == []
    assert list((store.path / "cache").iterdir()) == []


def test_unchanged_files_are_shared(store: Store, articles: Path) -> None:
    """A small change writes a small part of what a generation holds anew."""
    before = store.open_current(RECIPE)
    after = change(store, articles, "new.txt", "New\nshort")
    shared = [
        name
        for name in before.manifest.files
        if name in after.manifest.files and (before.folder / name).samefile(after.folder / name)
    ]
    assert "vectors/000001.rows" in shared
    assert "tokens/000001.rows" in shared
    assert "articles.db" not in shared


def test_rollback(store: Store, articles: Path) -> None:
    """The previous generation answers again, and there is none before it."""
    change(store, articles, "en.txt", "Canal\nThe canal was closed.").close()
    manifest = store.rollback()
    assert manifest.id == store.current_id()
    assert store.open_current(RECIPE).article("en.txt").text == TEXTS["en.txt"]
    with pytest.raises(NoPreviousGenerationError, match="qa-service index --rebuild"):
        store.rollback()
    # Indexing again brings the newer text back, and never a key that meant something else.
    generation = change(store, articles, "zh.txt", "新\n新的")
    assert generation.article("en.txt").text == "Canal\nThe canal was closed."
    assert verify(generation) == ()


def test_keys_are_never_used_again(store: Store, articles: Path) -> None:
    """A key that meant one passage never means another, not even after a rollback or a rebuild."""
    meaning: dict[int, str] = {}

    def note(generation: Generation) -> None:
        for key, passage in zip(
            generation.keys.tolist(), generation.passages(generation.keys), strict=True
        ):
            assert meaning.setdefault(key, passage.text) == passage.text

    note(store.open_current(RECIPE))
    note(change(store, articles, "en.txt", "Canal\nanother text"))
    store.rollback()
    note(change(store, articles, "en.txt", "Canal\nyet another text"))
    (articles / "en.txt").unlink()
    make_indexer(store.path).run([articles], rebuild=True)
    note(store.open_current(RECIPE))


def test_unchanged_passages_keep_their_keys(store: Store, articles: Path) -> None:
    """Editing one paragraph leaves the others' places in every index alone."""
    generation = store.open_current(RECIPE)
    keys, passages = generation.keys_of("ar.txt").tolist(), generation.passages_of("ar.txt")
    before = dict(zip(keys, passages, strict=True))
    lines = TEXTS["ar.txt"].splitlines()
    after = change(store, articles, "ar.txt", "\n".join([lines[0], "فقرة جديدة.", lines[2]]))
    kept = set(before) & set(after.keys_of("ar.txt").tolist())
    assert sorted(before[key].text for key in kept) == sorted([lines[0], lines[2]])


# What goes wrong


def files_of(generation: Generation) -> list[str]:
    """Return every file of a generation, the manifest included."""
    return [*generation.manifest.files, MANIFEST]


def test_every_missing_file_is_noticed_on_opening(store: Store) -> None:
    """Take away any file, and opening names it and the mend."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        (folder / name).rename(folder / "away")
        with pytest.raises(IndexCorruptError, match=rf"{Path(name).name}.*qa-service rollback"):
            store.open_current(RECIPE)
        (folder / "away").rename(folder / name)
    assert verify(store.open_current(RECIPE)) == ()


def put(path: Path, content: bytes | bytearray) -> None:
    """Put a new file in the place of one that may be mapped: cutting that short would kill."""
    beside = path.with_name("beside")
    beside.write_bytes(content)
    beside.replace(path)


def test_every_torn_file_is_noticed_on_opening(store: Store) -> None:
    """Cut any file short, and opening names it."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        content = (folder / name).read_bytes()
        put(folder / name, content[: len(content) // 2])
        with pytest.raises(IndexCorruptError, match=Path(name).name):
            store.open_current(RECIPE)
        put(folder / name, content)


def test_every_changed_byte_is_found_by_verify(store: Store) -> None:
    """Flip a bit anywhere, and `verify` names the file, or it does not even open."""
    names = files_of(store.open_current(RECIPE))
    folder = store.open_current().folder
    for name in names:
        content = (folder / name).read_bytes()
        for place in {0, len(content) // 3, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 1
            put(folder / name, changed)
            try:
                problems = verify(store.open_current(RECIPE))
            except (IndexCorruptError, IndexMismatchError):
                continue
            assert any(name in problem for problem in problems), (name, place)
        put(folder / name, content)
    assert verify(store.open_current(RECIPE)) == ()


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


def test_last_good_generation_stands_in(store: Store, articles: Path) -> None:
    """When the live generation is damaged the one before it can serve, and the damage is told."""
    good = store.current_id()
    bad = change(store, articles, "en.txt", "Canal\nThe canal was closed.")
    (bad.folder / "tokens" / "table.npy").unlink()
    bad.close()
    last = store.open_last_good(RECIPE)
    assert last.generation is not None
    assert last.generation.id == good
    assert "table.npy" in str(last.problem)
    # The next run mends it, though no file has changed.
    report = make_indexer(store.path).run([articles])
    assert report.is_new
    mended = store.open_current(RECIPE)
    assert mended.article("en.txt").text == "Canal\nThe canal was closed."
    assert verify(mended) == ()


def test_everything_damaged(store: Store, articles: Path) -> None:
    """When no generation opens, that is told, and indexing makes the index anew."""
    folder = store.open_current().folder
    (folder / MANIFEST).write_text("{}", encoding="utf-8")
    last = store.open_last_good(RECIPE)
    assert last.generation is None
    assert last.problem is not None
    make_indexer(store.path).run([articles])
    assert verify(store.open_current(RECIPE)) == ()


@pytest.mark.parametrize(
    "content", ["", "../../etc", "nothing-there", "000099-20260101T000000Z", "\x00"]
)
def test_broken_current(store: Store, content: str) -> None:
    """A CURRENT that names no generation is an error with a mend, not a crash."""
    (store.path / "CURRENT").write_text(content, encoding="utf-8")
    with pytest.raises(IndexCorruptError, match="qa-service rollback"):
        store.open_current(RECIPE)
    assert store.open_last_good(RECIPE).generation is not None
    store.rollback()
    assert verify(store.open_current(RECIPE)) == ()


@pytest.mark.parametrize(
    ("field", "value"), [("model", "other-model"), ("codec", "pq-2"), ("analyzer", "words-9")]
)
def test_other_parts_are_refused(store: Store, field: str, value: str) -> None:
    """An index made with another model, codec or analyser names both and the mend."""
    wanted = dataclasses.replace(RECIPE, **{field: value})
    found_value = getattr(RECIPE, field)
    with pytest.raises(
        IndexMismatchError,
        match=rf"{field} {found_value}; settings ask for {value}.*qa-service index --rebuild",
    ):
        store.open_current(wanted)


@pytest.mark.parametrize("field", ["chunker", "reading", "statistics"])
def test_other_rules_of_making_still_answer(store: Store, field: str) -> None:
    """Articles read, cut or learnt from differently are as good until the next run."""
    store.open_current(dataclasses.replace(RECIPE, **{field: "2"}))


def test_another_format_is_refused(store: Store) -> None:
    """A generation of a later version is not misread."""
    path = store.open_current().folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8")) | {"format": 99}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="format 99"):
        store.open_current(RECIPE)


def test_second_writer_is_told_who_is_first(store: Store, articles: Path) -> None:
    """Another thread or process that writes is named; readers go on; the lock ends with it."""
    with store.write_lock():
        for other in (store, make_store(store.path)):
            with pytest.raises(IndexBusyError, match=f"process {os.getpid()} on"):
                other.rollback()
        with pytest.raises(IndexBusyError):
            make_indexer(store.path).run([articles])
        store.open_current(RECIPE).close()
    make_indexer(store.path).run([articles])


def test_lock_of_a_dead_process_is_free(store: Store, articles: Path) -> None:
    """A writer that was killed leaves a lock file that hinders nobody."""
    script = (
        "import os, signal, sys\n"
        "from index_parts import make_store\n"
        "from pathlib import Path\n"
        "with make_store(Path(sys.argv[1])).write_lock():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", script, str(store.path)], check=False, env=environment, timeout=60
    )
    assert (store.path / "writer.json").exists()
    change(store, articles, "en.txt", "Canal\nopen")


def test_what_a_killed_run_was_building_goes(store: Store, articles: Path) -> None:
    """The next run deletes what is left of one that was killed, even when nothing has changed."""
    leftover = store.path / "building" / "000009-20260101T000000Z"
    (leftover / "lexical").mkdir(parents=True)
    (leftover / "articles.db").write_bytes(b"half")
    (store.path / "CURRENT.new").write_text("half")
    current = store.current_id()
    assert store.open_current(RECIPE).id == current
    assert store.previous_id() is None
    report = make_indexer(store.path).run([articles])
    assert not report.is_new
    assert not leftover.exists()
    assert not (store.path / "CURRENT.new").exists()


def test_a_writer_is_seen_without_waiting(store: Store) -> None:
    """Whoever asks is told at once that another writes, and nothing while nobody does."""
    store.refuse_while_busy()
    other = make_store(store.path)
    with other.write_lock(), pytest.raises(IndexBusyError, match="is being written by process"):
        store.refuse_while_busy()
    store.refuse_while_busy()
    make_store(store.path.parent / "nowhere").refuse_while_busy()
    assert not (store.path.parent / "nowhere").exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_read_only_folder(store: Store, articles: Path) -> None:
    """A folder that may not be written to can be read from, and says what to do."""
    store.path.chmod(0o500)
    try:
        store.open_current(RECIPE)
        with pytest.raises(IndexWriteError, match="write access"):
            make_indexer(store.path).run([articles])
    finally:
        store.path.chmod(0o700)


def test_manifest_tells_what_is_inside(generation: Generation, articles: Path) -> None:
    """The manifest counts, dates and names what the generation holds."""
    manifest = generation.manifest
    assert manifest.recipe == RECIPE
    assert isinstance(manifest.recipe, Recipe)
    assert (manifest.file_count, manifest.articles, manifest.passages) == (6, 6, 15)
    assert manifest.sources == (str(articles),)
    assert manifest.parent is None
    assert manifest.created_at.tzinfo is not None
    sizes = sum((generation.folder / name).stat().st_size for name in manifest.files)
    assert manifest.size_bytes == sizes


# Another engine


def test_an_engine_that_keeps_nothing_in_files(tmp_path: Path, articles: Path) -> None:
    """Generations are made, gone on from, searched, checked and rolled back to all the same."""
    store = Store(tmp_path / "index", engine=MemoryEngine(), centering=NoCentering())
    indexer = Indexer(store, make_parts())
    first = indexer.run([articles])
    old = store.open_current(RECIPE)
    assert set(old.manifest.files) == {"articles.db", "keys.npy", "columns.npy", "statistics.npz"}
    (articles / "th.txt").unlink()
    (articles / "ja.txt").write_text("新しい\n新しい記事", encoding="utf-8")
    second = indexer.run([articles])
    assert (second.embedded, second.reused) == (2, first.passages - 2)
    new = store.open_current(RECIPE)
    for generation, article in ((old, "th.txt"), (new, "ja.txt")):
        assert verify(generation) == ()
        text = (generation.passages_of(article))[-1].text
        assert found(generation, text).article_id == article
        by_terms = generation.lexical.search(WordAnalyzer().terms(text, "und"), 1).keys
        assert generation.passages(by_terms)[0].article_id == article
    assert new.find_embeddings([b"?"]) == {}
    assert store.rollback().id == first.generation
    assert store.verify() == ()
    # Nothing is embedded twice, whichever generation holds it.
    assert indexer.run([articles], rebuild=True).embedded == 0
