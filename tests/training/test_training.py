"""The adapter in torch: its layers, its losses, a whole run on a small model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from adapters import small_packed_model
from safetensors.torch import load_file
from torch import nn
from training_documents import document

from qa_service.encoder import embedded
from qa_service.encoder.adapter import read_adapter
from qa_service.encoder.embedded import embedded_model_folder
from qa_service.encoder.wheel import WEIGHTS_SHA256
from training.adapter import export, train
from training.adapter.checkpoints import read_state
from training.adapter.configuration import DEFAULT, Configuration, load_configuration
from training.adapter.documents import Part, write_corpus
from training.adapter.encoder import PASSAGE, TrainedEncoder
from training.adapter.lora import Adapter, LoraLinear
from training.adapter.losses import contrast, keep_direction, keep_ranking
from training.adapter.means import RunningMeans
from training.adapter.prepare import CORPUS, REPORT
from training.adapter.scoring import max_sim
from training.adapter.train import Trainer, rate_at

CPU = torch.device("cpu")
LETTERS = sorted(
    {*"abcdefghijklmnopqrstuvwxyz0123456789.THأبتثجحخدذرزسشصضطظعغفقكلمنهويىة首先打开第号文件来查看"}
)
CHANGES = (
    "model.rank=2",
    "model.threads=1",
    'model.dtype="float32"',
    "model.max_tokens=60",
    "optimizer.steps=4",
    "optimizer.warmup_steps=1",
    "optimizer.accumulate=2",
    "optimizer.learning_rate=0.01",
    "batches.sources.libreoffice-help=0.0",
    "batches.tokens=200",
    "batches.least=3",
    "logging.validate_every=0",
    'validation.sentences.languages=["ar","en"]',
    'validation.sentences.sources=["gnome-help"]',
)


def test_untrained_layer() -> None:
    """While B is zero a layer gives what it gave before."""
    base = nn.Linear(6, 4)
    layer = LoraLinear(base, rank=2, alpha=4, dtype=torch.float32)
    x = torch.randn(3, 5, 6)
    assert torch.equal(layer(x), base(x))


def test_trained_layer() -> None:
    """A trained layer gives what its merged weights give, and the base when turned off."""
    base = nn.Linear(6, 4)
    model = nn.Sequential(base)
    adapter = Adapter(model, rank=2, alpha=8, dtype=torch.float32)
    layer = adapter.layers["0"]
    x = torch.randn(3, 5, 6)
    nn.init.normal_(layer.b)
    expected = nn.functional.linear(x, base.weight + 4 * layer.b @ layer.a, base.bias)
    assert torch.allclose(layer(x), expected, atol=1e-5)
    assert torch.allclose(layer.merged(), base.weight + 4 * layer.b @ layer.a)
    with adapter.off():
        assert torch.equal(model(x), base(x))
    assert not torch.allclose(model(x), base(x))


def test_gradients_reach_the_adapter_alone() -> None:
    """Only A and B are trained, and their gradients are those of the merged weights."""
    base = nn.Linear(6, 4)
    model = nn.Sequential(base)
    adapter = Adapter(model, rank=2, alpha=2, dtype=torch.float32)
    layer = adapter.layers["0"]
    nn.init.normal_(layer.b)
    x = torch.randn(7, 6)
    model(x).square().sum().backward()
    weight = (base.weight + layer.b @ layer.a).detach().requires_grad_()
    nn.functional.linear(x, weight, base.bias).square().sum().backward()
    assert weight.grad is not None
    assert torch.allclose(layer.b.grad, weight.grad @ layer.a.T, atol=1e-3)
    assert torch.allclose(layer.a.grad, layer.b.T @ weight.grad, atol=1e-3)
    assert set(adapter.parameters()) == {"0.a", "0.b"}
    assert base.weight.grad is None


def test_contrast() -> None:
    """A right passage far above the wrong ones costs nothing; what may answer is no wrong one."""
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    wrong = ~torch.eye(2, dtype=torch.bool)
    by_row = [
        contrast(scores.diagonal()[i : i + 1], scores[i : i + 1], wrong[i : i + 1], 0.1)
        for i in (0, 1)
    ]
    assert by_row[0] < 0.001 < 1 < by_row[1]
    nothing_wrong = torch.zeros(2, 2, dtype=torch.bool)
    assert contrast(scores.diagonal(), scores, nothing_wrong, 0.1) < 1e-6


def test_keep_ranking() -> None:
    """The frozen model's own scores cost nothing, shifted or not; others cost more."""
    frozen = torch.tensor([[0.9, 0.1, 0.3]])
    assert keep_ranking(frozen + 1, frozen, 0.1).abs() < 1e-6
    assert keep_ranking(frozen.flip(1), frozen, 0.1) > 1


