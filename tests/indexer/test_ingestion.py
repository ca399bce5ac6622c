"""What an article's id stands for, which text is stored once, and which file was no article."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from index_parts import make_store
from workshop import Workshop, states

from qa_service.types import FileState, IndexReport


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


def test_dropped_text_is_reported(workshop: Workshop) -> None:
    """What was left out of a file is in the report, and kept in the index."""
    workshop.write("ad.txt", "Title\nAD\nBody")
    report = workshop.index()
    (outcome,) = (item for item in report.files if item.path == "ad.txt")
    assert [(item.text, item.reason) for item in outcome.dropped] == [("AD", "advertisement")]
    assert workshop.generation().files()["ad.txt"].dropped == outcome.dropped
