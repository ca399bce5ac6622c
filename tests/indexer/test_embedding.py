"""Nothing is embedded twice, and nothing damaged is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from index_parts import WordHashEncoder, make_parts
from workshop import Workshop, states

from qa_service.errors import NoIndexError
from qa_service.indexer import Indexer, embedding


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
