"""What is known of a model: the prompts it is given, and the name of what it makes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from qa_service.config import load_settings
from qa_service.encoder.description import ModelDescription, read_description, write_description
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.protocol import Encoder


def test_fingerprints(torch_encoder: Encoder) -> None:
    """A fingerprint is the same in every precision and runtime, and changes with prompts."""
    int8 = {"runtime": "openvino", "precision": "int8"}
    one, same, prompted = (
        load_encoder(load_settings(**options)).fingerprint
        for options in (int8, int8, {**int8, "query_prompt": "سؤال: "})
    )
    assert one == same == torch_encoder.fingerprint
    assert prompted != one
    assert one.startswith("multilingual-e5-small:")


def test_prompts_of_the_settings(torch_encoder: Encoder) -> None:
    """Prompts can be set, an empty one too; the model's own are `query: ` and `passage: `."""
    text = "كم عدد الكواكب؟"
    plain = load_encoder(load_settings(runtime="openvino", query_prompt="", passage_prompt=""))
    asked, stored = plain.encode_query([text]), plain.encode_document([text])
    # But for rounding: questions may run in another precision.
    assert asked.vectors[0] @ stored.vectors[0] > 0.999
    by_hand = plain.encode_query(["query: " + text]).vectors[0]
    assert by_hand @ torch_encoder.encode_query([text]).vectors[0] > 0.999


DESCRIPTION = ModelDescription(
    name="نموذج 模型",
    weights_sha256="0" * 64,
    pooling="mean",
    precision="int8",
    dimension=384,
    max_tokens=512,
    pad_id=1,
    query_prompt="سؤال: ",
    passage_prompt="段落：",
    token_layers=((6, 0.2), (12, 1.0)),
)


def test_a_description_comes_back_from_its_file(tmp_path: Path) -> None:
    """In any script, layers included."""
    write_description(tmp_path / "description.json", DESCRIPTION)
    assert read_description(tmp_path / "description.json") == DESCRIPTION


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights_sha256", "1" * 64),
        ("pooling", "cls"),
        ("max_tokens", 256),
        ("query_prompt", ""),
        ("passage_prompt", "पाठ: "),
        ("token_layers", ()),
    ],
)
def test_whatever_changes_vectors_changes_the_fingerprint(field: str, value: object) -> None:
    """So that no two kinds of vectors meet in an index."""
    changed = dataclasses.replace(DESCRIPTION, **{field: value})  # type: ignore[arg-type]
    assert changed.fingerprint != DESCRIPTION.fingerprint


def test_precision_is_no_part_of_the_fingerprint() -> None:
    """An index goes from one kind of processor to another."""
    assert dataclasses.replace(DESCRIPTION, precision="bf16").fingerprint == DESCRIPTION.fingerprint


def test_only_prompts_that_are_set_are_overridden() -> None:
    """An empty one is set, too."""
    assert DESCRIPTION.with_prompts_of(load_settings()) == DESCRIPTION
    found = DESCRIPTION.with_prompts_of(load_settings(query_prompt=""))
    assert (found.query_prompt, found.passage_prompt) == ("", "段落：")
