"""One run of the indexer: what is in the folder is what answers, whatever comes in between."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from index_parts import RECIPE, NoCentering, WordHashEncoder, make_indexer, make_store
from workshop import Workshop, states

from qa_service.errors import CorpusError, IndexWriteError, NoIndexError
from qa_service.indexer import Indexer, progress
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.indexes.engine import Center, Indexes
from qa_service.indexes.packing import EmbeddingSize
from qa_service.store import Store
from qa_service.types import IndexReport, Progress, Stage


def test_nothing_to_do_makes_no_generation(workshop: Workshop) -> None:
    """A second run reads no file, embeds nothing and leaves the generation in service."""
    before = workshop.store.current_id()
    report = workshop.index()
    assert not report.is_new
    assert report.generation == before
    assert workshop.encoder.encoded == []
    assert set(states(report).values()) == {"unchanged"}
    assert (report.articles, report.passages) == (5, 10)


def test_deleted_files_stop_answering(workshop: Workshop) -> None:
    """A file that is gone leaves no article, passage, vector, term or token behind."""
    (workshop.articles / "zh.txt").unlink()
    before = workshop.generation().keys_of("zh.txt")
    report = workshop.index()
    assert states(report)["zh.txt"] == "removed"
    assert report.embedded == 0
    assert "zh.txt" not in workshop.texts()
    generation = workshop.generation()
    assert not np.isin(before, generation.keys).any()
    assert not np.isin(before, generation.lexical.search(["运", "河"], 10).keys).any()
    with pytest.raises(KeyError):
        generation.embeddings.tokens(before)
    database = (generation.folder / "articles.db").read_bytes()
    assert "运河全长82公里".encode() not in database


@pytest.mark.parametrize("target", ["renamed.txt", "th/moved.txt"])
def test_renaming_and_moving_embeds_nothing(workshop: Workshop, target: str) -> None:
    """A file under another name is another article with the same embeddings."""
    (workshop.articles / "zh.txt").rename(workshop.articles / target)
    report = workshop.index()
    assert report.embedded == 0
    assert states(report)["zh.txt"] == "removed"
    assert states(report)[target] == "indexed"
    assert workshop.texts()[target] == "运河\n运河全长82公里。"
    assert workshop.nearest("运河全长82公里") == "运河全长82公里。"


def test_rebuild_reads_everything_and_embeds_nothing(workshop: Workshop) -> None:
    """`--rebuild` makes all parts anew from the texts, but keeps the embeddings."""
    report = workshop.index(rebuild=True)
    assert report.is_new
    assert report.embedded == 0
    assert len(workshop.loader.read_files) == 5
    assert workshop.nearest("تسعة أشخاص أوقفت الشرطة") == "أوقفت الشرطة تسعة أشخاص."


def drop(report: IndexReport) -> dict[str, list[str]]:
    """Return the lines that were dropped because they repeat, by file."""
    return {
        outcome.path: [
            item.text for item in outcome.dropped if item.reason == "repeated_across_corpus"
        ]
        for outcome in report.files
    }


def test_lines_that_most_articles_repeat_are_dropped(tmp_path: Path) -> None:
    """The name of the site under every article is no part of any, in the first run already."""
    workshop = Workshop(tmp_path)
    for number, text in enumerate(["عن القناة.", "关于运河。", "About the canal.", "О канале."]):
        workshop.write(f"{number}.txt", f"{text}\nموقع الأخبار")
    report = workshop.index()
    assert list(drop(report).values()) == [["موقع الأخبار"]] * 4
    assert sorted(workshop.texts().values()) == sorted(
        ["عن القناة.", "关于运河。", "About the canal.", "О канале."]
    )
    assert report.embedded == 4
    # The next article loses it too, and the others are not read again.
    workshop.write("4.txt", "नहर के बारे में।\nموقع الأخبار")
    assert drop(workshop.index())["4.txt"] == ["موقع الأخبار"]
    assert workshop.loader.read_files == ["4.txt"]


def test_lines_are_counted_anew_when_the_corpus_has_doubled(tmp_path: Path) -> None:
    """An index that began with one article learns what its site repeats, without a rebuild."""
    workshop = Workshop(tmp_path)
    for number in range(6):
        workshop.write(f"{number}.txt", f"Story number {number}.\nสำนักข่าว")
        workshop.index()
    assert sorted(workshop.texts().values()) == [f"Story number {number}." for number in range(6)]


def test_duplicates_lose_repeated_lines_too(tmp_path: Path) -> None:
    """Articles that are the same but for the line that repeats are stored once in the end."""
    workshop = Workshop(tmp_path)
    for number in range(6):
        workshop.write(f"{number}.txt", f"Story {number // 2}.\nموقع الأخبار")
    workshop.write("6.txt", "Story 0.")
    report = workshop.index()
    assert sorted(workshop.texts().values()) == ["Story 0.", "Story 1.", "Story 2."]
    # The article that never had the line was stored as itself before the line was found out.
    assert report.duplicates == {
        "0.txt": "6.txt",
        "1.txt": "6.txt",
        "3.txt": "2.txt",
        "5.txt": "4.txt",
    }


def test_an_emptied_folder_is_not_taken_for_granted(workshop: Workshop) -> None:
    """When every file is gone the index stays in service until one insists."""
    for path in workshop.articles.rglob("*.txt"):
        path.unlink()
    before = workshop.store.current_id()
    with pytest.raises(CorpusError, match=r"not mounted.*qa-service index --rebuild"):
        workshop.index()
    assert workshop.store.current_id() == before
    report = workshop.index(rebuild=True)
    assert (report.articles, report.passages) == (0, 0)
    workshop.write("zh.txt", "运河\n运河全长82公里。")
    assert workshop.index().articles == 1


def test_removing_the_last_article_on_purpose(workshop: Workshop) -> None:
    """Whoever takes out the last article gets an empty index."""
    for path in workshop.articles.rglob("*.txt"):
        path.unlink()
    report = workshop.index(allow_empty=True)
    assert report.passages == 0
    generation = workshop.generation()
    assert generation.vectors.search(np.ones(RECIPE.dimension, np.float32), 5).keys.tolist() == []


@pytest.mark.parametrize("rebuild", [False, True])
def test_when_no_file_can_be_read_the_index_stays(workshop: Workshop, rebuild: bool) -> None:
    """If all files fail, something else is wrong, and the last good index goes on answering."""
    before = workshop.texts()
    for path in workshop.articles.rglob("*.txt"):
        path.write_bytes(b"\xff")
    with pytest.raises(CorpusError, match="not UTF-8 at byte 0, and 4 more like this"):
        workshop.index(rebuild=rebuild)
    assert workshop.texts() == before
    assert list((workshop.store.path / "building").iterdir()) == []


def test_no_path_and_no_index(tmp_path: Path) -> None:
    """Without an index there is no last run whose folders could be meant."""
    with pytest.raises(CorpusError, match="Name the files and folders"):
        make_indexer(tmp_path / "index").run()


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that does not exist is named, and no index is made."""
    with pytest.raises(CorpusError, match="does not exist"):
        make_indexer(tmp_path / "index").run([tmp_path / "nowhere"])
    with pytest.raises(NoIndexError):
        make_store(tmp_path / "index").open_current()


