"""The ingest pipeline: what is in the folder is what answers, and nothing is embedded twice."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from index_parts import (
    RECIPE,
    NoCentering,
    SignCodec,
    TextLoader,
    WordHashEncoder,
    make_indexer,
    make_parts,
    make_store,
    verify,
)
from numpy.typing import NDArray

from qa_service.corpus.discovery import SourceFile
from qa_service.errors import CorpusError, IndexMismatchError, IndexWriteError, NoIndexError
from qa_service.indexer import Components, Indexer, embedding, plan, progress
from qa_service.indexer.statistics import needs_refit
from qa_service.indexer.token_statistics import measure_token_means
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.indexes.engine import Center, Indexes
from qa_service.indexes.packing import EmbeddingSize
from qa_service.indexes.token_means import TokenMeans
from qa_service.store import Generation, Store
from qa_service.store.manifest import MANIFEST
from qa_service.types import FileState, IndexReport, Progress, Stage


class Workshop:
    """A folder of articles, an index, and the parts between them."""

    def __init__(self, root: Path) -> None:
        self.articles = root / "articles"
        self.articles.mkdir()
        self.encoder = WordHashEncoder()
        self.loader = TextLoader()
        self.parts = make_parts(self.encoder, self.loader)
        self.store: Store = make_store(root / "index")

    def change_recipe(self, **parts: str) -> None:
        """Have some of the parts be of other versions."""
        self.parts = dataclasses.replace(
            self.parts,
            recipe=dataclasses.replace(self.parts.recipe, **parts),  # type: ignore[arg-type]
        )

    def write(self, name: str, text: str) -> None:
        """Write an article."""
        path = self.articles / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_lines(self, name: str, **texts: str) -> None:
        """Write a file of several articles."""
        lines = [json.dumps({"id": key, "text": text}) for key, text in texts.items()]
        self.write(name, "\n".join(lines))

    def index(self, **options: object) -> IndexReport:
        """Run the indexer over the folder, and check that all is well afterwards."""
        self.encoder.encoded.clear()
        self.encoder.encoded_titles.clear()
        self.loader.read_files.clear()
        report = Indexer(self.store, self.parts).run([self.articles], **options)  # type: ignore[arg-type]
        generation = self.generation()
        assert verify(generation) == ()
        assert report.generation == generation.id
        embedded = list(zip(self.encoder.encoded_titles, self.encoder.encoded, strict=True))
        assert report.embedded == len(set(embedded)) == len(embedded)
        assert report.embedded + report.reused == report.passages == len(generation.keys)
        return report

    def generation(self) -> Generation:
        """Open the generation in service."""
        return self.store.open_current(self.parts.recipe)

    def texts(self) -> dict[str, str]:
        """Return what is indexed, by article."""
        generation = self.generation()
        page = generation.article_page(0, 1000)
        return {item.id: generation.article(item.id).text for item in page.items}

    def nearest(self, question: str) -> str:
        """Return the text of the passage nearest to a question."""
        generation = self.generation()
        vector = self.encoder.encode_query([question]).vectors[0]
        return generation.passages(generation.vectors.search(vector, 1).keys)[0].text


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Return a workshop with articles in several scripts, indexed."""
    made = Workshop(tmp_path)
    made.write("ar.txt", "أرمينيا\nأوقفت الشرطة تسعة أشخاص.")
    made.write("zh.txt", "运河\n运河全长82公里。")
    made.write("th/th.txt", "ตลาด\nตลาดน้ำ")
    made.write("hi.txt", "नदी\nनदी पहाड़ों से निकलती है।")
    made.write("en.txt", "Canal\nIt has four locks, أربعة أقفال, 四座船闸.")
    made.index()
    return made


def states(report: IndexReport) -> dict[str, str]:
    """Return each file's state."""
    return {outcome.path: outcome.state.value for outcome in report.files}