def test_keep_direction() -> None:
    """Longer vectors cost nothing, turned ones do."""
    vectors = torch.tensor([[1.0, 0.0]])
    assert keep_direction(3 * vectors, vectors) == 0
    assert keep_direction(vectors.flip(1), vectors) == 1


def test_max_sim() -> None:
    """Each token of a question takes its best match among the tokens that are kept."""
    generator = np.random.default_rng(2)
    queries = generator.normal(size=(3, 4, 5)).astype(np.float32)
    passages = generator.normal(size=(2, 6, 5)).astype(np.float32)
    weights = generator.random((3, 4)).astype(np.float32)
    weights[0, 2:] = 0
    weights[2] = 0
    is_kept = generator.random((2, 6)) < 0.6
    found = max_sim(*(torch.from_numpy(array) for array in (queries, weights, passages, is_kept)))
    for i in range(3):
        for j in range(2):
            best = (queries[i] @ passages[j][is_kept[j]].T).max(axis=1)
            assert found[i, j] == pytest.approx(float(best @ weights[i]), abs=1e-5)


def test_running_means() -> None:
    """The first vectors are the mean; later ones move it a little; languages count alike."""
    means = RunningMeans()
    means.update("tokens/ar", torch.tensor([[1.0], [3.0]]))
    assert means.to_tensors()["tokens/ar"] == 2
    means.update("tokens/ar", torch.tensor([[12.0]]))
    means.update("tokens/zh", torch.tensor([[6.0]]))
    means.update("query/zh", torch.tensor([[50.0]]))
    assert means.to_tensors()["tokens/ar"] == 4
    assert means.average("tokens/") == 5


def test_learning_rate() -> None:
    """The rate rises in a line, falls along a cosine, and never vanishes."""
    rates = [rate_at(step, 10, 100) for step in range(101)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[100] == pytest.approx(0.05)


@pytest.fixture
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small model in the place of the embedded one; gives its folder."""
    monkeypatch.setattr(embedded, "read_weights", lambda _wheel: b"")
    monkeypatch.setattr(
        embedded, "parse_weights", lambda _data: small_packed_model("".join(LETTERS), 64)
    )
    monkeypatch.setattr(embedded, "_TOKEN_LAYERS", ((1, 0.3), (2, 1.0)))
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))
    return embedded_model_folder(tmp_path / "cache")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Write a corpus of one source; gives its folder."""
    documents = [document(f"d{number}") for number in range(12)]
    named = [type(found)("gnome-help", found.name, found.units) for found in documents]
    folder = tmp_path / "data"
    folder.mkdir()
    parts = [Part.TRAIN] * 9 + [Part.VALIDATION] * 3
    write_corpus(folder / CORPUS, zip(named, parts, strict=True))
    (folder / REPORT).write_text(json.dumps({"packages": {"gnome-user-docs": "43"}}), "utf-8")
    return folder


def configuration(*changes: str) -> Configuration:
    """Return what a run on the small model is made of."""
    return load_configuration(DEFAULT, [*CHANGES, *changes])


def run(
    corpus: Path, folder: Path, minutes: Sequence[float], *changes: str
) -> dict[str, torch.Tensor]:
    """Train in one or several goes; returns the adapter's parameters."""
    folder.mkdir(exist_ok=True)
    for allowed in minutes:
        Trainer(configuration(*changes), corpus / CORPUS, folder).train(allowed)
    return dict(read_state(folder / train.CHECKPOINT).parameters)


def rows_of(folder: Path) -> list[dict[str, object]]:
    """Read a run's log."""
    return [json.loads(line) for line in (folder / train.LOG).read_text("utf-8").splitlines()]


class StoppedTrainer(Trainer):
    """Is told to stop, as by a signal, in its second step."""

    def _take_step(self) -> None:
        super()._take_step()
        if self._step == 2:
            self._stop()


def test_run_goes_on(small_model: Path, corpus: Path, tmp_path: Path) -> None:
    """A run that was stopped half way ends where one ends that was not."""
    whole = run(corpus, tmp_path / "whole", [60])
    cut = tmp_path / "cut"
    cut.mkdir()
    StoppedTrainer(configuration(), corpus / CORPUS, cut).train(60)
    assert read_state(cut / train.CHECKPOINT).step == 2
    resumed = run(corpus, cut, [60])
    assert resumed.keys() == whole.keys()
    for name, value in whole.items():
        assert torch.equal(resumed[name], value), name


def test_run_changes_something(small_model: Path, corpus: Path, tmp_path: Path) -> None:
    """Training moves every matrix and logs what it did, validation before and after."""
    folder = tmp_path / "run"
    parameters = run(corpus, folder, [60])
    assert all(value.any() for name, value in parameters.items() if name.endswith(".b"))
    rows = rows_of(folder)
    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4]
    assert {row["validation"] for row in rows if "validation" in row} == {"sentences", "questions"}
    assert all(np.isfinite(row["loss"]) for row in rows if "loss" in row)
    judged = next(row for row in rows if row.get("validation") == "sentences")
    scores = judged["scores"]
    assert isinstance(scores, dict)
    assert {"ar>ar", "ar>en", "en>ar", "en>en", "same, trained", "cross, trained"} == set(scores)