def test_the_last_folders_are_the_default(workshop: Workshop) -> None:
    """Without paths a run mirrors what the last one did, from wherever it is started."""
    workshop.write("new.txt", "New\nnew")
    report = Indexer(workshop.store, workshop.parts).run()
    assert states(report)["new.txt"] == "indexed"


def test_other_folders_replace_the_first(workshop: Workshop, tmp_path: Path) -> None:
    """The index mirrors the folders given, not those of before, even under the same names."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "zh.txt").write_text("运河\n运河全长99公里。", encoding="utf-8")
    first = (workshop.articles / "zh.txt").stat()
    os.utime(other / "zh.txt", ns=(first.st_atime_ns, first.st_mtime_ns))
    Indexer(workshop.store, workshop.parts).run([other])
    assert workshop.texts() == {"zh.txt": "运河\n运河全长99公里。"}


def test_a_folder_that_moved_is_remembered(workshop: Workshop, tmp_path: Path) -> None:
    """Files that are the same elsewhere are mirrored from there from now on."""
    workshop.articles = workshop.articles.rename(tmp_path / "moved")
    report = workshop.index()
    assert report.embedded == 0
    assert workshop.generation().manifest.sources == (str(tmp_path / "moved"),)
    assert not Indexer(workshop.store, workshop.parts).run().is_new


def test_a_run_opens_each_generation_once(workshop: Workshop) -> None:
    """The one that it goes on from, one before that, and the one that it writes, to verify it."""
    workshop.write("new.txt", "New\nnew")
    workshop.index()
    opened: list[str] = []
    engine = EmbeddedEngine()

    class Counting:
        """Counts what is opened."""

        embedding_files = engine.embedding_files
        begin = engine.begin

        def open(self, folder: Path, size: EmbeddingSize, center: Center) -> Indexes:
            """Open, and note it."""
            opened.append(folder.name)
            return engine.open(folder, size, center)

    before = sorted(path.name for path in (workshop.store.path / "generations").iterdir())
    store = Store(workshop.store.path, engine=Counting(), centering=NoCentering())
    workshop.write("newer.txt", "Newer\nnewer")
    report = Indexer(store, workshop.parts).run([workshop.articles])
    assert report.is_new
    assert len(before) == 2
    assert sorted(opened) == [*before, report.generation]
    opened.clear()
    assert not Indexer(store, workshop.parts).run([workshop.articles]).is_new
    assert opened == [report.generation]


def test_progress_runs_through_all_stages(workshop: Workshop) -> None:
    """Each stage counts up to its total, in order."""
    workshop.write("a.txt", "A\nnew")
    workshop.write("b.txt", "B\nnewer")
    seen: list[Progress] = []
    workshop.index(on_progress=seen.append)
    assert list(dict.fromkeys(item.stage for item in seen)) == list(Stage)
    for stage, total in ((Stage.READING, 2), (Stage.EMBEDDING, 4), (Stage.VERIFYING, 1)):
        counts = [item.done for item in seen if item.stage is stage]
        assert counts == sorted(counts)
        assert {item.total for item in seen if item.stage is stage} == {total}
        assert (counts[0], counts[-1]) == (0, total)


def test_a_large_file_is_seen_to_come_along(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is counted by size, and each article of a file counts: as it is read, and stored."""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", 0.0)
    workshop.write_lines(
        "big.jsonl", **{f"a{number}": f"story {number}" * 30 for number in range(50)}
    )
    workshop.write("small.txt", "Small\nnews")
    seen: list[Progress] = []
    workshop.index(on_progress=seen.append)
    reading = [item for item in seen if item.stage is Stage.READING]
    shares = [item.share for item in reading]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    within = [item.share for item in reading if item.done == 0]
    assert len(within) > 100
    assert max(within) > 0.7
    assert max(after - before for before, after in pairwise(within)) < 0.02
    assert {item.total for item in reading} == {2}