def test_nothing_to_do_makes_no_generation(workshop: Workshop) -> None:
    """A second run reads no file, embeds nothing and leaves the generation in service."""
    before = workshop.store.current_id()
    report = workshop.index()
    assert not report.is_new
    assert report.generation == before
    assert workshop.encoder.encoded == []
    assert set(states(report).values()) == {"unchanged"}
    assert (report.articles, report.passages) == (5, 10)


def test_unchanged_files_are_not_even_opened(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of old date, the same size and time is not read at all."""
    for path in workshop.articles.rglob("*.txt"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    workshop.write("new.txt", "New\nnew")
    workshop.index()
    monkeypatch.setattr(
        "qa_service.indexer.plan._sha256_of",
        lambda file: pytest.fail(f"{file.id} was read") if file.id != "new.txt" else "",
    )
    (workshop.articles / "new.txt").unlink()
    assert workshop.index().is_new


def test_a_change_right_after_reading_is_seen(workshop: Workshop) -> None:
    """A file rewritten with the same size within the clock's grain is read again."""
    path = workshop.articles / "zh.txt"
    status = path.stat()
    path.write_text("运河\n运河全长97公里。", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    report = workshop.index()
    assert states(report)["zh.txt"] == "indexed"
    assert workshop.nearest("运河全长97公里") == "运河全长97公里。"


def test_adding_an_article_embeds_it_alone(workshop: Workshop) -> None:
    """Only the new text goes to the model."""
    workshop.write("fr.txt", "Fleuve\nLe fleuve est long.")
    report = workshop.index()
    assert states(report)["fr.txt"] == "indexed"
    assert workshop.encoder.encoded == ["Fleuve", "Le fleuve est long."]
    assert workshop.loader.read_files == ["fr.txt"]
    assert workshop.nearest("le fleuve est long") == "Le fleuve est long."


def test_editing_a_paragraph_embeds_it_alone(workshop: Workshop) -> None:
    """What stands elsewhere in the article is taken over, and the old wording is gone."""
    workshop.write("ar.txt", "أرمينيا\nأوقفت الشرطة عشرة أشخاص.\nفقرة.")
    report = workshop.index()
    assert sorted(workshop.encoder.encoded) == sorted(["أوقفت الشرطة عشرة أشخاص.", "فقرة."])
    assert report.reused == 9
    assert workshop.texts()["ar.txt"] == "أرمينيا\nأوقفت الشرطة عشرة أشخاص.\nفقرة."


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


def test_rebuild_does_not_take_over_damaged_embeddings(workshop: Workshop) -> None:
    """Bits that rotted on the disk do not survive a rebuild."""
    path = next((workshop.generation().folder / "vectors").glob("*.rows"))
    content = bytearray(path.read_bytes())
    content[3] ^= 255
    path.write_bytes(content)
    report = workshop.index(rebuild=True)
    assert report.embedded == 10


def test_deleting_and_bringing_back_uses_what_is_still_there(workshop: Workshop) -> None:
    """A text that the previous generation held is not embedded again."""
    text = (workshop.articles / "zh.txt").read_text(encoding="utf-8")
    (workshop.articles / "zh.txt").unlink()
    workshop.index()
    workshop.write("zh.txt", text)
    assert workshop.index().embedded == 0


def test_same_text_in_many_places_is_embedded_once(workshop: Workshop) -> None:
    """A passage that several articles of one title share goes to the model once."""
    for number in range(3):
        workshop.write(f"{number}.txt", f"Notice\nAll rights reserved.\nNumber {number}.")
    report = workshop.index()
    assert workshop.encoder.encoded.count("All rights reserved.") == 1
    assert report.embedded == 5


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_same_text_in_batches_that_follow_is_embedded_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """A batch is begun before the one ahead of it is stored, and still nothing is made twice."""
    monkeypatch.setattr(embedding, "BATCH", batch)
    for number in range(4):
        workshop.write(f"{number}.txt", f"Notice\nAll rights reserved.\nNumber {number}.")
    report = workshop.index()
    assert workshop.encoder.encoded.count("All rights reserved.") == 1
    assert report.embedded == 6
    assert workshop.nearest("Number 3") == "Number 3."


# Duplicates


def test_duplicates_are_stored_once_and_named(workshop: Workshop) -> None:
    """The same text under two names answers once; either id finds it."""
    workshop.write("copy.txt", "运河\n运河全长82公里。")
    report = workshop.index()
    assert report.duplicates == {"copy.txt": "zh.txt"}
    assert (report.articles, report.passages, report.embedded) == (5, 10, 0)
    assert workshop.generation().article("copy.txt").id == "zh.txt"
    assert "copy.txt" not in workshop.texts()


def test_a_duplicate_stands_in_when_its_original_goes(workshop: Workshop) -> None:
    """Deleting or editing the original brings the copy into service, embedding nothing."""
    workshop.write("z1.txt", "运河\n运河全长82公里。")
    workshop.write("z2.txt", "运河\n运河全长82公里。")
    workshop.index()
    (workshop.articles / "zh.txt").unlink()
    report = workshop.index()
    assert report.duplicates == {"z2.txt": "z1.txt"}
    assert report.embedded == 0
    workshop.write("z1.txt", "其他\n别的")
    report = workshop.index()
    assert report.duplicates == {}
    assert workshop.texts()["z2.txt"] == "运河\n运河全长82公里。"


def test_swapped_contents(workshop: Workshop) -> None:
    """Two files that trade their texts are each found under the other's name."""
    first, second = workshop.articles / "zh.txt", workshop.articles / "hi.txt"
    old = first.read_bytes(), second.read_bytes()
    first.write_bytes(old[1])
    second.write_bytes(old[0])
    report = workshop.index()
    assert report.duplicates == {}
    assert report.embedded == 0
    assert workshop.texts()["hi.txt"] == "运河\n运河全长82公里。"


def test_an_article_that_moves_between_files_keeps_its_keys(workshop: Workshop) -> None:
    """An article with its own id may change its file, and nothing is made anew for it."""
    workshop.write_lines("one.jsonl", a="first story", b="second story")
    workshop.write_lines("two.jsonl", c="third story")
    workshop.index()
    before = workshop.generation().keys_of("b").tolist()
    workshop.write_lines("one.jsonl", a="first story")
    workshop.write_lines("two.jsonl", b="second story", c="third story")
    report = workshop.index()
    assert workshop.generation().keys_of("b").tolist() == before
    assert report.embedded == 0


def by_id(workshop: Workshop) -> dict[str, str]:
    """Return the text of every id, also of those that repeat another's text."""
    generation = workshop.generation()
    ids = [*workshop.texts(), *generation.duplicates()]
    return {article_id: generation.article(article_id).text for article_id in sorted(ids)}


def notes(report: IndexReport) -> dict[str, str]:
    """Return what is said of each file that something is said of."""
    return {outcome.path: outcome.reason for outcome in report.files if outcome.reason}


def test_two_articles_with_one_id(workshop: Workshop) -> None:
    """The first file keeps the id; the other's article says where it stands, in every report."""
    workshop.write_lines("one.jsonl", same="القصة الأولى")
    workshop.write_lines("two.jsonl", same="另一个故事", own="เรื่องของตัวเอง")
    for expected in ("indexed", "unchanged"):
        report = workshop.index()
        assert states(report)["two.jsonl"] == expected
        assert notes(report) == {
            "two.jsonl": "the id 'same' is taken; its article goes by 'two.jsonl#same'"
        }
        (outcome,) = (item for item in report.files if item.path == "two.jsonl")
        assert outcome.articles == 2
    texts = workshop.texts()
    assert (texts["same"], texts["two.jsonl#same"]) == ("القصة الأولى", "另一个故事")
    assert workshop.nearest("另一个故事") == "另一个故事"


def test_an_earlier_file_gets_the_id_even_if_it_comes_later(workshop: Workshop) -> None:
    """What an id stands for follows from what is in the folder, not from what was there before."""
    workshop.write_lines("two.jsonl", same="another story", own="own story")
    workshop.index()
    assert workshop.texts()["same"] == "another story"
    workshop.write_lines("one.jsonl", same="first story")
    report = workshop.index()
    assert workshop.texts()["same"] == "first story"
    assert workshop.texts()["two.jsonl#same"] == "another story"
    assert "two.jsonl" in notes(report)
    assert workshop.encoder.encoded == ["first story"]
    # And gives it back when it goes.
    (workshop.articles / "one.jsonl").unlink()
    report = workshop.index()
    assert workshop.texts()["same"] == "another story"
    assert notes(report) == {"one.jsonl": "no longer there"}
    assert workshop.encoder.encoded == []


def test_a_path_is_the_id_of_its_own_file(workshop: Workshop) -> None:
    """No line of another file can pass itself off as a text file, whichever is read first."""
    workshop.write_lines("a.jsonl", **{"zh.txt": "冒充", "new.txt": "قبل الملف"})
    report = workshop.index()
    assert workshop.texts()["zh.txt"] == "运河\n运河全长82公里。"
    assert workshop.texts()["a.jsonl#zh.txt"] == "冒充"
    assert workshop.texts()["new.txt"] == "قبل الملف"
    assert "'zh.txt' is taken" in notes(report)["a.jsonl"]
    workshop.write("new.txt", "ملف جديد")
    workshop.index()
    assert workshop.texts()["new.txt"] == "ملف جديد"
    assert workshop.texts()["a.jsonl#new.txt"] == "قبل الملف"


def test_same_id_and_text_in_two_files(workshop: Workshop) -> None:
    """What is said twice is stored once, and the second file stands in when the first goes."""
    workshop.write_lines("one.jsonl", same="नदी की कहानी")
    workshop.write_lines("two.jsonl", same="नदी की कहानी")
    assert workshop.index().duplicates == {"two.jsonl#same": "same"}
    (workshop.articles / "one.jsonl").unlink()
    assert workshop.index().duplicates == {}
    assert workshop.texts()["same"] == "नदी की कहानी"


def test_many_clashes_do_not_flood_the_report(workshop: Workshop) -> None:
    """Two files that both number their lines lose nothing, and the report stays short."""
    for name in ("one.jsonl", "two.jsonl"):
        workshop.write_lines(name, **{str(n): f"{name} line {n}." for n in range(50)})
    report = workshop.index()
    assert report.articles == 105
    assert notes(report)["two.jsonl"].count(" goes by ") == 3
    assert notes(report)["two.jsonl"].endswith("; 47 more ids are taken like this")


@pytest.mark.parametrize("seed", range(8))
def test_ids_follow_from_the_files_alone(tmp_path: Path, seed: int) -> None:
    """After any series of changes every id stands for what it would in an index made anew."""
    chance = random.Random(seed)
    workshop = Workshop(tmp_path)
    lines, texts = ["b.jsonl", "d.jsonl", "f.jsonl"], ["a.txt", "c.txt", "e.txt"]
    ids = ["1", "二", "واحد", "c.txt", "b.jsonl", "d.jsonl#1"]
    workshop.write("keep.txt", "ยังอยู่")
    for round_number in range(10):
        for _ in range(chance.randint(1, 3)):
            name = chance.choice(lines + texts)
            if chance.random() < 0.25:
                (workshop.articles / name).unlink(missing_ok=True)
            elif name in texts:
                workshop.write(name, f"{name} في الجولة {round_number}.")
            else:
                chosen = chance.sample(ids, chance.randint(1, 4))
                # Sometimes the text that another file may hold under the same id.
                workshop.write_lines(
                    name,
                    **{
                        key: f"{key} 同."
                        if chance.random() < 0.3
                        else f"{key} {name} {round_number}."
                        for key in chosen
                    },
                )
        workshop.index()
    fresh = Workshop.__new__(Workshop)
    fresh.__dict__.update(workshop.__dict__)
    fresh.store = make_store(tmp_path / "fresh")
    fresh.index()
    assert by_id(workshop) == by_id(fresh)
    wanted = {
        line["text"]
        for path in workshop.articles.glob("*.jsonl")
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    } | {path.read_text(encoding="utf-8") for path in workshop.articles.glob("*.txt")}
    assert set(by_id(workshop).values()) == wanted


# Lines that repeat


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


# Files that cannot be read


def test_bad_files_are_named_and_hold_up_nothing(workshop: Workshop) -> None:
    """The rest is indexed; the report says what was wrong with each."""
    (workshop.articles / "bad.txt").write_bytes(b"\xff\xfe\xfd")
    workshop.write("empty.txt", "")
    workshop.write("notes.xyz", "no format of ours")
    workshop.write("broken.jsonl", '{"id": "s", "text": "half \\ud83d pair"}')
    workshop.write("good.txt", "Good\ngood")
    report = workshop.index()
    by_name = {Path(outcome.path).name: outcome for outcome in report.files}
    assert by_name["bad.txt"].state is FileState.FAILED
    assert "not UTF-8 at byte 0" in (by_name["bad.txt"].reason or "")
    assert by_name["empty.txt"].state is FileState.FAILED
    assert by_name["notes.xyz"].state is FileState.SKIPPED
    assert "surrogate" in (by_name["broken.jsonl"].reason or "")
    assert by_name["good.txt"].state is FileState.INDEXED
    # They are not tried again until they change, and are still named.
    again = workshop.index()
    assert not again.is_new
    assert workshop.loader.read_files == []
    assert {outcome.path: outcome.reason for outcome in again.files if outcome.reason} == {
        outcome.path: outcome.reason for outcome in report.files if outcome.reason
    }


def test_a_file_that_becomes_unreadable_stops_answering(workshop: Workshop) -> None:
    """What is in the folder is what answers: a file that turned to garbage answers nothing."""
    (workshop.articles / "zh.txt").write_bytes(b"\xff\xff")
    report = workshop.index()
    assert states(report)["zh.txt"] == "failed"
    assert "zh.txt" not in workshop.texts()
    workshop.write("zh.txt", "运河\n运河全长82公里。")
    assert workshop.index().embedded == 0
    assert "zh.txt" in workshop.texts()


def test_a_file_without_access_is_named_and_tried_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not be read does not answer; as soon as it may, it does, embedding nothing."""
    (workshop.articles / "zh.txt").touch()

    def refuse(file: SourceFile) -> str:
        if file.id == "zh.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(file.path))
        return read(file)

    read = plan._sha256_of
    with monkeypatch.context() as patch:
        patch.setattr(plan, "_sha256_of", refuse)
        report = workshop.index()
    (outcome,) = (item for item in report.files if item.path == "zh.txt")
    assert outcome.state is FileState.FAILED
    assert "Permission denied" in (outcome.reason or "")
    assert "zh.txt" not in workshop.texts()
    assert workshop.index().embedded == 0
    assert "zh.txt" in workshop.texts()


def test_dropped_text_is_reported(workshop: Workshop) -> None:
    """What was left out of a file is in the report, and kept in the index."""
    workshop.write("ad.txt", "Title\nAD\nBody")
    report = workshop.index()
    (outcome,) = (item for item in report.files if item.path == "ad.txt")
    assert [(item.text, item.reason) for item in outcome.dropped] == [("AD", "advertisement")]
    assert workshop.generation().files()["ad.txt"].dropped == outcome.dropped


# Nothing to index


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


# Components that change


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


class CountingCodec(SignCodec):
    """Counts the passages whose tokens were measured."""

    def __init__(self) -> None:
        self.passages = 0

    def common(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Count, and return zeros."""
        self.passages += len(passages)
        return super().common(passages)


class Shift:
    """A centring that can be recognised: takes the mean of what it was fitted to from vectors."""

    def __init__(self, mean: NDArray[np.float32] | None = None) -> None:
        self.mean = mean
        self.fitted: list[int] = []

    def fit(self, vectors: NDArray[np.float32], languages: Sequence[str]) -> Shift:
        """Fit."""
        assert len(vectors) == len(languages)
        self.fitted.append(len(vectors))
        return Shift(vectors.mean(axis=0) if len(vectors) else np.zeros(RECIPE.dimension))

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> Shift:
        """Restore."""
        return Shift(np.asarray(arrays["mean"], dtype=np.float32))

    def passages(
        self, vectors: NDArray[np.float32], languages: Sequence[str]
    ) -> NDArray[np.float32]:
        """Transform."""
        assert self.mean is not None
        moved = vectors - self.mean
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)

    def to_arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Store."""
        assert self.mean is not None
        return {"mean": self.mean}


def test_centring_is_kept_until_the_corpus_has_doubled(tmp_path: Path) -> None:
    """Stored vectors stay valid between runs; a new fit makes them anew without the encoder."""
    workshop = Workshop(tmp_path)
    shift = Shift()
    workshop.store = make_store(tmp_path / "index", centering=shift)
    for number in range(6):
        workshop.write(f"{number}.txt", f"text {number}")
    workshop.index()
    assert shift.fitted == [6]
    first = workshop.generation().statistics["mean"]
    workshop.write("6.txt", "text six")
    workshop.index()
    assert shift.fitted == [6]
    assert np.array_equal(workshop.generation().statistics["mean"], first)
    for number in range(7, 12):
        workshop.write(f"{number}.txt", f"text {number}")
    report = workshop.index()
    assert shift.fitted == [6, 12]
    assert report.embedded == 5
    generation = workshop.generation()
    expected = generation.centering.passages(
        generation.embeddings.vectors(generation.keys), generation.languages_of(generation.keys)
    )
    for key, vector in zip(generation.keys, expected, strict=True):
        found = generation.vectors.search(vector, 1)
        assert found.keys.tolist() == [key]
        assert found.scores[0] == pytest.approx(1.0, abs=1e-5)


def test_other_rules_of_statistics_learn_anew(tmp_path: Path) -> None:
    """A code update of what is learnt is noticed without --rebuild, reading and embedding nothing.

    The means of tokens are learnt anew, too, from the same passages under the same keys.
    """
    workshop = Workshop(tmp_path)
    shift = Shift()
    workshop.store = make_store(tmp_path / "index", centering=shift)
    for number, text in enumerate(("نص أول", "第二篇", "บทความ", "लेख")):
        workshop.write(f"{number}.txt", text)
    workshop.index()
    keys = workshop.generation().keys.tolist()
    workshop.parts = dataclasses.replace(
        workshop.parts,
        codec=CountingCodec(),
        recipe=dataclasses.replace(workshop.parts.recipe, statistics="2"),
    )
    report = workshop.index()
    assert report.is_new
    assert (report.embedded, report.reused) == (0, 4)
    assert workshop.loader.read_files == []
    assert shift.fitted == [4, 4]
    generation = workshop.generation()
    assert workshop.parts.codec.passages == 4
    assert generation.keys.tolist() == keys
    assert not workshop.index().is_new


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


@pytest.mark.parametrize(
    ("fitted", "now", "expected"),
    [
        ({}, {}, True),
        ({"ar": 10}, {"ar": 10}, False),
        ({"ar": 10}, {"ar": 19}, False),
        ({"ar": 10}, {"ar": 20}, True),
        ({"ar": 10}, {"ar": 6}, False),
        ({"ar": 10}, {"ar": 5}, True),
        ({"ar": 100, "th": 10}, {"ar": 100, "th": 19}, False),
        ({"ar": 100, "th": 10}, {"ar": 100, "th": 20}, True),
        ({"ar": 100}, {"ar": 100, "th": 1}, True),
        ({"ar": 100_000}, {"ar": 100_000, "th": 1}, False),
        ({"ar": 100_000}, {"ar": 100_000, "th": 101}, True),
    ],
)
def test_when_to_fit_anew(fitted: dict[str, int], now: dict[str, int], expected: bool) -> None:
    """When the corpus or a language in it has doubled or halved; a mere trace does not count."""
    assert needs_refit(fitted, now) is expected


def test_means_of_tokens_are_stored_with_the_generation(tmp_path: Path) -> None:
    """They are learnt from what was written, and carried on until the corpus has grown."""
    workshop = Workshop(tmp_path)
    codec = CountingCodec()
    workshop.parts = dataclasses.replace(workshop.parts, codec=codec)
    for number in range(4):
        workshop.write(f"{number}.txt", f"text {number}")
    workshop.index()
    first = workshop.generation()
    stored = TokenMeans.of(first.statistics, RECIPE.dimension)
    measured = measure_token_means(
        first.embeddings, first.keys, first.languages_of(first.keys), SignCodec()
    )
    assert np.array_equal(stored.corpus, measured.corpus)
    assert np.array_equal(stored.languages["en"], measured.languages["en"])
    assert stored.corpus.any()
    workshop.write("4.txt", "text four")
    workshop.index()
    second = workshop.generation().statistics
    assert {name: array.tolist() for name, array in second.items()} == {
        name: array.tolist() for name, array in first.statistics.items()
    }
    assert codec.passages == 4


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


def test_the_manifest_is_written_once(workshop: Workshop) -> None:
    """Nothing of a generation is written, and then written over."""
    steps: list[str] = []
    store = make_store(workshop.store.path, steps.append)
    workshop.write("new.txt", "New\nnew")
    Indexer(store, workshop.parts).run([workshop.articles], rebuild=True)
    assert steps.count("write manifest") == 1


# Interruption and progress


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What was embedded before the interruption is not embedded again."""
    workshop = Workshop(tmp_path)
    for number in range(600):
        workshop.write(f"{number:03}.txt", f"text {number}")
    make = WordHashEncoder()

    class Interrupted(WordHashEncoder):
        """Is stopped by the user in the third batch."""

        def encode_document(self, texts: Sequence[str], titles: Sequence[str] | None = None):  # type: ignore[no-untyped-def]
            if len(make.encoded) >= 512:
                raise KeyboardInterrupt
            return make.encode_document(texts, titles)

    with pytest.raises(KeyboardInterrupt):
        Indexer(workshop.store, make_parts(Interrupted(), workshop.loader)).run([workshop.articles])
    with pytest.raises(NoIndexError):
        workshop.store.open_current()
    assert list((workshop.store.path / "building").iterdir()) == []
    report = workshop.index()
    assert len(make.encoded) == 512
    assert report.embedded == 88
    assert list((workshop.store.path / "cache").iterdir()) == []


def test_a_damaged_journal_costs_only_time(workshop: Workshop) -> None:
    """Garbage where the journal was is thrown away."""
    cache = workshop.store.path / "cache"
    (cache / "embeddings.db").write_bytes(b"garbage" * 1000)
    workshop.write("new.txt", "New\nnew")
    assert workshop.index().embedded == 2


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


# Any history


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


def test_recipe_names_every_part() -> None:
    """The recipe of an index follows from the parts that make it."""
    parts: Components = make_parts()
    assert parts.recipe == RECIPE
    assert parts.recipe.codec == SignCodec.fingerprint
