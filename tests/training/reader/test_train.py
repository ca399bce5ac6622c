"""Whole runs on a small model: they go on, end, learn, and leave alone what is frozen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from training.adapter.checkpoints import read_state
from training.reader import export, pack, transfer, validate
from training.reader.base import BASE, WORDS, read_base
from training.reader.configuration import DEFAULT, Configuration, load_configuration
from training.reader.export import FORMAT, lost_share, read_trained
from training.reader.model import SpanReader
from training.reader.train import CHECKPOINT, LOG, Trainer

CHANGES = (
    "model.threads=1",
    'model.dtype="float32"',
    "optimizer.learning_rate=0.003",
    "optimizer.warmup_steps=2",
    "logging.validate_minutes=0",
    "validation.max_tokens=120",
    "examples.tokens=600",
    "examples.windows=[[60, 0.5], [120, 0.5]]",
)


def configuration(*changes: str) -> Configuration:
    """Return what a run on the small model is made of."""
    return load_configuration(DEFAULT, [*CHANGES, *changes])


class StoppedTrainer(Trainer):
    """Is told to stop, as by a signal, after some steps."""

    last = 2

    def _take_step(self) -> None:
        super()._take_step()
        if self._step == self.last:
            self._stop()


def parameters_of(run: Path) -> dict[str, torch.Tensor]:
    """Read a run's weights."""
    return dict(read_state(run / CHECKPOINT).parameters)


