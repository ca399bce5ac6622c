"""The measuring of other libraries, as far as it goes without them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

PEERS = Path(__file__).parent.parent / "benchmarks" / "peers"


@pytest.fixture(autouse=True)
def scripts_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts be imported as they import each other."""
    monkeypatch.setattr(sys, "path", [str(PEERS), *sys.path])


def test_every_peer_is_pinned() -> None:
    """The version that a result names is the one that the requirements pin."""
    import engines

    requirements = (PEERS / "requirements-peers.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE))
    assert {peer.distribution for peer in engines.PEERS.values()} <= pinned


def test_both_environments_hold_the_same_model_libraries() -> None:
    """Peers are measured on the versions that qa-service itself runs on."""
    ours = set((PEERS.parent.parent / "constraints.txt").read_text(encoding="utf-8").split())
    theirs = set((PEERS / "requirements-peers.txt").read_text(encoding="utf-8").split())
    for library in ("torch", "transformers", "sentence-transformers", "tokenizers", "faiss-cpu"):
        pins = {pin for pin in ours | theirs if pin.startswith(f"{library}==")}
        assert len(pins) == 1, pins
        assert pins <= ours & theirs


@pytest.mark.parametrize(
    ("values", "expected"), [([5.0], 5.0), ([3.0, 1.0, 2.0], 3.0), (list(range(1, 101)), 95)]
)
def test_percentile(values: list[float], expected: float) -> None:
    """The 95th percentile is one of the values measured, whatever their order."""
    import run

    assert run.percentile(values, 95) == expected


def test_texts_are_read(tmp_path: Path) -> None:
    """Passages and questions keep their order and their exact text."""
    import engines
    import run

    texts = tmp_path / "texts.json"
    texts.write_text(
        '{"passages": [{"id": "b", "text": "نص  عربي", "language": "ar"},'
        ' {"id": "a", "text": "ข้อความ", "language": "th"}], "queries": []}',
        encoding="utf-8",
    )
    passages = run.read_texts(texts, "passages")
    assert passages == [engines.Text("b", "نص  عربي"), engines.Text("a", "ข้อความ")]
    assert run.read_texts(texts, "queries") == []