def test_run_of_another_corpus(small_model: Path, corpus: Path, tmp_path: Path) -> None:
    """A run does not go on with other data than it began with."""
    folder = tmp_path / "run"
    run(corpus, folder, [0.0])
    write_corpus(corpus / CORPUS, [(document("other"), Part.TRAIN)])
    with pytest.raises(SystemExit, match="another corpus"):
        Trainer(configuration(), corpus / CORPUS, folder)


def test_same_encoder_as_the_library(small_model: Path) -> None:
    """Vectors are those of sentence-transformers, whatever texts run together."""
    from sentence_transformers import SentenceTransformer

    encoder = TrainedEncoder(small_model, 2, 4, CPU, torch.float32, 60)
    texts = ["abc abd", "فتح ملف ملف قلم", "打开文件", "ab " * 12]
    theirs = SentenceTransformer(str(small_model), device="cpu")
    expected = theirs.encode(texts, prompt_name="document")
    inputs = encoder.prepare(PASSAGE, texts)
    with torch.no_grad():
        for most_tokens in (1, 60, 4096):
            found = encoder.encode(inputs, most_tokens)
            assert np.allclose(found.vectors.numpy(), expected, atol=1e-5)
    assert torch.allclose(encoder.encode(inputs, 60).vectors.detach(), found.vectors, atol=1e-5)
    assert not inputs.is_kept[:, 0].any()
    assert torch.allclose(inputs.weights.sum(dim=1), torch.ones(4))


def test_exported_adapter(
    small_model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported is read and merged by the product, and tells where it comes from."""
    folder = tmp_path / "run"
    run(corpus, folder, [60])
    output, figures = tmp_path / "adapter.safetensors", tmp_path / "figures.json"
    figures.write_text('{"R@1": 0.9}')
    arguments = [str(corpus), str(folder), "--output", str(output), "--figures", str(figures)]
    monkeypatch.setattr("sys.argv", ["export", *arguments])
    assert export.main() == 0
    adapter = read_adapter(output)
    assert adapter.base_sha256 == WEIGHTS_SHA256
    merged = embedded_model_folder(tmp_path / "cache", adapter=adapter)
    encoder = TrainedEncoder(small_model, 2, 32.0, CPU, torch.float32, 60)
    encoder.adapter.load(dict(read_state(folder / train.CHECKPOINT).parameters))
    weights = load_file(merged / "model.safetensors")
    assert len(encoder.adapter.layers) == 12
    for name, layer in encoder.adapter.layers.items():
        assert torch.allclose(weights[f"{name}.weight"], layer.merged(), atol=1e-3), name
    with (Path(output)).open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    about = json.loads(header["__metadata__"]["about"])
    assert about["figures"] == {"R@1": 0.9}
    trained = about["trained"]
    assert trained["packages"] == {"gnome-user-docs": "43"}
    assert trained["steps"] == 4
    assert trained["tokens"] > 0
    assert trained["configuration"]["optimizer"]["seed"] == 1
    assert "sentences, step 4" in trained["validation"]


def test_half_an_adapter(
    small_model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter exported at half its scale changes the weights by half."""
    folder = tmp_path / "run"
    run(corpus, folder, [60])
    adapters = []
    for scale in ("1.0", "0.5"):
        output = tmp_path / f"{scale}.safetensors"
        arguments = [str(corpus), str(folder), "--output", str(output), "--scale", scale]
        monkeypatch.setattr("sys.argv", ["export", *arguments])
        export.main()
        adapters.append(read_adapter(output))
    whole, half = adapters
    for name in whole.downs:
        changes = [adapter.change_of(name) for adapter in (whole, half)]
        assert np.array_equal(changes[0] / 2, changes[1])
