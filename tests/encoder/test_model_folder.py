"""The folder of the model that the settings name, or a message that says where it was sought."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_folder import ModelSource, find_model
from qa_service.errors import ModelUnavailableError


@pytest.mark.parametrize("runtime", ["auto", "openvino", "torch"])
@pytest.mark.parametrize("name", ["nobody/no-such-model", "not a model!", "../nowhere"])
def test_model_that_is_not_here(tmp_path: Path, runtime: str, name: str) -> None:
    """A model not on this machine is named, with where it was sought and how to get it."""
    settings = load_settings(model=name, runtime=runtime, cache=tmp_path)
    with pytest.raises(ModelUnavailableError, match=r"never downloads.*QA_MODEL") as caught:
        load_encoder(settings)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    """A folder without a model's files is named, with what was expected in it."""
    with pytest.raises(ModelUnavailableError, match=r"modules\.json") as caught:
        load_encoder(load_settings(model=str(tmp_path), cache=tmp_path / "cache"))
    assert str(tmp_path) in str(caught.value)


@pytest.fixture
def source(tmp_path: Path) -> ModelSource:
    """Return a folder that looks like a model's."""
    folder = tmp_path / "نموذج 模型"
    folder.mkdir()
    (folder / "config.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text("about", "utf-8")
    return ModelSource("name", folder)


def test_state_follows_every_file(source: ModelSource) -> None:
    """Without reading any: a name, a size or a time that changes, changes it."""
    states = [source.state()]
    assert source.state() == states[0]
    (source.folder / "README.md").write_text("more about it", "utf-8")
    states.append(source.state())
    os.utime(source.folder / "config.json", (1, 1))
    states.append(source.state())
    (source.folder / "config.json").rename(source.folder / "moved.json")
    states.append(source.state())
    assert len(set(states)) == 4


def test_weights_are_told_by_their_content(source: ModelSource) -> None:
    """Times and papers beside them do not matter; what decides how they are used does."""
    before = source.weights_sha256()
    os.utime(source.folder / "model.safetensors", (1, 1))
    (source.folder / "README.md").write_text("more about it", "utf-8")
    assert source.weights_sha256() == before
    (source.folder / "config.json").write_text('{"layers": 2}', "utf-8")
    assert source.weights_sha256() != before


def test_a_folder_is_found_under_its_own_name(source: ModelSource, tmp_path: Path) -> None:
    """Its place is whole, whatever the setting said; its layers are the last one."""
    found = find_model(load_settings(model=str(source.folder), cache=tmp_path / "cache"))
    assert found.folder == source.folder.resolve()
    assert found.token_layers() == ()