def rows_of(run: Path) -> list[dict[str, object]]:
    """Read a run's log."""
    return [json.loads(line) for line in (run / LOG).read_text("utf-8").splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Make the folder of a run."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_run_goes_on(prepared: Path, tmp_path: Path) -> None:
    """A run that was stopped half way ends where one ends that was not, and so does its decay."""
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    ending = configuration("optimizer.decay_steps=4")
    Trainer(ending, prepared, tmp_path / "whole").train(60)
    StoppedTrainer(ending, prepared, tmp_path / "cut").train(60)
    assert read_state(tmp_path / "cut" / CHECKPOINT).step == 2
    Trainer(ending, prepared, tmp_path / "cut").train(60)
    whole, cut = parameters_of(tmp_path / "whole"), parameters_of(tmp_path / "cut")
    assert read_state(tmp_path / "cut" / CHECKPOINT).step == 4
    for name, value in whole.items():
        assert torch.equal(cut[name], value), name


def test_a_decay_starts_from_a_run_without_end(prepared: Path, run: Path, tmp_path: Path) -> None:
    """The level phase can go on after a decay was made of it, in a folder of its own."""
    StoppedTrainer(configuration(), prepared, run).train(60)
    before = parameters_of(run)
    ended = tmp_path / "ended"
    ended.mkdir()
    Trainer(configuration("optimizer.decay_steps=3"), prepared, ended, run).train(60)
    rows = [row for row in rows_of(ended) if "loss" in row]
    assert [row["step"] for row in rows] == [3, 4, 5]
    rates = [row["learning_rate"] for row in rows]
    assert rates == pytest.approx([0.003, 0.002, 0.001])
    assert "validation" in rows_of(ended)[-1]
    after = parameters_of(run)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    StoppedTrainer.last = 3
    try:
        StoppedTrainer(configuration(), prepared, run).train(60)
    finally:
        StoppedTrainer.last = 2
    assert read_state(run / CHECKPOINT).step == 3


def test_no_checkpoint_to_start_from(prepared: Path, run: Path, tmp_path: Path) -> None:
    """A run to start from that has not begun is named."""
    with pytest.raises(SystemExit, match="has begun"):
        Trainer(configuration(), prepared, run, tmp_path / "nothing")


def test_run_learns(prepared: Path, run: Path) -> None:
    """The loss falls, every layer moves, and the embeddings stay as they are."""
    StoppedTrainer.last = 30
    try:
        trainer = StoppedTrainer(configuration(), prepared, run)
        trainer.train(60)
    finally:
        StoppedTrainer.last = 2
    losses = [float(str(row["loss"])) for row in rows_of(run) if "loss" in row]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    trained, base = parameters_of(run), read_base(prepared / BASE)
    assert not any("embeddings" in name for name in trained)
    for name, value in trained.items():
        if name.startswith("encoder."):
            assert not torch.equal(value, base.weights[name.removeprefix("encoder.")]), name
    words = trainer._reader.encoder.embeddings.word_embeddings.weight
    assert torch.equal(words, base.weights[WORDS])


def test_frozen_layers(prepared: Path) -> None:
    """The lowest layers are not trained if so wished."""
    trained = SpanReader(read_base(prepared / BASE), frozen_layers=1).trained()
    assert not any(".layer.0." in name for name in trained)
    assert any(".layer.1." in name for name in trained)


def test_frozen_layers_keep_what_they_learnt(prepared: Path, run: Path) -> None:
    """A run whose lowest layer is frozen half way has it as it was, and can be thawed."""
    StoppedTrainer(configuration(), prepared, run).train(60)
    before = parameters_of(run)
    for last, layers in ((3, 1), (4, 0)):
        StoppedTrainer.last = last
        try:
            StoppedTrainer(configuration(f"model.frozen_layers={layers}"), prepared, run).train(60)
        finally:
            StoppedTrainer.last = 2
        after = parameters_of(run)
        lowest = "encoder.encoder.layer.0.output.dense.weight"
        assert torch.equal(after[lowest], before[lowest]) == (layers == 1)
    assert after.keys() == before.keys()


def test_threads_learn_the_same(prepared: Path, tmp_path: Path) -> None:
    """Two threads lose what one loses, up to the order in which numbers are added."""
    found = []
    for threads in (1, 2):
        run = tmp_path / str(threads)
        run.mkdir()
        changes = (f"model.threads={threads}", "model.most_tokens=300")
        StoppedTrainer(configuration(*changes), prepared, run).train(60)
        found.append(rows_of(run))
    for one, two in zip(*found, strict=True):
        for name in ("loss", "answerability", "gradient_norm"):
            assert one[name] == pytest.approx(two[name], abs=2e-3)


def test_export(
    prepared: Path,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file gives back nearly the run's weights, and tells what they were made from."""
    Trainer(configuration("optimizer.decay_steps=3"), prepared, run).train(60)
    base = read_base(prepared / BASE)
    trained = parameters_of(run)
    sizes = {}
    for bits, most_lost in (("8", 0.02), ("4", 0.2)):
        output = tmp_path / f"reader{bits}.safetensors"
        arguments = ["export", str(prepared), str(run), str(output), "--bits", bits]
        monkeypatch.setattr("sys.argv", arguments)
        assert export.main() == 0
        written = read_trained(output, base.weights)
        assert written.keys() == trained.keys()
        assert 0 < lost_share(trained, written, base.weights) < most_lost
        assert torch.equal(written["span.weight"], trained["span.weight"])
        sizes[bits] = output.stat().st_size
    assert sizes["4"] < sizes["8"]
    with (tmp_path / "reader8.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]
    assert header["format"] == FORMAT
    about = json.loads(header["about"])["trained"]
    assert about["steps"] == 3
    assert about["tokens"] > 1000
    assert about["data"]["sources"]["made-up"]["licence"] == "CC0"
    assert about["configuration"]["optimizer"]["seed"] == 1
    assert "all" in about["validation"]["validation"]
    judge = ["validate", str(prepared), "--file", str(tmp_path / "reader8.safetensors")]
    monkeypatch.setattr("sys.argv", [*judge, "--output", str(tmp_path / "figures.json")])
    assert validate.main() == 0
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert figures["held out"]["answerable"] == 1
    assert "en" in capsys.readouterr().out


def test_another_file_is_no_reader(prepared: Path) -> None:
    """A file of another format is refused by name."""
    with pytest.raises(ValueError, match=r"base\.safetensors has format None"):
        read_trained(prepared / BASE, {})


def test_pack_trains_elsewhere(prepared: Path, run: Path, tmp_path: Path) -> None:
    """A packed folder is smaller, starts from the run's weights, and can be trained on."""
    StoppedTrainer(configuration(), prepared, run).train(60)
    packed = tmp_path / "packed"
    size = pack.pack(prepared, packed, run, 10_000_000)
    assert size == sum(path.stat().st_size for path in packed.iterdir())
    name = "encoder.layer.0.output.dense.weight"
    expected = parameters_of(run)[f"encoder.{name}"]
    found = read_base(packed / BASE).weights[name]
    assert torch.allclose(found, expected, atol=0.03)
    other = tmp_path / "other"
    other.mkdir()
    heads = read_base(packed / BASE).weights["span.weight"]
    assert torch.equal(heads, parameters_of(run)["span.weight"])
    Trainer(configuration("optimizer.decay_steps=3"), packed, other).train(60)
    assert read_state(other / CHECKPOINT).step == 3


def test_way_back_in_parcels(prepared: Path, run: Path, tmp_path: Path) -> None:
    """A run's weights travel in small files, and a run goes on from them elsewhere."""
    StoppedTrainer(configuration(), prepared, run).train(60)
    parcels, other = tmp_path / "parcels", tmp_path / "other"
    parcels.mkdir()
    other.mkdir()
    transfer.part_run(run, parcels, 1000)
    files = sorted(parcels.glob("*.safetensors"))
    assert len(files) > 2
    transfer.join_run(parcels, other)
    expected = parameters_of(run)
    for name, value in parameters_of(other).items():
        assert torch.allclose(value, expected[name], rtol=1e-3, atol=1e-6), name
    StoppedTrainer.last = 3
    try:
        StoppedTrainer(configuration(), prepared, other).train(60)
    finally:
        StoppedTrainer.last = 2
    assert [row["step"] for row in rows_of(other)] == [1, 2, 3]
    files[1].unlink()
    with pytest.raises(ValueError, match=r"weights-2\.safetensors is missing"):
        transfer.join_run(parcels, other)
