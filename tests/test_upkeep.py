"""The index follows the articles: uploads, removals and runs, whoever asks for them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from index_parts import NoCentering
from service_articles import ASKED, SUEZ, TEXTS, WAIT_S, ended, first

from qa_service.config import load_settings
from qa_service.errors import (
    ArticleConflictError,
    ArticleNotFoundError,
    CorpusError,
    IndexBusyError,
)
from qa_service.indexes.embedded_engine import EmbeddedEngine
from qa_service.service import Service
from qa_service.store import Store
from qa_service.types import FileState, JobState, Question


def test_a_file_that_cannot_be_read_is_listed_and_removable(
    service: Service, articles: Path, tmp_path: Path
) -> None:
    """What an index run could not read is known afterwards, with the reason, and can be removed."""
    (articles / "uploads").mkdir()
    (articles / "uploads" / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    service.index()
    page = service.unread_files()
    assert [(file.path, file.state) for file in page.items] == [
        ("uploads/torn.pdf", FileState.FAILED)
    ]
    assert page.total == 1
    assert page.items[0].reason
    with pytest.raises(ArticleNotFoundError):
        service.remove_article("uploads/other.pdf")
    ended(service, service.remove_article("uploads/torn.pdf"))
    assert not (articles / "uploads" / "torn.pdf").exists()
    assert (tmp_path / "index" / "removed" / "torn.pdf").is_file()
    assert service.unread_files().total == 0


def test_a_file_of_several_articles_is_no_unread_one(service: Service, articles: Path) -> None:
    """A file that holds articles under other ids is not removed by its own name."""
    lines = [json.dumps({"id": name, "text": SUEZ + name}) for name in ("one", "two")]
    (articles / "many.jsonl").write_text("\n".join(lines), encoding="utf-8")
    service.index()
    with pytest.raises(ArticleNotFoundError):
        service.remove_article("many.jsonl")
    assert (articles / "many.jsonl").is_file()


def test_an_upload_that_makes_no_index_can_be_removed(
    service: Service, articles: Path, tmp_path: Path
) -> None:
    """When the first upload of all cannot be read, there is no index, and yet it goes."""
    for path in articles.iterdir():
        path.unlink()
    job = service.add_article("torn.pdf", b"%PDF-1.4 torn").job
    while job.state is JobState.RUNNING:
        job = service.wait_for_job_change(job.version, WAIT_S) or job
    assert job.error is not None
    assert "torn.pdf" in job.error
    service.remove_article("uploads/torn.pdf")
    assert (tmp_path / "index" / "removed" / "torn.pdf").is_file()


def test_who_comes_second_is_told_at_once(service: Service, articles: Path, tmp_path: Path) -> None:
    """While another process writes the index, nothing is started, stored or moved."""
    service.index()
    other = Store(tmp_path / "index", engine=EmbeddedEngine(), centering=NoCentering())
    with other.write_lock():
        for act in (
            lambda: service.start_index(),
            lambda: service.add_article("new.txt", SUEZ.encode()),
            lambda: service.remove_article("en.txt"),
        ):
            with pytest.raises(IndexBusyError, match="is being written by process"):
                act()
    assert service.job() is None
    assert not (articles / "uploads").exists()
    assert (articles / "en.txt").is_file()
    ended(service, service.start_index())


def test_added_article_is_found(service: Service, articles: Path) -> None:
    """An upload is stored, indexed in the background, and answers."""
    service.index()
    content = "كان موريس غاران أول من فاز بطواف فرنسا عام 1903."
    job = ended(service, service.add_article("سباق.txt", content.encode()).job)
    assert job.report is not None
    assert job.report.articles == 6
    assert first(service, "من فاز بطواف فرنسا؟") == "uploads/سباق.txt"
    assert (articles / "uploads" / "سباق.txt").read_text(encoding="utf-8") == content


def test_added_article_is_told_by_the_name_it_got(service: Service, articles: Path) -> None:
    """A name that is taken gets a number, and whoever sent the file is told so."""
    added = [service.add_article("x.txt", f"{SUEZ} {part}".encode()) for part in ("a", "b")]
    assert [file.name for file in added] == ["x.txt", "x-2.txt"]
    for file in added:
        assert (articles / "uploads" / file.name).is_file()
        ended(service, file.job)


def test_first_upload_makes_the_first_index(tmp_path: Path) -> None:
    """With no article at all, the first one that is uploaded is enough to start."""
    settings = load_settings(index=tmp_path / "index", articles=tmp_path / "none")
    with closing(Service(settings)) as service:
        ended(service, service.add_article("en.txt", SUEZ.encode()).job)
        assert first(service, ASKED["en.txt"]) == "uploads/en.txt"


@pytest.mark.parametrize("name", ["../x.txt", "a/b.txt", "", "..", "nul\0.txt"])
def test_upload_whose_name_leads_elsewhere_is_refused(
    service: Service, tmp_path: Path, name: str
) -> None:
    """Such a name starts no job and writes nothing."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArticleConflictError):
        service.add_article(name, b"text")
    assert sorted(tmp_path.rglob("*")) == before
    assert service.job() is None


