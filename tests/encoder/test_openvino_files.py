"""The converted model in the cache: made again when the model changes or it is damaged."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from damages import all_random
from encoder_texts import TEXTS

from qa_service.config import load_settings
from qa_service.encoder.cached_folder import CachedFolder
from qa_service.encoder.loading import load_encoder


def test_a_changed_model_is_converted_again(small_model: Path, tmp_path: Path) -> None:
    """When the folder's files change, the graph made from the old ones is not used."""
    copy = tmp_path / "model"
    shutil.copytree(small_model, copy)
    settings = load_settings(
        model=str(copy), runtime="openvino", precision="int8", cache=tmp_path / "cache"
    )
    before = load_encoder(settings).fingerprint
    prompts = copy / "config_sentence_transformers.json"
    content = json.loads(prompts.read_text("utf-8"))
    content["prompts"]["query"] = "frag "
    prompts.write_text(json.dumps(content), "utf-8")
    assert load_encoder(settings).fingerprint != before


@pytest.mark.slow
@pytest.mark.parametrize("is_seen_at_start", [True, False])
def test_a_damaged_conversion_is_made_again(
    is_seen_at_start: bool,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever is damaged in the cache, the model is converted anew, without an error."""
    settings = load_settings(model=str(small_model), runtime="openvino", cache=tmp_path)
    expected = load_encoder(settings).encode_query(TEXTS).vectors
    (folder,) = (path for path in (tmp_path / "openvino").iterdir() if path.is_dir())
    for path in folder.iterdir():
        # The stamp alone says what the files were.
        if path.name != "qa-service.json":
            path.write_bytes(all_random(path.read_bytes()))
    if not is_seen_at_start:
        looks = iter([None])
        look = CachedFolder._damage
        monkeypatch.setattr(
            CachedFolder, "_damage", lambda self: next(looks, "look") and look(self)
        )
    with caplog.at_level(logging.WARNING):
        found = load_encoder(settings).encode_query(TEXTS).vectors
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert sum("made anew" in record.message for record in caplog.records) == 1
