"""The app finds the article that an address was made for."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from qa_service.bodies import article_path

IDS = ["a.txt", "folder/a b.md", "أخبار/مقال ١.txt", "中文/长城.txt", "ข่าว.txt", "a?b#c%d&e=f.txt"]


@pytest.mark.parametrize("article_id", [*IDS, "../up", "a/../b", "a//b", "/a", "a/", "./x", "a\nb"])
def test_article_path_leads_back_to_the_article(client: FlaskClient, article_id: str) -> None:
    """The app reads the same id from the path that was written into it, and browsers keep it."""
    path = article_path(article_id)
    assert path.isascii()
    assert not {".", "..", ""} & set(path.split("/")[1:])
    adapter = client.application.url_map.bind("localhost")
    assert adapter.match(unquote(path)) == ("api.article", {"article_id": article_id})
