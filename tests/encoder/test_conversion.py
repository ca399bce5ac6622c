"""A model's folder becomes a graph with all that running it needs, or a line says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_service.encoder.conversion import main
from qa_service.encoder.description import read_description
from qa_service.encoder.openvino_files import DESCRIPTION, GRAPH, UNCONVERTIBLE
from qa_service.encoder.quiet_openvino import openvino
from qa_service.encoder.splitters import load_splitter


def test_all_that_running_needs_is_written(small_model: Path, tmp_path: Path) -> None:
    """Graph, tokenizer and description; the model's folder stays as it was."""
    before = sorted(path.name for path in small_model.iterdir())
    assert main(["نموذج", str(small_model), str(tmp_path), "fp32"]) == 0
    graph = openvino.Core().read_model(tmp_path / GRAPH)
    assert [one.any_name for one in graph.inputs] == ["input_ids", "attention_mask"]
    assert [one.any_name for one in graph.outputs] == ["token_embeddings", "sentence_embedding"]
    description = read_description(tmp_path / DESCRIPTION)
    assert (description.name, description.dimension, description.max_tokens) == ("نموذج", 48, 64)
    assert len(load_splitter(tmp_path).split(["Der Turm ist hoch"])[0].ids) > 0
    assert sorted(path.name for path in small_model.iterdir()) == before


def test_what_cannot_be_converted_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process that asked reads the last line, so there is no other after it."""
    folder = tmp_path / "مجلد"
    folder.mkdir()
    (folder / "config.json").write_text("{", "utf-8")
    assert main(["name", str(folder), str(tmp_path), "int8"]) == UNCONVERTIBLE
    last = capsys.readouterr().err.splitlines()[-1]
    assert "name" in last or str(folder) in last
    assert list(tmp_path.glob("*.xml")) == []
