"""A small model in the place of the embedded one, and what is prepared with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from adapters import small_packed_model
from reader_questions import letters, write_questions

from qa_service.encoder import embedded
from qa_service.encoder.embedded import embedded_model_folder
from training.reader import split
from training.reader.prepare import prepare
from training.reader.split import Part

POSITIONS = 256


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack a model of two layers whose tokens are characters; gives its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "read_weights", lambda _wheel: b"")
        patch.setattr(
            embedded, "parse_weights", lambda _data: small_packed_model(letters(), POSITIONS)
        )
        return embedded_model_folder(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def prepared(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare all made-up questions; gives the folder. Hebrew is held out, Ona is for judging."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.reader.building.part_of", fixed_part(split.part_of))
        prepare(
            write_questions(folder / "questions"),
            folder / "data",
            held_out=("he",),
            model=small_model,
        )
    return folder / "data"


def fixed_part(part_of: Callable[..., Part]) -> Callable[..., Part]:
    """Return a rule that keeps three articles for judging, whatever their hashes."""

    def part(record, share, held_out):
        if part_of(record, 0.0, held_out) is Part.HELD_OUT:
            return Part.HELD_OUT
        is_judged = record.document in ("Ona Bridge", "برج المدينة", "东方塔")
        return Part.VALIDATION if is_judged else Part.TRAIN

    return part