def test_a_failing_encoder_leaves_the_index_in_service(workshop: Workshop) -> None:
    """Whatever breaks in between, the last good index goes on answering and no half is left."""
    before = workshop.texts()
    workshop.write("new.txt", "New\nnew")

    def fail(texts: Sequence[str], titles: Sequence[str] | None = None) -> None:
        raise RuntimeError("model crashed")

    workshop.encoder.encode_document = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError, match="model crashed"):
        workshop.index()
    assert workshop.texts() == before
    assert list((workshop.store.path / "building").iterdir()) == []


def test_a_full_disk_is_explained(workshop: Workshop) -> None:
    """A write that fails for lack of space says so and leaves the index in service."""

    def full(step: str) -> None:
        if step.startswith("sync"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), step)

    workshop.write("new.txt", "New\nnew")
    before = workshop.store.current_id()
    with pytest.raises(IndexWriteError, match="the disk is full"):
        make_indexer(workshop.store.path, workshop.parts, full).run([workshop.articles])
    assert workshop.store.current_id() == before
    assert list((workshop.store.path / "building").iterdir()) == []
    assert workshop.index().is_new


@pytest.mark.parametrize("seed", range(6))
def test_any_series_of_changes_ends_as_a_fresh_index_would(tmp_path: Path, seed: int) -> None:
    """After random changes, rebuilds and rollbacks the index answers as one made from nothing."""
    chance = random.Random(seed)
    workshop = Workshop(tmp_path)
    names = [f"{letter}.txt" for letter in "abcdefgh"]
    bodies = ["مرحبا.", "世界。", "สวัสดี.", "नमस्ते।", "hello.", "Привет мир.", "42."]
    workshop.write("keep.txt", "keep\nthis one stays")
    for _ in range(12):
        for _ in range(chance.randint(1, 4)):
            name, other = chance.sample(names, 2)
            path = workshop.articles / name
            match chance.choice(["write", "write", "append", "delete", "move", "copy", "break"]):
                case "write":
                    workshop.write(name, "\n".join(chance.choices(bodies, k=chance.randint(1, 5))))
                case "append" if path.exists():
                    path.write_bytes(path.read_bytes() + b"\nmore.")
                case "delete":
                    path.unlink(missing_ok=True)
                case "move" if path.exists():
                    path.rename(workshop.articles / other)
                case "copy" if path.exists():
                    (workshop.articles / other).write_bytes(path.read_bytes())
                case "break":
                    path.write_bytes(b"\xff")
        if chance.random() < 0.2 and workshop.store.previous_id():
            workshop.store.rollback()
        workshop.index(rebuild=chance.random() < 0.2)
    fresh = Workshop.__new__(Workshop)
    fresh.__dict__.update(workshop.__dict__)
    fresh.store = make_store(tmp_path / "fresh")
    fresh.index()
    # Which of several equal texts is the one that is kept may differ; the texts may not.
    assert sorted(workshop.texts().values()) == sorted(fresh.texts().values())
    assert workshop.generation().duplicates().keys() | workshop.texts().keys() == (
        fresh.generation().duplicates().keys() | fresh.texts().keys()
    )
    question = WordHashEncoder().encode_query(["مرحبا 世界 hello more"]).vectors[0]
    scores = [made.generation().vectors.search(question, 1000).scores for made in (workshop, fresh)]
    assert np.allclose(scores[0], scores[1], atol=1e-6)
