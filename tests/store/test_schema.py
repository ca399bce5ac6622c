"""What is packed into the tables of articles comes back, and hashes tell texts apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_service.store import schema
from qa_service.types import DroppedText, Passage, Span

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("letter", ["a", "ع", "語", "ก", "न", "𐍈"])
@pytest.mark.parametrize(
    "length", [0, 1, schema.PAGE_LENGTH - 1, schema.PAGE_LENGTH, 2 * schema.PAGE_LENGTH + 1]
)
def test_pages_put_together_are_the_text(letter: str, length: int) -> None:
    """Each page but the last is full, and they are numbered from nought."""
    text = letter * length
    pages = list(schema.pages_of(text))
    assert [number for number, _ in pages] == list(range(len(pages)))
    assert "".join(page for _, page in pages) == text
    assert all(len(page) == schema.PAGE_LENGTH for _, page in pages[:-1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CANAL", "canal"),
        ("Straße", "STRASSE"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﻣﺮﺣﺒﺎ", "مرحبا"),
        ("ガ", "ｶﾞ"),
        (unicodedata.normalize("NFD", "क़िला é"), "क़िला É"),
    ],
)
def test_what_is_folded_alike(one: str, other: str) -> None:
    """Case, width, presentation and composition make no difference in lists."""
    assert schema.fold(one) == schema.fold(other)


@pytest.mark.parametrize(("one", "other"), [("運河", "运河"), ("كتب", "كتاب"), ("ตลาด", "ตลาต")])
def test_other_words_stay_apart(one: str, other: str) -> None:
    """Nothing else is taken for the same."""
    assert schema.fold(one) != schema.fold(other)


@given(TEXTS)
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is folded stays so, whatever the script."""
    assert schema.fold(schema.fold(text)) == schema.fold(text)


def test_embeddings_are_told_apart_by_each_part() -> None:
    """Letters that move from the title to the text, or to the model, make another hash."""
    parts = [("m", "عنوان", "نص"), ("m", "عنوانن", "ص"), ("mع", "نوان", "نص"), ("n", "عنوان", "نص")]
    hashes = [schema.embedding_hash(*each) for each in parts]
    assert len(set(hashes)) == len(parts)
    assert {len(one) for one in hashes} == {16}


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_dropped_text_comes_back(items: list[tuple[str, str]]) -> None:
    """Text in any script, quotes and line ends included."""
    dropped = tuple(DroppedText(text, reason) for text, reason in items)
    assert schema.unpack_dropped(schema.pack_dropped(dropped)) == dropped


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**5))),
)
def test_sentences_come_back(start: int, spans: list[tuple[int, int]]) -> None:
    """Their places in the article are those that were packed, wherever the passage stands."""
    sentences = tuple(Span(start + first, start + last) for first, last in spans)
    passage = Passage("id", "a", start, start + 10**5, "…", "th", sentences)
    assert schema.unpack_sentences(schema.pack_sentences(passage), start) == sentences
