"""`/articles`: lists, articles, their pages, adding and removing."""

from __future__ import annotations

import io
from urllib.parse import quote, unquote

import pytest
from api_client import QUESTIONS, MakeApp, error_of
from fake_service import ARTICLES, FakeService
from flask.testing import FlaskClient

JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_list_pages_through_all_articles(client: FlaskClient) -> None:
    """Parts of the list put together are the whole list, ordered by title."""
    found: list[str] = []
    for offset in range(0, 8, 2):
        body = client.get(f"/articles?offset={offset}&limit=2", headers=JSON).get_json()
        assert (body["total"], body["offset"], body["limit"]) == (6, offset, 2)
        found += [article["id"] for article in body["articles"]]
    assert found == [a.id for a in sorted(ARTICLES, key=lambda a: a.title)]


@pytest.mark.parametrize("query", ["قره", "长城", "गंगा", "CORDOUAN", "field notes"])
def test_list_can_be_searched(client: FlaskClient, query: str) -> None:
    """`q` keeps articles whose title, id or source holds it, in any script."""
    body = client.get("/articles", query_string={"q": query}, headers=JSON).get_json()
    assert body["total"] == 1


@pytest.mark.parametrize("query", ["offset=-1", "limit=0", "limit=201", "limit=x", "page=2"])
def test_bad_list_request_gets_422(client: FlaskClient, query: str) -> None:
    """Ranges are checked and unknown parameters named."""
    assert error_of(client.get(f"/articles?{query}", headers=JSON)) == (422, "invalid_request")


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_article_comes_as_json_and_as_page(client: FlaskClient, article: object) -> None:
    """The same address gives JSON or a page, as Accept asks; a page by default."""
    (found,) = [a for a in ARTICLES if a is article]
    address = "/articles/" + quote(found.id)
    body = client.get(address, headers=JSON).get_json()
    assert body["text"] == found.text
    assert body["title"] == found.title
    assert body["published"] == (found.published.isoformat() if found.published else None)
    assert body["passage"] is None
    for headers in (PAGE, {}, {"Accept": "*/*"}):
        response = client.get(address, headers=headers)
        assert response.mimetype == "text/html"
        assert "Accept" in response.headers["Vary"]


def test_unknown_article_gets_404(client: FlaskClient) -> None:
    """An id that is not indexed gets 404, as JSON or as a page."""
    assert error_of(client.get("/articles/no/such", headers=JSON)) == (404, "article_not_found")
    page = client.get("/articles/no/such", headers=PAGE)
    assert page.status_code == 404
    assert "no longer here" in page.get_data(as_text=True)


@pytest.mark.parametrize("question", QUESTIONS.values())
def test_citation_link_marks_passage_sentence_and_words(client: FlaskClient, question: str) -> None:
    """The page behind a citation's link holds the passage's anchor, the sentence and the words."""
    body = client.post("/ask", json={"question": question}).get_json()
    hit = body["passages"][0]
    link = hit["citation"]["link"]
    address, _, fragment = link.partition("#")
    page = client.get(address, headers=PAGE).get_data(as_text=True)
    assert f'id="{unquote(fragment)}"' in page
    assert page.count('id="passage-') == 1
    assert "in-sentence" in page
    assert '<mark class="match' in page
    as_json = client.get(address, headers=JSON).get_json()
    place = as_json["passage"]
    assert as_json["text"][place["start"] : place["end"]] == hit["text"]


def test_changed_article_says_so(client: FlaskClient, service: FakeService) -> None:
    """After the cited passage is edited away its link still opens the article, with a notice."""
    question = QUESTIONS["en"]
    hit = client.post("/ask", json={"question": question}).get_json()["passages"][0]
    service.edit(hit["citation"]["article_id"], "Something else entirely.")
    address = hit["citation"]["link"].partition("#")[0]
    page = client.get(address, headers=PAGE).get_data(as_text=True)
    assert "has changed since it was cited" in page
    assert "Something else entirely." in page
    assert client.get(address, headers=JSON).get_json()["passage"] is None


