"""Documents are trained on or judged by, never both."""

from __future__ import annotations

from training.reader.records import Record
from training.reader.split import Part, document_key, part_of


def asked(document: str, language: str = "en", passage: str = "p", source: str = "s") -> Record:
    """Return a question about a document."""
    return Record(source, language, language, "q", passage, (), document)


def test_a_document_stays_together() -> None:
    """Sources and languages that name an article alike, or a passage of it, share its part."""
    names = [f"Ada {number}" for number in range(200)]
    parts = [part_of(asked(name), 0.3, ()) for name in names]
    others = [
        part_of(asked(name.replace(" ", "_").lower(), "zh", "长", "t"), 0.3, ()) for name in names
    ]
    assert parts == others
    assert 0.15 < sum(part is Part.VALIDATION for part in parts) / 200 < 0.45
    assert document_key(asked("Ada#7")) == document_key(asked("Ada#12"))


def test_unnamed_documents_are_their_passages() -> None:
    """Questions about a passage stay together where its article has no name."""
    assert document_key(asked("", passage="نص")) == document_key(asked("", passage="نص"))
    assert document_key(asked("", passage="نص")) != document_key(asked("", passage="آخر"))


def test_numbers_name_articles_of_one_source() -> None:
    """Article 12 of one source is not article 12 of another."""
    assert document_key(asked("12", source="a")) != document_key(asked("12", source="b"))


def test_a_language_held_out_is_in_no_training() -> None:
    """A question is held out if it or its passage is in such a language."""
    held_out = ("he",)
    assert part_of(asked("x", "he"), 0.0, held_out) is Part.HELD_OUT
    across = Record("s", "en", "he", "q", "p", (), "x")
    assert part_of(across, 0.0, held_out) is Part.HELD_OUT
    assert part_of(asked("x"), 0.0, held_out) is Part.TRAIN
