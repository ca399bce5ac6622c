"""The generation in service: switched, put out when damaged, and told of."""

from __future__ import annotations

from pathlib import Path

import pytest
from index_parts import RECIPE, make_indexer, make_store

from qa_service.errors import ArticleNotFoundError, IndexCorruptError, NoIndexError
from qa_service.store import Generation, LiveIndex, layout


class Place:
    """A folder of articles, its index, and what reads from it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._articles = root / "articles"
        self._articles.mkdir()
        self.live = LiveIndex(make_store(root / "index"))

    def index(self, name: str, text: str) -> str:
        """Write an article, index, and return the generation."""
        (self._articles / name).write_text(text, encoding="utf-8")
        return make_indexer(self._root / "index").run([self._articles]).generation

    def damage(self, generation: str) -> None:
        """Tear the articles of a generation."""
        path = self._root / "index" / layout.GENERATIONS / generation / layout.ARTICLES
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:100])

    def read_id(self) -> str:
        """Return which generation is read from."""
        return self.live.read(lambda generation: generation.id, RECIPE)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place without an index."""
    return Place(tmp_path)


def test_without_an_index_nothing_is_open(place: Place) -> None:
    """The error says how to make one; nothing is held."""
    with pytest.raises(NoIndexError, match="qa-service index"):
        place.live.current(None)
    assert not place.live.is_open


def test_a_newer_generation_is_switched_to(place: Place) -> None:
    """The next read sees it; whoever holds the older one goes on with it."""
    first = place.index("a.txt", "قناة السويس\nطولها 193 كيلومترا.")
    held = place.live.current(RECIPE)
    assert held.id == first
    assert place.live.current(None) is held
    second = place.index("b.txt", "長城\n全長二万キロ。")
    assert place.read_id() == second
    assert held.article("a.txt").text.startswith("قناة")


def test_damage_lets_the_last_good_one_answer_and_is_told(place: Place) -> None:
    """It is told of until a whole generation is in service."""
    first = place.index("a.txt", "คลอง\nน้ำ")
    second = place.index("b.txt", "नहर\nपानी")
    place.damage(second)
    assert place.read_id() == first
    assert second in (place.live.damage or "")
    assert f"generation {first} answers" in (place.live.damage or "")
    third = place.index("c.txt", "Kanal\nWasser")
    assert place.read_id() == third
    assert place.live.damage is None


def test_damage_met_while_reading_puts_a_generation_out(place: Place) -> None:
    """The read is done again from the one before, and no read after it meets the damage."""
    first = place.index("a.txt", "قناة\nماء")
    second = place.index("b.txt", "运河\n水")
    tried = []

    def use(generation: Generation) -> str:
        tried.append(generation.id)
        if generation.id == second:
            raise IndexCorruptError("a torn page")
        return generation.id

    assert place.live.read(use, RECIPE) == first
    assert place.live.read(use, RECIPE) == first
    assert tried == [second, first, first]


def test_without_another_generation_damage_is_raised(place: Place) -> None:
    """Nothing is made up where nothing is left."""
    place.damage(place.index("a.txt", "قناة\nماء"))
    with pytest.raises(IndexCorruptError):
        place.read_id()


def test_what_was_not_found_is_no_damage(place: Place) -> None:
    """Errors that say something about the request leave the index as it is."""
    only = place.index("a.txt", "قناة\nماء")
    with pytest.raises(ArticleNotFoundError):
        place.live.read(lambda generation: generation.article("nowhere"), RECIPE)
    assert place.read_id() == only


def test_closed_is_opened_again_when_needed(place: Place) -> None:
    """Closing lets go of files; it can be done twice."""
    only = place.index("a.txt", "قناة\nماء")
    assert place.read_id() == only
    assert place.live.is_open
    place.live.close()
    place.live.close()
    assert not place.live.is_open
    assert place.read_id() == only