def test_passage_stays_citable_when_the_text_before_it_grows(
    client: FlaskClient, service: FakeService
) -> None:
    """A link made before an edit elsewhere in the article still marks the passage."""
    hit = client.post("/ask", json={"question": QUESTIONS["en"]}).get_json()["passages"][0]
    article_id = hit["citation"]["article_id"]
    service.edit(article_id, "New beginning.\n\n" + service.article(article_id).text)
    address, _, fragment = hit["citation"]["link"].partition("#")
    page = client.get(address, headers=PAGE).get_data(as_text=True)
    assert f'id="{fragment}"' in page


@pytest.mark.parametrize(
    "marks",
    [
        "highlight=99999999-999999999",
        "highlight=a-b,,-,5-2,3",
        "sentence=0-0",
        "highlight=" + "1-2," * 999,
    ],
)
def test_edited_marks_do_no_harm(client: FlaskClient, marks: str) -> None:
    """Offsets in an address are anyone's to edit; nonsense is ignored."""
    hit = client.post("/ask", json={"question": QUESTIONS["zh"]}).get_json()["passages"][0]
    path = hit["citation"]["link"].partition("?")[0]
    address = f"{path}?passage={hit['citation']['id']}&{marks}"
    response = client.get(address, headers=PAGE)
    assert response.status_code == 200
    assert 'id="passage-' in response.get_data(as_text=True)


ARTICLE = {
    "title": "ميناء الإسكندرية",
    "text": "بُني الميناء سنة 1900.\n\nوله رصيفان.",
    "source": "النشرة",
    "url": "https://example.org/ميناء",
    "author": "سلمى",
    "published": "2024-02-29",
    "language": "ar",
}


def test_article_is_added_from_json(client: FlaskClient, service: FakeService) -> None:
    """A posted article is stored as a text file with every field, and can be asked about."""
    response = client.post("/articles", json=ARTICLE)
    assert response.status_code == 202
    body = response.get_json()
    assert body["job"]["state"] == "running"
    assert body["name"].endswith(".txt")
    assert "ميناء" in body["name"]
    stored = client.get("/articles/" + quote(body["name"]), headers=JSON).get_json()
    assert {name: stored[name] for name in ARTICLE} == ARTICLE
    answer = client.post("/ask", json={"question": "متى بُني الميناء؟"}).get_json()
    assert "1900" in answer["passages"][0]["text"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"text": " \n "}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "ftp://example.org"}, "url"),
        ({"published": "yesterday"}, "published"),
        ({"language": "<b>"}, "language"),
        ({"id": "mine"}, "id"),
    ],
)
def test_bad_article_gets_422(client: FlaskClient, change: dict[str, object], field: str) -> None:
    """Each field of an article is checked and named."""
    response = client.post("/articles", json={**ARTICLE, **change})
    assert error_of(response) == (422, "invalid_request")
    assert field in response.get_json()["error"]["detail"]["fields"]


def upload(client: FlaskClient, name: str, content: bytes = b"The tower is tall.") -> object:
    """Send a file as a browser's form does."""
    return client.post("/articles", data={"file": (io.BytesIO(content), name)})


def test_file_is_added(client: FlaskClient, service: FakeService) -> None:
    """An uploaded file arrives with its name and its bytes as they are."""
    response = client.post(
        "/articles", data={"file": (io.BytesIO("нет\r\n".encode()), "отчёт.txt")}
    )
    assert response.status_code == 202
    assert service.added == {"отчёт.txt": "нет\r\n".encode()}
    assert response.get_json()["name"] == "отчёт.txt"


