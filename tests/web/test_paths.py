"""Where things lie on the server stays there, and long lists are told in parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_client import error_of
from fake_service import FakeService
from flask.testing import FlaskClient

from qa_service.errors import (
    ArticleConflictError,
    IndexCorruptError,
    IndexWriteError,
    ModelUnavailableError,
    StoredIndexError,
)
from qa_service.types import DroppedText, FileOutcome, FileState, IndexReport
from qa_service.web.errors import problem_of
from qa_service.web.paths import without_folders

FILES = 20_000
ROOT = "/srv/library"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/library/a/b.pdf: torn", "a/b.pdf: torn"),
        ("same file as /srv/library/مقالات/قناة.txt", "same file as مقالات/قناة.txt"),
        ("/srv/library cannot be read", "library cannot be read"),
        ("/home/me/my articles/b.pdf cannot be read", "…/b.pdf cannot be read"),
        ("'/home/me/b.pdf' is torn", "'…/b.pdf' is torn"),
        ("/mnt/a/x moved to /mnt/b/y (no space)", "…/x moved to …/y (no space)"),
        ("[Errno 2] No such file: '/etc/qa/пример/ф.txt'", "[Errno 2] No such file: '…/ф.txt'"),
        (r"C:\Users\me\b.pdf is torn", r"…\b.pdf is torn"),
        ("Run: qa-service index, or qa-service rollback", None),
        ("read http://example.org/a/b/c and and/or 1/2/3", None),
        ("uploads/a/b.txt: it holds no text", None),
        ("GET /docs", None),
        ("运河/水闸/a.txt", None),
    ],
)
def test_paths_are_told_by_their_place(text: str, shown: str | None) -> None:
    """Below a known folder files go by their place, elsewhere by their name; other text stays."""
    assert without_folders(text, [ROOT]) == (text if shown is None else shown)


@pytest.mark.parametrize(
    "kind", [IndexCorruptError, IndexWriteError, ModelUnavailableError, ArticleConflictError]
)
def test_errors_name_no_folder(kind: type[StoredIndexError]) -> None:
    """No error's body says where a file lies."""
    problem = problem_of(kind("/home/me/qa/index/CURRENT cannot be read. Run: qa-service index"))
    assert problem.message == "…/CURRENT cannot be read. Run: qa-service index"


@pytest.fixture
def large(service: FakeService, client: FlaskClient) -> FlaskClient:
    """An app whose last run failed to read twenty thousand files."""
    files = [
        FileOutcome(
            f"{ROOT}/reports of many years/{number:06}-a-file-with-a-rather-long-name.pdf",
            FileState.FAILED,
            reason=f"same file as {ROOT}/other/{number}.pdf " + "and so on " * 300,
            dropped=(DroppedText("text " * 1000, "share_button"),) * 50,
        )
        for number in range(FILES)
    ]
    files.insert(0, FileOutcome("0.txt", FileState.INDEXED, 1, 1))
    service.unread = files[1:]
    service.report = IndexReport(
        "000002",
        True,
        tuple(files),
        {f"copy-{number}": "0.txt" for number in range(FILES)},
        1,
        1,
        1,
        0,
        1.0,
        mended=f"{ROOT}/x is torn. This run has made the index anew.",
    )
    service.start_index()
    return client


def test_pages_and_bodies_are_bounded(large: FlaskClient) -> None:
    """The report of twenty thousand files that failed is a page as any other."""
    for path, accept in (
        ("/articles", "text/html"),
        ("/index", "application/json"),
        ("/index/events", "*/*"),
        ("/", "text/html"),
    ):
        body = large.get(path, headers={"Accept": accept}).get_data()
        assert len(body) < 2_000_000, path
        assert ROOT.encode() not in body, path
    assert b"index" in body


def test_the_library_page_stays_small(large: FlaskClient) -> None:
    """The page holds the first of the files, the number of all, and no folder."""
    body = large.get("/articles", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert len(body.encode()) < 200_000
    assert "20,000" in body
    assert "reports of many years/000000-a-file" in body


def test_all_files_can_be_fetched_in_parts(large: FlaskClient) -> None:
    """By `offset` and `limit` a client sees every file once, what failed before the rest."""
    seen: list[str] = []
    for offset in range(0, FILES + 1, 200):
        body = large.get(f"/index?offset={offset}&limit=200").get_json()
        report = body["job"]["report"]
        assert report["files_total"] == FILES + 1
        assert report["files_offset"] == offset
        assert report["duplicates_total"] == FILES
        assert body["unread"]["total"] == FILES
        seen.extend(file["path"] for file in report["files"])
    assert len(seen) == len(set(seen)) == FILES + 1
    assert seen[-1] == "0.txt"
    assert body["job"]["report"]["states"]["failed"] == FILES


@pytest.mark.parametrize("query", ["offset=-1", "limit=0", "limit=100000", "limit=x", "offset=9e9"])
def test_a_part_that_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    """Bounds are checked as everywhere."""
    assert error_of(client.get(f"/index?{query}"))[0] == 422


def test_damage_and_failure_name_no_folder(client: FlaskClient, service: FakeService) -> None:
    """What is wrong is told without the place."""
    service._damage = "/home/me/index/generations/1/articles.db is torn. Run: qa-service index"
    service.runs_jobs_to_the_end = False
    service.start_index()
    service.finish(error="/home/me/articles/x.txt cannot be written")
    for path in ("/index", "/articles"):
        body = client.get(path, headers={"Accept": "text/html,*/*"}).get_data(as_text=True)
        assert "/home/me" not in body
        assert "articles.db is torn" in body


def test_a_file_without_an_article_can_be_removed_on_the_page(
    client: FlaskClient, service: FakeService
) -> None:
    """The library shows what could not be read, why, and how to remove it."""
    service.unread = [
        FileOutcome("uploads/ملف.pdf", FileState.FAILED, reason="it is damaged: no page")
    ]
    body = client.get("/articles", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "uploads/ملف.pdf" in body
    assert "it is damaged: no page" in body
    (file,) = client.get("/index").get_json()["unread"]["files"]
    assert file["link"] in body
    assert Path(file["path"]).name == "ملف.pdf"