def test_removed_article_is_not_found_any_more(service: Service, articles: Path) -> None:
    """Its file is moved away, not deleted, and no passage of it is shown."""
    service.index()
    ended(service, service.remove_article("th.txt"))
    assert not (articles / "th.txt").exists()
    with pytest.raises(ArticleNotFoundError):
        service.article("th.txt")
    shown = service.ask(Question(ASKED["th.txt"], top_k=50)).passages
    assert "th.txt" not in {one.citation.article_id for one in shown}
    with pytest.raises(ArticleNotFoundError):
        service.remove_article("th.txt")


def test_last_article_can_be_removed(service: Service, articles: Path) -> None:
    """An index of nothing is no error: questions are refused and show nothing."""
    for name in TEXTS:
        if name != "ar.txt":
            (articles / name).unlink()
    service.index()
    ended(service, service.remove_article("ar.txt"))
    answer = service.ask(Question(ASKED["ar.txt"]))
    assert (answer.is_answered, answer.passages, answer.index.articles) == (False, (), 0)
    assert service.verify() == ()
    assert service.example_questions("ar") == ()


def test_line_of_a_file_is_not_removed_behind_its_back(service: Service, articles: Path) -> None:
    """One of several articles in a JSONL file stays, and the file with it."""
    lines = [
        {"id": "one", "text": "Gutenberg printed in Mainz around 1450."},
        {"id": "two", "text": "Nowruz is celebrated in spring, on 20 or 21 March."},
    ]
    file = articles / "many.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    service.index()
    listed = {item.id: item.is_removable for item in service.articles().items}
    assert not listed["one"]
    with pytest.raises(ArticleConflictError, match="by hand"):
        service.remove_article("one")
    assert file.exists()
    assert service.article("one").text == lines[0]["text"]


def test_the_file_of_an_article_is_removed_whatever_its_id(
    service: Service, articles: Path
) -> None:
    """An id that names another file, even one that came later, leads to no other file's removal."""
    alone = articles / "alone.jsonl"
    line = {"id": "later.txt", "text": "Gutenberg printed in Mainz around 1450."}
    alone.write_text(json.dumps(line), encoding="utf-8")
    service.index()
    later = articles / "later.txt"
    later.write_text("长城很长。", encoding="utf-8")
    assert {item.id for item in service.articles().items if item.is_removable} == {
        *TEXTS,
        "later.txt",
    }
    ended(service, service.remove_article("later.txt"))
    assert later.exists()
    assert not alone.exists()


def test_empty_folder_does_not_wipe_the_index(service: Service, articles: Path) -> None:
    """When all articles are suddenly gone the run fails, and the last index goes on answering."""
    service.index()
    shutil.rmtree(articles)
    with pytest.raises(CorpusError):
        service.index()
    assert first(service, ASKED["zh.txt"]) == "zh.txt"