def test_name_in_the_reply_is_the_one_stored(
    client: FlaskClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends a name that is taken learns which one the file got."""
    add = service.add_article
    monkeypatch.setattr(service, "add_article", lambda _, content: add("empty-2.txt", content))
    data = {"file": (io.BytesIO(b"A tower."), "empty.txt")}
    assert client.post("/articles", data=data).get_json()["name"] == "empty-2.txt"


def test_same_name_twice_gets_409(client: FlaskClient) -> None:
    """A file is never written over."""
    assert client.post("/articles", data={"file": (io.BytesIO(b"a"), "a.txt")}).status_code == 202
    again = client.post("/articles", data={"file": (io.BytesIO(b"b"), "a.txt")})
    assert error_of(again) == (409, "article_conflict")


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", b""), ("a.txt", b"\xff\xfe\x00"), ("a.txt", b" ")]
)
def test_unreadable_file_gets_422(client: FlaskClient, name: str, content: bytes) -> None:
    """A file that is undecodable or empty is refused with the reason."""
    response = client.post("/articles", data={"file": (io.BytesIO(content), name)})
    assert error_of(response) == (422, "unreadable_file")


def test_file_of_no_known_format_gets_415(client: FlaskClient) -> None:
    """A file that no reader takes is refused before it is stored."""
    response = client.post("/articles", data={"file": (io.BytesIO(b"x"), "a.exe")})
    assert error_of(response) == (415, "unsupported_format")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"file": "text in place of a file"},
        {"other": (io.BytesIO(b"x"), "a.txt")},
        {"file": [(io.BytesIO(b"x"), "a.txt"), (io.BytesIO(b"y"), "b.txt")]},
        {"file": (io.BytesIO(b"x"), "a.txt"), "title": "more"},
    ],
)
def test_other_forms_get_422(client: FlaskClient, data: dict[str, object]) -> None:
    """The form holds one file in the field `file` and nothing else."""
    response = client.post("/articles", data=data, content_type="multipart/form-data")
    assert error_of(response) == (422, "invalid_request")


def test_part_without_a_name_gets_422(client: FlaskClient) -> None:
    """A part of the form that has no name is one that is not asked for."""
    body = (
        b"--x\r\nContent-Disposition: form-data\r\n\r\ntext\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        b"The tower is tall.\r\n--x--\r\n"
    )
    response = client.post("/articles", data=body, content_type="multipart/form-data; boundary=x")
    assert error_of(response) == (422, "invalid_request")


def test_too_large_upload_gets_413(make_app: MakeApp) -> None:
    """Uploads are bounded by the setting, far above the bound of other requests."""
    client = make_app(max_upload_mb=1).test_client()
    fits = client.post("/articles", data={"file": (io.BytesIO(b"a" * 900_000), "a.txt")})
    assert fits.status_code == 202
    large = client.post("/articles", data={"file": (io.BytesIO(b"a" * 2_000_000), "b.txt")})
    assert error_of(large) == (413, "too_large")


def test_article_is_removed(client: FlaskClient) -> None:
    """A removed article is gone from lists, pages and answers."""
    path = "/articles/" + quote("science/bees.md")
    response = client.delete(path)
    assert response.status_code == 202
    assert response.get_json()["job"]["id"]
    assert error_of(client.get(path, headers=JSON)) == (404, "article_not_found")
    assert error_of(client.delete(path)) == (404, "article_not_found")


def test_article_among_others_in_a_file_gets_409(client: FlaskClient) -> None:
    """An article that shares its file is not removed."""
    response = client.delete("/articles/hi/ganga.txt")
    assert error_of(response) == (409, "article_conflict")


def test_library_page_lists_and_escapes(client: FlaskClient) -> None:
    """The library page shows each title with its language, isolated."""
    page = client.get("/articles", headers=PAGE).get_data(as_text=True)
    assert '<bdi lang="ar" dir="auto">اتفاق وقف إطلاق النار في قره باغ</bdi>' in page
    assert 'href="/articles/%D8%A3%D8%AE%D8%A8%D8%A7%D8%B1/' in page
    assert "One of several articles in a file" in page


def test_library_page_without_index(make_app: MakeApp) -> None:
    """With nothing indexed the library invites to add the first article."""
    client = make_app(FakeService(has_index=False)).test_client()
    response = client.get("/articles", headers=PAGE)
    assert response.status_code == 200
    assert "Add the first one here" in response.get_data(as_text=True)
    assert error_of(client.get("/articles", headers=JSON)) == (503, "no_index")
